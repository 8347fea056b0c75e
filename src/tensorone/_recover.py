"""What `clusters.ensure_running` and `spot.recover` do: the cluster itself, or another in its place."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import anyio

from . import _waiting
from ._acquire import Search
from ._candidates import candidates
from ._errors import NoCapacity
from ._ledger import SpotRental
from ._plans import RentElsewhere
from ._recovery import Recovery
from ._resume_plan import Resumable, ResumePolicy
from ._specs import preferring

if TYPE_CHECKING:
    from ._candidates import Terms
    from ._fleet_market import FleetMarket
    from ._generated import Cluster, PlacedCluster
    from ._ledger import Ledger
    from ._session import Session
    from ._specs import ClusterSpec

logger = logging.getLogger("tensorone")


async def ensure_running(  # noqa: PLR0913 - what `clusters.ensure_running` was given
    recovery: Recovery, session: Session, *, end: float, least_gpus: int, port: int | None, every: float
) -> Cluster:
    """The loop behind `clusters.ensure_running`.

    Raises:
        NoCapacity: It runs with fewer GPUs than wanted, and is billed.
    """
    started = await recovery.run(end, until_up=True)
    assert not isinstance(started, RentElsewhere)  # noqa: S101 - the policy is to stay in place
    left = max(end - anyio.current_time(), 0.001)  # one look is due in any case
    cluster = await _waiting.wait_until(
        session, started.id, lambda seen: _waiting.is_running(seen, port), timeout=left, every=every
    )
    if not recovery.without_gpus:
        _check_gpus(cluster, least_gpus)
    return cluster


def _check_gpus(cluster: Cluster, least: int) -> None:
    gpus = None if cluster.runtime is None else cluster.runtime.gpus
    if gpus is not None and len(gpus) < least:
        raise NoCapacity(
            f"cluster {cluster.id} runs with {len(gpus)} GPUs, fewer than the {least} wanted: its machine gave no more",
            operation="GetCluster",
            billing=f"cluster {cluster.id} runs and is billed; stop it, or go on with what it has",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """How to rent another cluster in the place of one; `market` is for a fleet, and where it is the cheapest."""

    terms: Terms
    markers: dict[str, str]
    token: str
    adopt: bool
    ledger: Ledger
    end: float
    once: bool = False
    market: FleetMarket | None = None


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
        markers=replacement.markers,
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
