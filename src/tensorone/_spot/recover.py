"""`spot.recover`: a preempted or stopped cluster running again, in place, or another in its place."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Unpack

import anyio

from tensorone import _checks
from tensorone._clusters import cleanup, rent_once
from tensorone._clusters import end as ending
from tensorone._clusters.spec import preferring
from tensorone._concurrency import shield
from tensorone._errors import BidCeilingReached, NoCapacity, TensorOneError, WaitTimedOut
from tensorone._events.cleanup import Setback
from tensorone._events.rentals import Duplicate, LeftBehind
from tensorone._events.spans import traced
from tensorone._market.own_bids import checked_own_bids
from tensorone._market.shared_prices import FRESH_ENOUGH, SharedPrices, shared_prices
from tensorone._recovery.policy import ResumePolicy, checked_wait
from tensorone._session import cluster_status, polling, token_and_expiry

from .candidates import candidates
from .recover_once import Recovered, Replacement, recovered, replaced_before
from .request import spot_request
from .result import adopted
from .terms import TermOptions, search_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tensorone._clusters.spec import ClusterSpec
    from tensorone._generated import Cluster
    from tensorone._market.attempt_log import Attempt
    from tensorone._recovery.actions import RentElsewhere
    from tensorone._recovery.policy import Strategy
    from tensorone._session.session import Session

    from .request import SpotRequest
    from .result import SpotRental


ANOTHER_NEEDED = (
    "Cluster {0} itself carries the client token {1!r}, and a token is for one cluster: to let another take its place,"
    " recover {0} with a token of its own."
)

LISTING_PAUSE = 1.0  # seconds between two listings, where one fails that has to be had


@traced("spot.recover")
async def recover(  # noqa: PLR0913 - what `spot.recover` was given
    session: Session,
    cluster_id: str,
    spec: ClusterSpec,
    *,
    timeout: float,
    strategy: Strategy,
    wait_for_gpus: float,
    start_without_gpus: bool,
    own_bids: Mapping[str, Iterable[Decimal | float]] | None,
    client_token: str | None,
    expires_in: float | None,
    on_attempt: Callable[[Attempt], object] | None,
    **terms: Unpack[TermOptions],
) -> SpotRental:
    """The cluster itself, or another in its place."""
    request = spot_request(
        spec,
        search_terms(**terms),
        client_token=client_token,
        expires_in=expires_in,
        on_attempt=on_attempt,
        events=session.events,
        call="spot.recover",
    )
    candidates(spec, request.terms.cloud_types)
    _checks.cluster_id(cluster_id)
    _checks.seconds("timeout", timeout)
    policy = ResumePolicy(
        bidding=request.terms.bidding,
        strategy=strategy,
        wait_for_gpus=wait_for_gpus,
        start_without_gpus=start_without_gpus,
    )
    checked_wait(policy, timeout)
    own, market = checked_own_bids(own_bids), None
    if own_bids or strategy == "replace_cheapest":
        prices = shared_prices(session, spec.candidates, gpu_count=spec.gpu_count)
        market = SharedPrices(prices, own, age=FRESH_ENOUGH * request.terms.every)
    replacement = Replacement(request=request, end=anyio.current_time() + timeout, market=market)
    if request.adopt:
        return await repeatable(session, cluster_id, policy, replacement)
    return (await recovered(session, cluster_id, policy, replacement)).rental


async def repeatable(session: Session, cluster_id: str, policy: ResumePolicy, replacement: Replacement) -> SpotRental:
    """As `recovered` with a caller's token: what an earlier call rented with it comes before anything is started.

    An earlier call may have been killed right after it sent its rental, which nobody sees before the server commits it.
    So the token is looked for once more, `settle_time` after this call began, and of two clusters one is kept.
    """
    begun, request = anyio.current_time(), replacement.request
    with request.log.attach_to_errors():
        shown = await _listed(session, replacement.end)
        result = await _after_earlier_calls(session, cluster_id, policy, replacement, shown)
        if policy.strategy == "in_place":
            return result.rental  # it rents nothing
        try:
            await polling.until(begun + session.settle_time)
            return await _only_one(session, cluster_id, policy, request, result)
        except BaseException:
            if result.how == "rented":  # and the caller will never hear of it
                mine = result.rental.cluster.id
                if not await shield.shielded(lambda: ending.end(session, mine), within=cleanup.GRACE):
                    words = f"spot.recover: cluster {mine} was rented, could not be terminated, and may run on"
                    session.events.emit(LeftBehind, cluster_ids=(mine,), usd_per_hour=None, text=words)
            raise


async def _listed(session: Session, end: float) -> Mapping[str, Cluster]:
    """The account's clusters, without which nothing may be started; transient failures are retried until the end."""
    with anyio.CancelScope(deadline=end):
        while True:
            try:
                return (await session.listing.fresh()).value
            except TensorOneError as error:
                if not error.retryable:
                    raise
                words = f"spot.recover: the clusters that carry the client token could not be listed: {error}"
                session.events.emit(Setback, text=words, error_type=type(error).__name__)
            await anyio.sleep(LISTING_PAUSE)
    raise WaitTimedOut("the clusters that carry the client token could not be listed in time", operation="ListClusters")


async def _after_earlier_calls(
    session: Session, cluster_id: str, policy: ResumePolicy, replacement: Replacement, shown: Mapping[str, Cluster]
) -> Recovered:
    """A running cluster that carries the token is the result; a stopped one is recovered where it is."""
    request = replacement.request
    carrying = token_and_expiry.with_token(shown.values(), request.token)
    others = [each for each in carrying if each.id != cluster_id]
    left = replaced_before(request.spec, policy, shown.get(cluster_id)) if others else None
    for active in filter(cluster_status.is_active, others):
        return Recovered(_found(session, request, active, left), "found")
    if not carrying:
        return await recovered(session, cluster_id, policy, replacement)
    result = await _in_place(session, (others or carrying)[0].id, policy, replacement, same_type=not others)
    return replace(result, rental=replace(result.rental, left_behind=left))


def _found(session: Session, request: SpotRequest, cluster: Cluster, left: RentElsewhere | None) -> SpotRental:
    """The cluster of an earlier call; it counts at the ceiling, since its price is unknown."""
    session.spending.adopted(cluster, Decimal(request.terms.bidding.ceiling) * request.spec.gpu_count)
    return replace(adopted(request, cluster), left_behind=left)


async def _in_place(
    session: Session, cluster_id: str, policy: ResumePolicy, replacement: Replacement, *, same_type: bool
) -> Recovered:
    """A stopped cluster that carries the token, where it is: another one would need another token."""
    known = replacement if same_type else await _cheapest_first(session, replacement)
    try:
        result = await recovered(session, cluster_id, replace(policy, strategy="in_place"), known)
    except (NoCapacity, BidCeilingReached) as error:
        if policy.strategy != "in_place":
            error.args = (f"{error} {ANOTHER_NEEDED.format(cluster_id, replacement.request.token)}",)
        raise
    return result if same_type else replace(result, rental=replace(result.rental, gpu_type_id=None))


async def _cheapest_first(session: Session, replacement: Replacement) -> Replacement:
    """For a cluster of unknown type: no bid for it is then higher than any of its types may ask for."""
    spec = replacement.request.spec
    if len(spec.candidates) == 1:
        return replacement
    prices = shared_prices(session, spec.candidates, gpu_count=spec.gpu_count)
    market = replacement.market or SharedPrices(
        prices, checked_own_bids(None), age=FRESH_ENOUGH * replacement.request.terms.every
    )
    cheapest = preferring(spec, await market.lowest())
    return replace(replacement, request=replace(replacement.request, spec=cheapest))


async def _only_one(
    session: Session, cluster_id: str, policy: ResumePolicy, request: SpotRequest, result: Recovered
) -> SpotRental:
    """The one cluster of the token, when no other can appear any more; what else runs is ended."""
    try:
        shown = await _listed(session, anyio.current_time() + cleanup.GRACE)
    except TensorOneError as error:
        words = f"spot.recover: whether the client token has more than one cluster is not known: {error}"
        session.events.emit(Setback, text=words, error_type=type(error).__name__)
        return result.rental
    carrying = token_and_expiry.with_token(shown.values(), request.token)
    active = [each for each in carrying if each.id != cluster_id and cluster_status.is_active(each)]
    mine = result.rental.cluster.id
    if result.how != "rented":  # it may have worked for hours; the others came late
        active.sort(key=lambda each: each.id != mine)
    await rent_once.terminate_duplicates(session, tuple(active[1:]))
    if not active or active[0].id == mine:
        return result.rental
    kept = active[0]
    if result.how == "started" and mine == cluster_id:
        session.events.emit(Duplicate, cluster_id=cluster_id, how="stop", kept_id=kept.id)
        with anyio.move_on_after(cleanup.GRACE):
            await ending.end(session, cluster_id, "stop", told=False)
    return _found(session, request, kept, replaced_before(request.spec, policy, shown.get(cluster_id)))
