"""What a search for a cluster won: `SpotRental`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorone._clusters.spec import ClusterSpec
    from tensorone._generated import CloudType, PlacedCluster
    from tensorone._market.attempt_log import Attempt, MarketKind
    from tensorone._recovery.actions import RentElsewhere

__all__ = ["SpotRental"]


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
    kind: MarketKind | None = "spot"
    on_demand_price: float | None = None
    left_behind: RentElsewhere | None = None
