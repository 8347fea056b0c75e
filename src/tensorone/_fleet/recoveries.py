"""One round of attempts at getting a cluster of a fleet running again; it waits for nothing but answers."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import anyio

from tensorone._clusters.spec import preferring
from tensorone._errors import TensorOneError
from tensorone._market import catalogue
from tensorone._market.attempt_log import AttemptLog
from tensorone._market.shared_prices import SharedPrices
from tensorone._recovery.actions import RentElsewhere
from tensorone._recovery.failures import Later
from tensorone._recovery.resume_in_place import RATE_LIMITED
from tensorone._session import cluster_status, polling
from tensorone._spot.candidates import candidates
from tensorone._spot.recover_once import Replacement, ended, of_spot, replaced_before
from tensorone._spot.request import SpotRequest

from .giving_up import failed
from .observations import Pending, RecoveryFailed, RecoverySucceeded
from .replacements import is_seat, successor
from .spec import ROUND_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from tensorone._clusters.spec import ClusterSpec
    from tensorone._generated import Cluster, PlacedCluster
    from tensorone._market.attempt_log import Attempt
    from tensorone._market.shared_prices import Market
    from tensorone._recovery.resume_in_place import Recovery
    from tensorone._session.session import Session
    from tensorone._spot.result import SpotRental
    from tensorone._spot.terms import SearchTerms

    from .observations import Outcome
    from .spec import Order
    from .state import FleetState


TURN = 0.5  # share of the interval from which the moment is drawn when the rentals of a round begin


async def check_types(session: Session, state: FleetState, specs: Iterable[ClusterSpec], terms: SearchTerms) -> None:
    """Asks whether all that a new fleet may rent exists: a mistyped name would come up with the first preemption.

    A fleet that has been looked at before goes on whatever the catalogue says now.

    Raises:
        InvalidArgument: A GPU type does not exist; or none of a spec's is offered in its cloud type.
    """
    if state.at is None:
        field = "cloud_type" if terms.cloud_types is None else "cloud_types"
        await catalogue.check_before(session, [candidates(one, terms.cloud_types) for one in specs], field=field)


class Recoveries:
    """The rounds of one fleet.

    Args:
        session: The client's.
        call: What the user called, for errors and events.
        alone: Whether no other process keeps the same fleet; otherwise the rentals of a round begin at a moment that
            is drawn, so that what another keeper rents is seen first.
        listed: Whether the listing that a round is given was asked for when nothing of this fleet, or nothing with the
            round's token, was under way anywhere; otherwise each rental lists the account once more before it.
        own: Bids of the fleet's running clusters of a GPU type, US dollars per GPU and hour, as they are now.
        members: The fleet's clusters, as they are now.
        sending: Called with the order whose cluster is about to be replaced, and again after each refused bid; without
            its consent nothing is sent.
    """

    def __init__(  # noqa: PLR0913 - what a runner's rounds share
        self,
        session: Session,
        *,
        call: str,
        alone: bool,
        listed: bool,
        own: Callable[[str], Collection[Decimal]],
        members: Callable[[], Collection[str]],
        sending: Callable[[Order], bool],
    ) -> None:
        self._session = session
        self._call = call
        self._alone = alone
        self._listed = listed
        self._own = own
        self._members = members
        self._sending = sending
        self._renting: set[str] = set()
        self._turn = 0.0

    def begin_round(self, every: float) -> None:
        """Draws when its rentals begin; `every` is the seconds between two looks."""
        self._wait(random.random(), every)  # noqa: S311 - jitter

    def _wait(self, share: float, every: float) -> None:
        """Lets the next rentals wait for a share of the time in which another keeper may rent."""
        self._turn = anyio.current_time() + (0.0 if self._alone else share * TURN * every)

    async def recover(self, order: Order, shown: Mapping[str, Cluster], market: Market) -> Outcome:
        """What came of one round, whatever failed.

        Args:
            order: What to recover.
            shown: The account's clusters as they were listed just now.
            market: The prices, one for all rounds after one look.
        """
        log = self.log(order)
        try:
            return await self.attempt(order, shown, market, log, end=anyio.current_time() + ROUND_SECONDS)
        except TensorOneError as error:
            return after(order, error, log)

    def log(self, order: Order) -> AttemptLog:
        """Where the attempts of one round are written down."""

        def note(attempt: Attempt) -> None:
            if order.token in self._renting and attempt.bid_per_gpu is not None and attempt.answer != "won":
                self._sending(order)  # another bid may follow at once

        return AttemptLog(note, events=self._session.events, call=self._call)

    async def attempt(
        self, order: Order, shown: Mapping[str, Cluster], market: Market, log: AttemptLog, *, end: float
    ) -> Outcome:
        """The same, which sends nothing after `end`, of anyio's clock.

        Raises:
            TensorOneError: It failed.
        """
        recover = order.recover
        if successor(recover, shown, self._members()) is not None:
            shown = (await self._session.listing.fresh()).value  # a shared listing may be older than its end
            if (found := successor(recover, shown, self._members())) is not None:
                return self._adopted(order, found, shown)
        seen = shown.get(recover.cluster_id)
        if recover.unsettled and (seen is None or not cluster_status.is_active(seen)):
            why = f"Another cluster may just have been rented for {recover.cluster_id}: looking for it first."
            return Pending(recover.cluster_id, None, why)
        prices = SharedPrices(market.of(order.spec.candidates, order.spec.gpu_count), self._own, age=order.every)
        spec = await self._spec(order, prices)
        request = SpotRequest(
            spec=spec,
            terms=order.terms,
            token=order.token,
            adopt=not self._listed,  # the listing shows what has the token, and `successor` found nothing
            expires_in=order.expires_in,
            log=log,
        )
        replacement = Replacement(request=request, end=end, once=True, market=prices)
        recovery = self._recovery(order, shown, replacement)
        plan = await recovery.attempt(end, until_up=False)
        if isinstance(plan, Later):
            waits = plan.seconds if plan.awaits == "gpus" else None
            bids = bids_of(log)
            tried = any(each.answer != RATE_LIMITED for each in log.attempts)
            return RecoveryFailed(recover.cluster_id, plan.reason, tried=tried, waits=waits, bids=bids)
        return await self._ended(order, recovery, plan, replacement)

    async def _ended(
        self, order: Order, recovery: Recovery, plan: PlacedCluster | RentElsewhere, replacement: Replacement
    ) -> Outcome:
        if isinstance(plan, RentElsewhere):
            if is_seat(order.recover.cluster_id):
                plan = replace(plan, reason=f"Slot {order.recover.cluster_id} has no cluster yet.")
            await polling.until(self._turn)
            if not self._sending(order):
                why = "The state could not be saved: nothing was sent."
                return RecoveryFailed(order.recover.cluster_id, why, tried=False)
        self._renting.add(order.token)
        try:
            rental = await ended(self._session, recovery, plan, replacement)
        finally:
            self._renting.discard(order.token)
        if rental.kind is None and rental.left_behind is not None:
            self._wait(1.0, order.every)  # another keeper rents: let it finish
        return _succeeded(order, rental, recovery, bids_of(replacement.request.log))

    def _adopted(self, order: Order, found: Cluster, shown: Mapping[str, Cluster]) -> RecoverySucceeded:
        """What was rented before a crash, late, or by another keeper; its price is not known."""
        spec, hourly, old = order.spec, Decimal(order.bidding.ceiling), order.recover.cluster_id
        self._session.spending.adopted(found, hourly * spec.gpu_count)
        return RecoverySucceeded(
            old,
            found.id,
            None,
            gpu_type_id=spec.candidates[0] if len(spec.candidates) == 1 else None,
            left_behind=replaced_before(spec, order.policy, shown.get(old)),
            running=cluster_status.is_active(found),
        )

    def _recovery(self, order: Order, shown: Mapping[str, Cluster], replacement: Replacement) -> Recovery:
        recover, misses = order.recover, 0
        if recover.gone:  # what is known to be gone needs one more poll, and no second one
            misses = cluster_status.MISSES_UNTIL_GONE - (0 if is_seat(recover.cluster_id) else 1)
        return of_spot(
            self._session,
            recover.cluster_id,
            order.policy,
            replacement,
            seen=shown.get(recover.cluster_id),
            misses=misses,
            waited=recover.waited,
        )

    async def _spec(self, order: Order, prices: SharedPrices) -> ClusterSpec:
        """The spec with the cluster's own GPU type first; the cheapest for it where its type is unknown.

        That is after a crash in the middle of a move: no bid for it is then higher than any of its types may ask for.
        """
        if (
            order.recover.gpu_type_id is not None
            or len(order.spec.candidates) == 1
            or is_seat(order.recover.cluster_id)
        ):
            return preferring(order.spec, order.recover.gpu_type_id)
        return preferring(order.spec, await prices.lowest())


def after(order: Order, error: TensorOneError, log: AttemptLog) -> RecoveryFailed | Pending:
    """What an error means: while a rental may yet be committed, not that it failed."""
    recover, bids = order.recover, bids_of(log)
    if recover.unsettled:
        return Pending(recover.cluster_id, None, str(error), bids)
    return failed(recover.cluster_id, error, order.terms, bids=bids)


def bids_of(log: AttemptLog) -> tuple[tuple[Decimal, str], ...]:
    """The bids that were made, each with its answer; those that waited for the rate limit to the end were not."""
    made = [each for each in log.attempts if each.bid_per_gpu is not None and each.answer != RATE_LIMITED]
    return tuple((Decimal(str(each.bid_per_gpu)), each.answer) for each in made)


def _succeeded(
    order: Order, rental: SpotRental, recovery: Recovery, bids: tuple[tuple[Decimal, str], ...]
) -> RecoverySucceeded:
    return RecoverySucceeded(
        order.recover.cluster_id,
        rental.cluster.id,
        None if rental.bid_per_gpu is None else Decimal(str(rental.bid_per_gpu)),
        gpu_type_id=rental.gpu_type_id,
        left_behind=rental.left_behind,
        without_gpus=recovery.without_gpus,
        running=rental.kind is not None or cluster_status.is_active(rental.cluster),
        bids=bids,
    )
