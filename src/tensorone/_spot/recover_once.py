"""One recovery of a spot cluster: where it is, or by another cluster in its place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import anyio

from tensorone._clusters.spec import preferring
from tensorone._data.dataclass import dataclass
from tensorone._events.rentals import LeftBehind
from tensorone._recovery.actions import RentElsewhere
from tensorone._recovery.leave import left_behind
from tensorone._recovery.policy import Resumable
from tensorone._recovery.resume_in_place import Recovery
from tensorone._session.cluster_status import is_active

from .acquire import not_stopped
from .candidates import candidates
from .result import SpotRental
from .search import Search

if TYPE_CHECKING:
    from tensorone._clusters.spec import ClusterSpec
    from tensorone._generated import Cluster, PlacedCluster
    from tensorone._market.shared_prices import SharedPrices
    from tensorone._recovery.policy import ResumePolicy
    from tensorone._session.session import Session

    from .request import SpotRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """How to rent another cluster in the place of one; `market` is for a fleet, and where it is the cheapest."""

    request: SpotRequest
    end: float
    once: bool = False
    market: SharedPrices | None = None


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a recovery came to, and how: it was there, was started where it is, or was rented now."""

    rental: SpotRental
    how: Literal["found", "started", "rented"]


async def recovered(session: Session, cluster_id: str, policy: ResumePolicy, replacement: Replacement) -> Recovered:
    """The cluster where it is, or another in its place, until the time is over."""
    recovery = of_spot(session, cluster_id, policy, replacement)
    rental = await ended(session, recovery, await recovery.run(replacement.end, until_up=False), replacement)
    if rental.left_behind is not None:
        return Recovered(not_stopped(rental), "found" if rental.kind is None else "rented")
    return Recovered(rental, "started" if recovery.started else "found")


def of_spot(  # noqa: PLR0913 - what is known of the cluster
    session: Session,
    cluster_id: str,
    policy: ResumePolicy,
    replacement: Replacement,
    *,
    seen: Cluster | None = None,
    misses: int = 0,
    waited: float = 0.0,
) -> Recovery:
    """The recovery of a spot cluster that was rented for a spec, whose first GPU type is its own."""
    spec = replacement.request.spec
    return Recovery(
        session,
        Resumable(
            cluster_id=cluster_id,
            status=None,
            gpu_count=spec.gpu_count,
            kind="spot",
            volume_in_gb=spec.volume_in_gb,
            waited=waited,
        ),
        policy,
        gpu_type_id=candidates(spec)[0].gpu_type_id,
        every=replacement.request.terms.every,
        log=replacement.request.log,
        seen=seen,
        misses=misses,
        market=replacement.market,
    )


async def ended(
    session: Session, recovery: Recovery, found: PlacedCluster | RentElsewhere, replacement: Replacement
) -> SpotRental:
    """What a recovery came to: the cluster itself, or another that is rented now."""
    request = replacement.request
    if isinstance(found, RentElsewhere):
        return await _replaced(session, found, replacement)
    bid = recovery.bid_per_gpu
    return SpotRental(
        cluster=found,
        spec=request.spec,
        gpu_type_id=candidates(request.spec)[0].gpu_type_id,
        bid_per_gpu=None if bid is None else float(bid),
        kind=None if bid is None else "spot",
        attempts=tuple(request.log.attempts),
    )


async def _replaced(session: Session, plan: RentElsewhere, replacement: Replacement) -> SpotRental:
    session.events.emit(LeftBehind, cluster_ids=(plan.old_cluster_id,), usd_per_hour=None, text=plan.reason)
    request, market = replacement.request, replacement.market
    request.log.note(None, plan.reason)
    terms = replace(request.terms, order="lowest_price") if plan.gpu_type == "cheapest" else request.terms
    narrower = replace(request, spec=elsewhere(request.spec, plan.gpu_type), terms=terms)
    search = Search(session, narrower, prices=None if market is None else market.elsewhere())
    rental = await search.run(max(replacement.end - anyio.current_time(), 0.001), once=replacement.once)
    return replace(rental, spec=preferring(request.spec, rental.gpu_type_id), left_behind=plan)


def elsewhere(spec: ClusterSpec, gpu_type: Literal["same", "any", "cheapest"]) -> ClusterSpec:
    """The spec of a replacement: of its first GPU type, or of any. Pure."""
    return spec if gpu_type != "same" else replace(spec, gpu_type_id=spec.candidates[0], gpu_type_ids=())


def replaced_before(spec: ClusterSpec, policy: ResumePolicy, old: Cluster | None) -> RentElsewhere | None:
    """The old cluster of a replacement that is there already; None where it is not in the account. Pure."""
    if old is None:
        return None
    why = f"Another cluster was rented in the place of {old.id} before."
    return left_behind(old, policy, spec.volume_in_gb, why, active=is_active(old))
