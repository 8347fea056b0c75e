"""What `clusters.ensure_running` and `spot.recover` do: the cluster itself, or another in its place."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import anyio

from tensorone._clusters.spec import preferring
from tensorone._recovery.actions import RentElsewhere
from tensorone._recovery.policy import Resumable, ResumePolicy
from tensorone._recovery.resume_in_place import Recovery

from .candidates import candidates
from .result import SpotRental
from .search import Search

if TYPE_CHECKING:
    from tensorone._clusters.spec import ClusterSpec
    from tensorone._generated import Cluster, PlacedCluster
    from tensorone._market.attempt_log import AttemptLog
    from tensorone._market.shared_prices import SharedPrices
    from tensorone._session.session import Session

    from .terms import SearchTerms


logger = logging.getLogger("tensorone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """How to rent another cluster in the place of one; `market` is for a fleet, and where it is the cheapest."""

    terms: SearchTerms
    tags: dict[str, str]
    token: str
    adopt: bool
    ledger: AttemptLog
    end: float
    once: bool = False
    market: SharedPrices | None = None


async def recover(
    session: Session,
    cluster_id: str,
    spec: ClusterSpec,
    policy: ResumePolicy,
    replacement: Replacement,
) -> SpotRental:
    """The loop behind `spot.recover`."""
    recovery = of_spot(session, cluster_id, spec, policy, replacement)
    found = await recovery.run(replacement.end, until_up=False)
    return await ended(session, spec, recovery, found, replacement)


def of_spot(  # noqa: PLR0913 - what is known of the cluster
    session: Session,
    cluster_id: str,
    spec: ClusterSpec,
    policy: ResumePolicy,
    replacement: Replacement,
    *,
    seen: Cluster | None = None,
    misses: int = 0,
    waited: float = 0.0,
) -> Recovery:
    """The recovery of a spot cluster that was rented for a spec, whose first GPU type is its own."""
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
        every=replacement.terms.every,
        ledger=replacement.ledger,
        seen=seen,
        misses=misses,
        market=replacement.market,
    )


async def ended(
    session: Session,
    spec: ClusterSpec,
    recovery: Recovery,
    found: PlacedCluster | RentElsewhere,
    replacement: Replacement,
) -> SpotRental:
    """What a recovery came to: the cluster itself, or another that is rented now."""
    if isinstance(found, RentElsewhere):
        return await _replaced(session, spec, found, replacement)
    bid = recovery.bid_per_gpu
    return SpotRental(
        cluster=found,
        spec=spec,
        gpu_type_id=candidates(spec)[0].gpu_type_id,
        bid_per_gpu=None if bid is None else float(bid),
        kind=None if bid is None else "spot",
        attempts=tuple(replacement.ledger.attempts),
    )


async def _replaced(session: Session, spec: ClusterSpec, plan: RentElsewhere, replacement: Replacement) -> SpotRental:
    logger.warning("%s", plan.reason)
    replacement.ledger.note(None, plan.reason)
    terms = replacement.terms
    search = Search(
        session,
        elsewhere(spec, plan.gpu_type),
        replace(terms, order="lowest_price") if plan.gpu_type == "cheapest" else terms,
        tags=replacement.tags,
        token=replacement.token,
        adopt=replacement.adopt,
        ledger=replacement.ledger,
        prices=None if replacement.market is None else replacement.market.elsewhere(),
    )
    rental = await search.run(max(replacement.end - anyio.current_time(), 0.001), once=replacement.once)
    return replace(rental, spec=preferring(spec, rental.gpu_type_id), left_behind=plan)


def elsewhere(spec: ClusterSpec, gpu_type: Literal["same", "any", "cheapest"]) -> ClusterSpec:
    """The spec of a replacement: of its first GPU type, or of any. Pure."""
    return spec if gpu_type != "same" else replace(spec, gpu_type_id=spec.candidates[0], gpu_type_ids=())
