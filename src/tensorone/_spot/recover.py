"""`spot.recover`: a preempted or stopped cluster running again, in place, or another in its place."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Unpack

import anyio

from tensorone import _checks
from tensorone._clusters.spec import preferring
from tensorone._market.shared_prices import SharedPrices, shared_prices
from tensorone._recovery.actions import RentElsewhere
from tensorone._recovery.policy import Resumable, ResumePolicy
from tensorone._recovery.resume_in_place import Recovery

from .candidates import candidates
from .request import SpotRequest, spot_request
from .result import SpotRental
from .search import Search
from .terms import TermOptions, search_terms

if TYPE_CHECKING:
    from collections.abc import Callable

    from tensorone._clusters.spec import ClusterSpec
    from tensorone._generated import Cluster, PlacedCluster
    from tensorone._market.attempt_log import Attempt
    from tensorone._recovery.policy import Strategy
    from tensorone._session.session import Session


logger = logging.getLogger("tensorone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """How to rent another cluster in the place of one; `market` is for a fleet, and where it is the cheapest."""

    request: SpotRequest
    end: float
    once: bool = False
    market: SharedPrices | None = None


async def recover(  # noqa: PLR0913 - what `spot.recover` was given
    session: Session,
    cluster_id: str,
    spec: ClusterSpec,
    *,
    timeout: float,
    strategy: Strategy,
    wait_for_gpus: float,
    start_without_gpus: bool,
    client_token: str | None,
    expires_in: float | None,
    on_attempt: Callable[[Attempt], object] | None,
    **terms: Unpack[TermOptions],
) -> SpotRental:
    """The cluster itself, or another in its place."""
    request = spot_request(
        spec, search_terms(**terms), client_token=client_token, expires_in=expires_in, on_attempt=on_attempt
    )
    candidates(spec, request.terms.cloud_types)
    _checks.cluster_id(cluster_id)
    end = anyio.current_time() + _checks.seconds("timeout", timeout)
    policy = ResumePolicy(
        bidding=request.terms.bidding,
        strategy=strategy,
        wait_for_gpus=wait_for_gpus,
        start_without_gpus=start_without_gpus,
    )
    several = None
    if strategy == "replace_cheapest":
        prices = shared_prices(session, spec.candidates, gpu_count=spec.gpu_count)
        several = SharedPrices(prices, lambda _: (), every=request.terms.every)
    replacement = Replacement(request=request, end=end, market=several)
    recovery = of_spot(session, cluster_id, policy, replacement)
    found = await recovery.run(end, until_up=False)
    return await ended(session, recovery, found, replacement)


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
    logger.warning("%s", plan.reason)
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
