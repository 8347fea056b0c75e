"""`spot.acquire_many`: several searches for spot clusters side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Unpack

import anyio

from tensorone import _checks
from tensorone._clusters import cleanup, end
from tensorone._concurrency import shield
from tensorone._concurrency.fan_out import fan_out
from tensorone._concurrency.outcome import Outcome
from tensorone._concurrency.unreported import Unreported, collecting
from tensorone._errors import NoCapacity, TensorOneError
from tensorone._events.cleanup import Setback
from tensorone._events.rentals import LeftBehind
from tensorone._events.spans import traced
from tensorone._market.own_bids import OwnBids
from tensorone._market.shared_prices import shared_prices
from tensorone._session.cluster_status import lost

from .acquire import not_stopped
from .request import checked_search, spot_request
from .search import Search
from .terms import TermOptions, search_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from tensorone._clusters.spec import ClusterSpec
    from tensorone._market.attempt_log import Attempt
    from tensorone._session.session import Session

    from .result import SpotRental


Mode = Literal["all_or_nothing", "best_effort"]


@traced("spot.acquire_many")
async def acquire_many(  # noqa: PLR0913 - what `spot.acquire_many` was given
    session: Session,
    spec: ClusterSpec,
    count: int,
    *,
    timeout: float,
    mode: Mode,
    client_token: str | None,
    token_sent_at: datetime | None,
    expires_in: float | None,
    on_attempt: Callable[[Attempt], object] | None,
    **terms: Unpack[TermOptions],
) -> list[Outcome[int, SpotRental]]:
    """Several searches that share their prices and do not outbid each other."""
    request = spot_request(
        spec,
        search_terms(**terms),
        client_token=client_token,
        token_sent_at=token_sent_at,
        expires_in=expires_in,
        on_attempt=on_attempt,
        events=session.events,
        call="spot.acquire_many",
    )
    checked_search(session, request, timeout)
    group = Group(session, _checks.integer("count", count, least=1), mode)
    prices, held = shared_prices(session, spec.candidates, gpu_count=spec.gpu_count), OwnBids()
    searches = [
        Search(session, request.numbered(index), prices=prices, held=held, turn=index) for index in range(count)
    ]
    return await group.run(searches, timeout)


class Group:
    """The clusters of one call: what was won and when, and the failure that ends the call."""

    def __init__(self, session: Session, count: int, mode: Mode) -> None:
        _checks.one_of("mode", mode, Mode)
        self._session = session
        self._count = count
        self._mode = mode
        self._won: dict[str, float] = {}
        self._failure: TensorOneError | None = None
        self._made = Unreported()  # what the searches made is reported here, where it is ended or handed on

    async def run(self, searches: Sequence[Search], timeout: float) -> list[Outcome[int, SpotRental]]:
        """Runs all searches at once, since a search mostly waits; then checks whether the clusters won still run."""
        outcomes: list[Outcome[int, SpotRental]] = []
        try:
            with anyio.CancelScope() as scope:

                async def one(index: int) -> SpotRental:
                    try:
                        with collecting(self._made):
                            rental = not_stopped(await searches[index].run(timeout))
                    except TensorOneError as error:
                        if self._mode == "all_or_nothing":
                            self._failure = self._failure or error
                            scope.cancel()
                        raise
                    self._won[rental.cluster.id] = anyio.current_time()
                    return rental

                outcomes = await fan_out(one, range(self._count), limit=self._count)
            outcomes = await self._checked(outcomes)
        except BaseException:
            await self._give_back(self._won)
            self._made.report("spot.acquire_many")
            raise
        if self._failure is not None:
            if left := await self._give_back(self._won):
                self._failure.billing = f"clusters {', '.join(left)} may still run: terminate them"
            self._made.report("spot.acquire_many")
            raise self._failure
        self._made.hand_on()
        return outcomes

    async def _checked(self, outcomes: list[Outcome[int, SpotRental]]) -> list[Outcome[int, SpotRental]]:
        """The outcomes, with an error for each cluster that was lost before the last search ended."""
        gone = await self._lost() if self._failure is None else frozenset[str]()
        lost_again = [each.value for each in outcomes if each.value and each.value.cluster.id in gone]
        errors = {rental.cluster.id: _lost_again(rental) for rental in lost_again}
        if errors and self._mode == "all_or_nothing":
            self._failure = next(iter(errors.values()))
        else:
            await self._give_back(rental.cluster.id for rental in lost_again if not _adopted(rental))
        return [
            Outcome(each.item, error=errors[each.value.cluster.id]) if each.value and each.value in lost_again else each
            for each in outcomes
        ]

    async def _lost(self) -> frozenset[str]:
        """Which of the clusters won are stopped or gone, by a fresh listing; empty if the listing fails."""
        try:
            with anyio.move_on_after(cleanup.GRACE):
                seen = await self._session.listing.fresh()
                settle_time = self._session.settle_time
                return lost(self._won, seen.value, asked_at=seen.asked_at, settle_time=settle_time)
        except TensorOneError as error:
            words = f"spot.acquire_many: could not check that all won clusters still run: {error}"
            self._session.events.emit(Setback, text=words, error_type=type(error).__name__)
        return frozenset()

    async def _give_back(self, cluster_ids: Iterable[str]) -> list[str]:
        """Terminates clusters, shielded from cancellation; returns those that it could not terminate in time."""
        left = set(cluster_ids)

        async def one(cluster_id: str) -> None:
            await end.end(self._session, cluster_id)
            left.discard(cluster_id)

        async def all_of_them() -> None:
            async with anyio.create_task_group() as group:
                for cluster_id in tuple(left):
                    group.start_soon(one, cluster_id)

        await shield.shielded(all_of_them, within=self._session.settle_time + cleanup.GRACE)
        if left:
            words = f"spot.acquire_many: could not terminate what may run on: clusters {', '.join(sorted(left))}"
            self._session.events.emit(LeftBehind, cluster_ids=tuple(sorted(left)), usd_per_hour=None, text=words)
            self._session.rentals.told(left)
        return sorted(left)


def _adopted(rental: SpotRental) -> bool:
    """Whether an earlier call rented it; its volume may then hold data."""
    return rental.kind is None


def _lost_again(rental: SpotRental) -> NoCapacity:
    state = "it stays stopped: spot.recover starts it" if _adopted(rental) else "it is terminated, and not billed"
    return NoCapacity(
        f"spot.acquire_many: cluster {rental.cluster.id} was preempted or lost before the call ended; {state}",
        operation="RentSpotCluster",
        attempts=len(rental.attempts),
        billing=f"the volume of cluster {rental.cluster.id}" if _adopted(rental) else None,
        ledger=rental.attempts,
    )
