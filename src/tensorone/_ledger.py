"""What a search for a spot cluster tried, and what it won."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from . import _checks
from ._errors import TensorOneError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from decimal import Decimal

    from ._candidates import Candidate
    from ._generated import CloudType, PlacedCluster
    from ._plans import RentElsewhere
    from ._specs import ClusterSpec

__all__ = ["Attempt", "SpotRental"]

logger = logging.getLogger("tensorone")

Kind = Literal["spot", "on_demand"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One thing that was tried.

    Attributes:
        at: When, UTC.
        gpu_type_id: For which GPU type; None for all of them, where the market itself could not be read.
        cloud_type: In which part of the market; None where the server chose.
        kind: Whether as a spot or as an on-demand cluster.
        bid_per_gpu: The bid, or the fixed price, US dollars per GPU and hour; None if nothing was sent.
        reason: Why this bid, or why none.
        answer: What came of it: "won", or the server's refusal in its own words, or how its answer was lost; "" if
            nothing was sent.
    """

    at: datetime
    gpu_type_id: str | None
    cloud_type: CloudType | None = None
    kind: Kind = "spot"
    bid_per_gpu: float | None
    reason: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotRental:
    """A cluster that was won.

    Attributes:
        cluster: The cluster; it is billed from now on.
        spec: What it was rented for, with its own GPU type first: what `recover` and `keep_running` want for it.
        gpu_type_id: Its GPU type; None where the cluster of an earlier call was found by its token.
        bid_per_gpu: The bid that won, US dollars per GPU and hour; None likewise, and for an on-demand cluster.
        attempts: Everything that was tried, in order.
        cloud_type: The part of the market asked for; None where the server chose, or as above.
        kind: ``"on_demand"`` where ``capacity="auto"`` fell back; None where found by its token.
        on_demand_price: The fixed price as quoted, for an on-demand cluster.
        left_behind: Where it replaces another cluster: that one, where its volume stays, and what it costs.
    """

    cluster: PlacedCluster
    spec: ClusterSpec
    gpu_type_id: str | None
    bid_per_gpu: float | None
    attempts: tuple[Attempt, ...]
    cloud_type: CloudType | None = None
    kind: Kind | None = "spot"
    on_demand_price: float | None = None
    left_behind: RentElsewhere | None = None


class Ledger:
    """The attempts of one search, each told to whoever wants to know."""

    def __init__(self, on_attempt: Callable[[Attempt], object] | None) -> None:
        _checks.hook("on_attempt", on_attempt)
        self.attempts: list[Attempt] = []
        self._on_attempt = on_attempt

    def note(
        self,
        candidate: Candidate | None,
        reason: str,
        *,
        paying: Decimal | None = None,
        answer: str = "",
        kind: Kind = "spot",
    ) -> None:
        """Writes an attempt down."""
        attempt = Attempt(
            at=datetime.now(UTC),
            gpu_type_id=candidate.gpu_type_id if candidate else None,
            cloud_type=candidate.cloud_type if candidate else None,
            kind=kind,
            bid_per_gpu=None if paying is None else float(paying),
            reason=reason,
            answer=answer,
        )
        self.attempts.append(attempt)
        if self._on_attempt is not None:
            try:
                self._on_attempt(attempt)
            except Exception:  # a hook must not cost the cluster that was just won
                logger.exception("on_attempt failed")

    @contextmanager
    def told(self) -> Generator[None]:
        """Gives every error that leaves the block what was tried."""
        try:
            yield
        except TensorOneError as error:
            error.ledger = tuple(self.attempts)
            raise

    @property
    def last_bid(self) -> float | None:
        """The latest bid that was sent."""
        bids = [each.bid_per_gpu for each in self.attempts if each.kind == "spot" and each.bid_per_gpu is not None]
        return bids[-1] if bids else None
