"""One round of attempts at getting a cluster of a fleet running again; it waits for nothing but answers."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING

import anyio

from tensorone._clusters import rent_once
from tensorone._clusters.spec import preferring
from tensorone._errors import TensorOneError
from tensorone._generated import ClusterStatus
from tensorone._market.attempt_log import AttemptLog
from tensorone._market.shared_prices import SharedPrices, shared_prices
from tensorone._recovery.failures import Later
from tensorone._recovery.leave import rent_elsewhere
from tensorone._session import cluster_status, token_and_expiry
from tensorone._spot.recover_once import Replacement, ended, of_spot
from tensorone._spot.request import SpotRequest

from .events import RecoveryFailed, RecoverySucceeded
from .giving_up import failed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tensorone._clusters.spec import ClusterSpec
    from tensorone._generated import Cluster, PlacedCluster
    from tensorone._market.attempt_log import Attempt
    from tensorone._recovery.actions import RentElsewhere
    from tensorone._recovery.policy import ResumePolicy
    from tensorone._recovery.resume_in_place import Recovery
    from tensorone._session.session import Session
    from tensorone._spot.result import SpotRental
    from tensorone._spot.terms import SearchTerms

    from .events import Recover


TOKENS = "keep-"  # begins the token of every replacement

ROUND_SECONDS = 15.0  # seconds after which a round sends nothing more; what is under way then is followed to its end


class Recoveries:
    """The rounds of one fleet, on the same terms.

    Args:
        session: The client's.
        specs: What the clusters of the beginning were rented as.
        terms: On which terms another may be rented.
        policy: What a resume may do.
        expires_in: For replacements, seconds until they may be reaped.
        own: Bids of the fleet's running clusters of a GPU type, US dollars per GPU and hour, as they are now.
        members: The fleet's clusters, as they are now.
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
        own: Callable[[str], Collection[Decimal]],
        members: Callable[[], Collection[str]],
        tell: Callable[[str, Attempt], object],
    ) -> None:
        self._session = session
        self._specs = dict(specs)
        self._terms = terms
        self._policy = policy
        self._expires_in = expires_in
        self._own = own
        self._members = members
        self._tell = tell
        self._markets: dict[object, SharedPrices] = {}

    async def recover(self, order: Recover, shown: Mapping[str, Cluster]) -> RecoverySucceeded | RecoveryFailed:
        """What came of one round.

        Args:
            order: What to recover.
            shown: The account's clusters as they were listed just now.
        """
        log = AttemptLog(lambda attempt: self._tell(order.cluster_id, attempt))
        try:
            return await self._recovered(order, shown, log)
        except TensorOneError as error:
            return failed(order.cluster_id, error, self._terms, tried=log.last_bid is not None)

    async def terminate_duplicates(self, shown: Mapping[str, Cluster]) -> None:
        """Terminates what came of a rental so late that it had been made again: one cluster was asked for."""
        members = set(self._members())
        rented: defaultdict[str, list[Cluster]] = defaultdict(list)
        for each in filter(_runs, shown.values()):
            token = token_and_expiry.value_of(each.env, token_and_expiry.CLIENT_TOKEN) or ""
            if token.startswith(TOKENS):
                rented[token].append(each)
        for found in rented.values():
            duplicates = tuple(each for each in found if each.id not in members)
            if len(duplicates) < len(found):
                await rent_once.terminate_duplicates(self._session, duplicates)

    async def _recovered(
        self, order: Recover, shown: Mapping[str, Cluster], log: AttemptLog
    ) -> RecoverySucceeded | RecoveryFailed:
        spec = await self._spec(order)
        token, seen = self._token(order, shown), shown.get(order.cluster_id)
        replacement = self._replacement(spec, token, log)
        # What is known to be gone needs one more poll, and no second one.
        misses = cluster_status.MISSES_UNTIL_GONE - 1 if order.gone else 0
        recovery = of_spot(
            self._session,
            order.cluster_id,
            self._policy,
            replacement,
            seen=seen,
            misses=misses,
            waited=order.waited,
        )
        found: PlacedCluster | RentElsewhere | Later
        if seen is not None and any(map(_runs, token_and_expiry.with_token(shown.values(), token))):
            # Rented before a crash, or late: to start the old one now would make two of them.
            why = f"Another cluster was rented in the place of {order.cluster_id} before."
            found = rent_elsewhere(recovery.known.seen(seen), self._policy, why)
        else:
            found = await recovery.attempt(replacement.end, until_up=False)
        if isinstance(found, Later):
            waits = found.seconds if found.awaits == "gpus" else None
            return RecoveryFailed(order.cluster_id, found.reason, tried=bool(log.attempts), waits=waits)
        return _succeeded(order, await ended(self._session, recovery, found, replacement), recovery)

    async def _spec(self, order: Recover) -> ClusterSpec:
        """The spec with the cluster's own GPU type first; the cheapest for it where its type is unknown.

        That is after a crash in the middle of a move: no bid for it is then higher than any of its types may ask for.
        """
        spec = self._specs[order.origin]
        if order.gpu_type_id is None and len(spec.candidates) > 1:
            return preferring(spec, await self._market(spec).lowest())
        return preferring(spec, order.gpu_type_id)

    def _token(self, order: Recover, shown: Mapping[str, Cluster]) -> str:
        """The same for every attempt at one recovery, also across a crash: what it rented once is found again.

        A fleet taken up without its state counts anew: what carries a token and is a member itself is no replacement.
        """
        members = [shown[each] for each in self._members() if each in shown]
        tokens = (f"{TOKENS}{order.origin}-{number}" for number in count(order.number))
        return next(token for token in tokens if not token_and_expiry.with_token(members, token))

    def _replacement(self, spec: ClusterSpec, token: str, log: AttemptLog) -> Replacement:
        tags = token_and_expiry.tags(token, self._expires_in)
        request = SpotRequest(spec=spec, terms=self._terms, token=token, adopt=True, tags=tags, log=log)
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


def _runs(cluster: Cluster) -> bool:
    return cluster.desired_status == ClusterStatus.RUNNING


def _succeeded(order: Recover, rental: SpotRental, recovery: Recovery) -> RecoverySucceeded:
    return RecoverySucceeded(
        order.cluster_id,
        rental.cluster.id,
        None if rental.bid_per_gpu is None else Decimal(str(rental.bid_per_gpu)),
        gpu_type_id=rental.gpu_type_id,
        left_behind=rental.left_behind,
        without_gpus=recovery.without_gpus,
    )
