"""The initial state of a world."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from tensorone.emulator._market.boot import Boot

if TYPE_CHECKING:
    from tensorone.emulator._market.hosts import Host


DEFAULT_BOOT = Boot(seconds=2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything that determines the initial state of a world.

    Attributes:
        seed: Same seed, same ids, hosts and prices.
        boot: Progression of future starts.
        balance: Credit, US dollars.
        hosts: The machines; None is sixteen for each GPU type and cloud type.
        first_clusters: Whether the account begins with the clusters of the published examples.
    """

    seed: int = 0
    boot: Boot = DEFAULT_BOOT
    balance: Decimal = Decimal(1000)
    hosts: tuple[Host, ...] | None = None
    first_clusters: bool = True
