"""What a search for a cluster won: `SpotRental`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from tensorone._clusters.spec import ClusterSpec, preferring
from tensorone._data.dataclass import dataclass
from tensorone._data.unshown import Unshown
from tensorone._generated import CloudType, Cluster, PlacedCluster
from tensorone._market.attempt_log import Attempt, MarketKind  # noqa: TC001 - likewise
from tensorone._recovery.actions import RentElsewhere  # noqa: TC001 - likewise

if TYPE_CHECKING:
    from decimal import Decimal

    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

    from tensorone._market.attempt_log import Candidate

    from .request import SpotRequest

__all__ = ["SpotRental"]


class _AsItIs:
    """How pydantic reads and writes the cluster: also a listed one, which has more fields, whole."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(Cluster | PlacedCluster)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotRental(Unshown):
    """A cluster that was won.

    Attributes:
        cluster: The cluster; it is billed from now on.
        spec: The spec it was rented for, with its own GPU type first, as `recover` and `keep_running` need it.
        gpu_type_id: Its GPU type; None if it is the cluster of an earlier call, found by its token.
        bid_per_gpu: The bid that won, US dollars per GPU and hour; None for an on-demand cluster, or if found by
            its token.
        attempts: Everything that was tried, in order.
        cloud_type: The cloud type asked for; None if the server chose, or if found by its token.
        kind: ``"on_demand"`` if ``capacity="auto"`` fell back to it; None if found by its token.
        on_demand_price: The fixed price as quoted, for an on-demand cluster.
        left_behind: The cluster that this one replaces, where its volume stays and what it costs; None if it
            replaces none.
    """

    cluster: Annotated[PlacedCluster, _AsItIs]
    spec: ClusterSpec
    gpu_type_id: str | None
    bid_per_gpu: float | None
    attempts: tuple[Attempt, ...]
    cloud_type: CloudType | None = None
    kind: MarketKind | None = "spot"
    on_demand_price: float | None = None
    left_behind: RentElsewhere | None = None

    def __str__(self) -> str:
        price = self.on_demand_price if self.bid_per_gpu is None else self.bid_per_gpu
        known = "" if price is None else f" at {price:g} USD per GPU-hour"
        what = " ".join(filter(None, (self.gpu_type_id, (self.kind or "").replace("_", "-"))))
        return f"{self.cluster.id}: {what or 'found by its token'}{known}"


def adopted(request: SpotRequest, cluster: PlacedCluster) -> SpotRental:
    """The cluster that an earlier call with the same token rented; its GPU type and price are unknown."""
    tried = tuple(request.log.attempts)
    return SpotRental(cluster=cluster, spec=request.spec, gpu_type_id=None, bid_per_gpu=None, attempts=tried, kind=None)


def won(
    request: SpotRequest, cluster: PlacedCluster, candidate: Candidate, *, paying: Decimal, kind: MarketKind
) -> SpotRental:
    """A cluster that was rented now, at a bid or at a fixed price."""
    spot = kind == "spot"
    return SpotRental(
        cluster=cluster,
        spec=preferring(request.spec, candidate.gpu_type_id),
        gpu_type_id=candidate.gpu_type_id,
        cloud_type=candidate.cloud_type,
        kind=kind,
        bid_per_gpu=float(paying) if spot else None,
        on_demand_price=None if spot else float(paying),
        attempts=tuple(request.log.attempts),
    )
