"""One round of attempts at getting a cluster of a fleet running again; it waits for nothing but answers."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import TYPE_CHECKING

import anyio

from tensorone._clusters.spec import preferring
from tensorone._errors import TensorOneError
from tensorone._market.attempt_log import AttemptLog
from tensorone._market.shared_prices import SharedPrices, shared_prices
from tensorone._recovery.actions import RentElsewhere
from tensorone._recovery.failures import Later
from tensorone._recovery.leave import left_behind
from tensorone._session import cluster_status, polling
from tensorone._spot.recover_once import Replacement, ended, of_spot, replaced_before
from tensorone._spot.request import SpotRequest

from .events import RecoveryFailed, RecoverySucceeded
from .giving_up import failed
from .replacements import successor, token

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tensorone._clusters.spec import ClusterSpec
    from tensorone._generated import Cluster
    from tensorone._market.attempt_log import Attempt
    from tensorone._recovery.policy import ResumePolicy
    from tensorone._recovery.resume_in_place import Recovery
    from tensorone._session.session import Session
    from tensorone._spot.result import SpotRental
    from tensorone._spot.terms import SearchTerms

    from .events import Recover


ROUND_SECONDS = 15.0  # seconds after which a round sends nothing more; what is under way then is followed to its end

TURN = 0.5  # share of the interval from which the moment is drawn when the rentals of a round begin


class Recoveries:
    """The rounds of one fleet, on the same terms.

    Args:
        session: The client's.
        specs: What the clusters of the beginning were rented as.
        terms: On which terms another may be rented.
        policy: What a resume may do.
        expires_in: For replacements, seconds until they may be reaped.
        alone: Whether no other process keeps the same fleet; otherwise the rentals of a round begin at a moment that
            is drawn, so that what another keeper rents is seen first.
        own: Bids of the fleet's running clusters of a GPU type, US dollars per GPU and hour, as they are now.
        members: The fleet's clusters, as they are now.
        sending: Called with the cluster that is about to be replaced; without its consent nothing is sent.
        tell: Called with the cluster and each attempt.
    """

    def __init__(  # noqa: PLR0913 - what `spot.keep_running` was given
        self,
        session: Session,
        specs: Mapping[str, ClusterSpec],
        *,
        terms: SearchTerms,
        policy: ResumePolicy,
        expires_in: float | None,
        alone: bool,
        own: Callable[[str], Collection[Decimal]],
        members: Callable[[], Collection[str]],
        sending: Callable[[str], bool],
        tell: Callable[[str, Attempt], object],
    ) -> None:
        self._session = session
        self._specs = dict(specs)
        self._terms = terms
        self._policy = policy
        self._expires_in = expires_in
        self._alone = alone
        self._own = own
        self._members = members
        self._sending = sending
        self._tell = tell
        self._turn = 0.0
        self._markets: dict[object, SharedPrices] = {}

    def begin_round(self) -> None:
        """Draws when its rentals begin."""
        self._wait(random.random())  # noqa: S311 - jitter

    def _wait(self, share: float) -> None:
        """Lets the next rentals wait for a share of the time in which another keeper may rent."""
        self._turn = anyio.current_time() + (0.0 if self._alone else share * TURN * self._terms.every)

    async def recover(self, order: Recover, shown: Mapping[str, Cluster]) -> RecoverySucceeded | RecoveryFailed:
        """What came of one round.

        Args:
            order: What to recover.
            shown: The account's clusters as they were listed just now.
        """
        events, call = self._session.events, "spot.keep_running"
        log = AttemptLog(lambda attempt: self._tell(order.cluster_id, attempt), events=events, call=call)
        try:
            return await self._recovered(order, shown, log)
        except TensorOneError as error:
            return failed(order.cluster_id, error, self._terms, tried=log.last_bid is not None)

    def stray(self, cluster: Cluster, origin: str | None) -> RentElsewhere:
        """What a cluster costs that was rented for a place in the fleet, stopped, and does not have it."""
        volume = None if origin is None else self._specs[origin].volume_in_gb
        return left_behind(cluster, self._policy, volume, "Another cluster has its place.", active=False)

    async def _recovered(
        self, order: Recover, shown: Mapping[str, Cluster], log: AttemptLog
    ) -> RecoverySucceeded | RecoveryFailed:
        if successor(order, shown, self._members()) is not None:
            shown = (await self._session.listing.fresh()).value  # a shared listing may be older than its end
            if (found := successor(order, shown, self._members())) is not None:
                return self._adopted(order, found, shown)
        if order.unsettled:
            why = f"Another cluster may just have been rented in the place of {order.cluster_id}: looking for it first."
            return RecoveryFailed(order.cluster_id, why, tried=False, unsettled=True)
        replacement = self._replacement(await self._spec(order), token(order.cluster_id), log)
        recovery = self._recovery(order, shown, replacement)
        plan = await recovery.attempt(replacement.end, until_up=False)
        if isinstance(plan, Later):
            waits = plan.seconds if plan.awaits == "gpus" else None
            return RecoveryFailed(order.cluster_id, plan.reason, tried=bool(log.attempts), waits=waits)
        if isinstance(plan, RentElsewhere):
            await polling.until(self._turn)
            if not self._sending(order.cluster_id):
                return RecoveryFailed(order.cluster_id, "The state could not be saved: nothing was sent.", tried=False)
        rental = await ended(self._session, recovery, plan, replacement)
        if rental.kind is None and rental.left_behind is not None:
            self._wait(1.0)  # another keeper rents: let it finish
        return _succeeded(order, rental, recovery)

    def _adopted(self, order: Recover, found: Cluster, shown: Mapping[str, Cluster]) -> RecoverySucceeded:
        """What was rented before a crash, late, or by another keeper; its price is not known."""
        spec, hourly = self._specs[order.origin], Decimal(self._terms.bidding.ceiling)
        self._session.spending.adopted(found, hourly * spec.gpu_count)
        left = replaced_before(spec, self._policy, shown.get(order.cluster_id))
        return RecoverySucceeded(
            order.cluster_id,
            found.id,
            None,
            gpu_type_id=spec.candidates[0] if len(spec.candidates) == 1 else None,
            left_behind=left,
            running=cluster_status.is_active(found),
        )

    def _recovery(self, order: Recover, shown: Mapping[str, Cluster], replacement: Replacement) -> Recovery:
        # What is known to be gone needs one more poll, and no second one.
        misses = cluster_status.MISSES_UNTIL_GONE - 1 if order.gone else 0
        return of_spot(
            self._session,
            order.cluster_id,
            self._policy,
            replacement,
            seen=shown.get(order.cluster_id),
            misses=misses,
            waited=order.waited,
        )

    async def _spec(self, order: Recover) -> ClusterSpec:
        """The spec with the cluster's own GPU type first; the cheapest for it where its type is unknown.

        That is after a crash in the middle of a move: no bid for it is then higher than any of its types may ask for.
        """
        spec = self._specs[order.origin]
        if order.gpu_type_id is None and len(spec.candidates) > 1:
            return preferring(spec, await self._market(spec).lowest())
        return preferring(spec, order.gpu_type_id)

    def _replacement(self, spec: ClusterSpec, token: str, log: AttemptLog) -> Replacement:
        request = SpotRequest(
            spec=spec, terms=self._terms, token=token, adopt=True, expires_in=self._expires_in, log=log
        )
        end = anyio.current_time() + ROUND_SECONDS
        return Replacement(request=request, end=end, once=True, market=self._market(spec))

    def _market(self, spec: ClusterSpec) -> SharedPrices:
        """The market for a spec, the same for all that want the same GPUs."""
        key = frozenset(spec.candidates), spec.gpu_count
        if key not in self._markets:
            self._markets[key] = self._shared_prices(spec)
        return self._markets[key]

    def _shared_prices(self, spec: ClusterSpec) -> SharedPrices:
        prices = shared_prices(self._session, spec.candidates, gpu_count=spec.gpu_count)
        return SharedPrices(prices, self._own, every=self._terms.every)


def _succeeded(order: Recover, rental: SpotRental, recovery: Recovery) -> RecoverySucceeded:
    return RecoverySucceeded(
        order.cluster_id,
        rental.cluster.id,
        None if rental.bid_per_gpu is None else Decimal(str(rental.bid_per_gpu)),
        gpu_type_id=rental.gpu_type_id,
        left_behind=rental.left_behind,
        without_gpus=recovery.without_gpus,
        running=rental.kind is not None or cluster_status.is_active(rental.cluster),
    )
