"""Keeping a fleet of spot clusters running: `step` decides, and this polls, recovers and reports."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Unpack

import anyio

from tensorone import _checks
from tensorone._clusters import cleanup
from tensorone._clusters import end as ending
from tensorone._clusters.spec import checked_spec
from tensorone._concurrency import shield
from tensorone._errors import ConfigurationError, InvalidArgument, TensorOneError
from tensorone._events.rentals import Duplicate
from tensorone._market.shared_prices import Market
from tensorone._recovery.policy import ResumePolicy
from tensorone._session import token_and_expiry
from tensorone._session.block_iterator import BlockIterator
from tensorone._spot.candidates import candidates
from tensorone._spot.terms import search_terms

from ._store.saving import Saving
from .events import End, Event, Recover, reported
from .giving_up import FailedPolls
from .look import digest
from .observations import PollFailed, RentalSent
from .recoveries import Recoveries, check_types
from .spec import order_on
from .state import FleetSettings, FleetState, restored
from .step import step
from .words import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal
    from types import TracebackType
    from typing import Self

    from tensorone._clusters.spec import ClusterSpec
    from tensorone._generated import Cluster
    from tensorone._recovery.actions import RentElsewhere
    from tensorone._recovery.policy import Strategy
    from tensorone._session.session import Session
    from tensorone._spot.terms import SearchTerms, TermOptions

    from ._store.store import Store
    from .look import Look
    from .observations import Observation
    from .spec import Order
    from .state import FleetOptions

__all__ = ["KeepRunning"]


def keep_running(  # noqa: PLR0913 - what `spot.keep_running` was given
    session: Session,
    specs: Mapping[str, ClusterSpec],
    *,
    strategy: Strategy,
    wait_for_gpus: float,
    start_without_gpus: bool,
    bids: Mapping[str, Decimal | float | None] | None,
    expires_in: float | None,
    state: str | Callable[[], str | None] | None,
    store: Store | None,
    on_state: Callable[[str], object] | None,
    terms: TermOptions,
    **settings: Unpack[FleetOptions],
) -> KeepRunning:
    """The fleet of these clusters; nothing is sent before its iterator is asked."""
    if not isinstance(specs, Mapping) or not specs:  # pyright: ignore[reportUnnecessaryIsInstance] - callers may give anything
        raise InvalidArgument("specs", "must map at least one cluster id to its spec")
    checked = search_terms(**terms)
    for spec in specs.values():
        candidates(checked_spec(spec), checked.cloud_types)
    token_and_expiry.tags("", expires_in)
    policy = ResumePolicy(
        bidding=checked.bidding, strategy=strategy, wait_for_gpus=wait_for_gpus, start_without_gpus=start_without_gpus
    )
    if store is not None and state is not None:
        raise InvalidArgument("state", "is read from the store: give state or store, not both")
    read, saved = (state, _checks.answer("state", state) or None) if callable(state) else (None, state)
    return KeepRunning(
        session,
        specs,
        terms=checked,
        policy=policy,
        settings=FleetSettings(
            ceiling=checked.bidding.ceiling, settle_time=session.settle_time, recheck=checked.every / 2, **settings
        ),
        state=restored(specs, bids, saved),
        restored=partial(restored, specs, bids),
        store=store,
        read=read,
        on_state=on_state,
        expires_in=expires_in,
    )


class KeepRunning(BlockIterator[Event]):
    """An async iterator of events, inside ``async with``; made by ``spot.keep_running``, for one reader.

    Everything happens while the iterator is asked. It polls and decides, and hands out what it saw; asked again, it
    makes one round of attempts at what is to be recovered now, and hands out what came of them. Nobody waits for a
    market: that is done from poll to poll, in the state. No task lives between two calls. It ends when every cluster
    was given up.
    """

    def __init__(  # noqa: PLR0913 - what `spot.keep_running` was given, checked
        self,
        session: Session,
        specs: Mapping[str, ClusterSpec],
        *,
        terms: SearchTerms,
        policy: ResumePolicy,
        settings: FleetSettings,
        state: FleetState,
        restored: Callable[[str | None], FleetState],
        store: Store | None,
        read: Callable[[], str | None] | None,
        on_state: Callable[[str], object] | None,
        expires_in: float | None,
    ) -> None:
        super().__init__(terms.every, made_by="spot.keep_running", unread=state.unread)
        self._session = session
        self._specs = dict(specs)
        self._terms = terms
        self._policy = policy
        self._expires_in = expires_in
        self._saving = Saving(store, read, on_state)
        self._recoveries = Recoveries(
            session,
            call="spot.keep_running",
            alone=self._saving.exclusive,
            listed=self._saving.exclusive,
            own=self._own_bids,
            members=lambda: self._state.cluster_ids,
            sending=self._note_sending,
        )
        self._settings = settings
        self._state = state
        self._restored = restored
        self._not_saved: Exception | None = None
        self._failed = FailedPolls()
        self._orders: list[Recover] = []
        self._ends: list[End] = []
        self._shown: Mapping[str, Cluster] = {}
        self._clock_offset = 0.0

    @property
    def state(self) -> str:
        """All that is known, as text: what `on_state` is called with, and what ``state=`` continues from."""
        return self._state.to_json()

    @property
    def left_behind(self) -> tuple[RentElsewhere, ...]:
        """The clusters that others replaced and that the account still has, with what their volumes cost.

        They are in the state too. Each is billed for its volume until it is terminated, which deletes that.
        """
        return tuple(each.cluster for each in self._state.left_behind)

    async def __aenter__(self) -> Self:
        if (state := self._saving.open(self._restored)) is not None:
            self._state = state
            self._unread.extend(state.unread)
        self._state = replace(self._state, run=secrets.token_hex(8), epoch=self._state.epoch + 1)
        self._clock_offset = max(time.time(), self._state.at or 0.0) - anyio.current_time()
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, traceback)
        self._saving.close()

    async def _advance(self) -> None:
        if self._orders and anyio.current_time() < self._due:  # later they are old news
            with self._session.events.span("spot.keep_running.round", items=len(self._orders)):
                await self._recover_all()
        elif all(member.phase == "given_up" for member in self._state.members):
            raise StopAsyncIteration
        else:
            await self._look()

    async def _look(self) -> None:
        """One look at all clusters; decides, and saves before anything comes of it."""
        await check_types(self._session, self._state, self._specs.values(), self._terms)
        observation = await self._observe(await self._poll_time())
        self._poll_next()
        self._decide(observation)
        await self._end_all()

    async def _end_all(self) -> None:
        """Ends what nobody uses, several side by side; what takes too long comes back with the next look."""
        limiter = anyio.CapacityLimiter(self._settings.width)
        with anyio.move_on_after(cleanup.GRACE):
            async with anyio.create_task_group() as group:
                for each in self._ends:
                    group.start_soon(self._end, each, limiter)

    async def _end(self, end: End, limiter: anyio.CapacityLimiter) -> None:
        async with limiter:
            if not (left := self._state.left_behind.find(end.cluster_id) is not None):
                self._session.events.emit(Duplicate, cluster_id=end.cluster_id, how=end.how)
            await ending.end(self._session, end.cluster_id, end.how, told=left)

    async def _observe(self, moment: float) -> Look | PollFailed:
        try:
            snapshot = await self._session.listing.since(moment)
        except TensorOneError as error:
            self._failed = self._failed.after(error)
            if self._failed.permanent or isinstance(error, ConfigurationError):
                self._poll_next()
                raise
            return PollFailed()
        self._shown, self._failed = snapshot.value, FailedPolls()
        at = snapshot.asked_at + self._clock_offset
        return digest(snapshot.value, self._state.cluster_ids, self._state.other_ids, at=at)

    def _decide(self, observation: Look | Observation) -> None:
        state = self._state.interrupted()  # by a cancellation, if at all: nothing is under way
        state, actions = step(state, observation, self._now(), self._settings)
        events = reported(actions)
        self._save(state, events)
        self._orders = [action for action in actions if isinstance(action, Recover)]
        self._ends = [action for action in actions if isinstance(action, End)]
        self._report(events)

    async def _recover_all(self) -> None:
        """One round of attempts for each cluster to recover; begins none when the next poll is due.

        A cancellation lets bids under way come to their end, as far as that takes no longer than undoing them would.
        """
        orders, self._orders = [self._order(each) for each in self._orders], []
        # One request for all recoveries that follow one look, and none before the first of them asks.
        market = Market(self._session, frozenset[tuple[str, int]]().union(*(each.pairs for each in orders)))
        limiter = anyio.CapacityLimiter(self._settings.width)
        self._recoveries.begin_round(self._terms.every)

        async def attempts(scope: anyio.CancelScope) -> None:
            async with anyio.create_task_group() as group:
                for order in orders:
                    group.start_soon(self._recover, order, market, limiter, scope)

        try:
            await shield.finished(attempts, within=self._session.settle_time + cleanup.GRACE)
        finally:
            self._save(self._state)
        if (error := self._not_saved) is not None:
            self._not_saved = None
            raise error

    async def _recover(
        self, order: Order, market: Market, limiter: anyio.CapacityLimiter, scope: anyio.CancelScope
    ) -> None:
        async with limiter:
            if anyio.current_time() >= self._due or math.isfinite(scope.deadline):
                return  # it is due still, and the first at the next poll
            outcome = await self._recoveries.recover(order, self._shown, market)
        self._state, actions = step(self._state, outcome, self._now(), self._settings)
        self._report(reported(actions))

    def _report(self, events: Sequence[Event]) -> None:
        self._unread.extend(events)
        tell(self._session.events, events, lost=self._session.rentals.lost)

    def _order(self, recover: Recover) -> Order:
        spec = self._specs[recover.origin]
        return order_on(self._terms, self._policy, recover=recover, spec=spec, expires_in=self._expires_in)

    def _own_bids(self, gpu_type_id: str) -> tuple[Decimal, ...]:
        return self._state.own_bids.get(gpu_type_id, ())

    def _note_sending(self, order: Order) -> bool:
        """Saves that a rental is about to be sent: who continues after a crash looks for it first. Whether it could."""
        sent = RentalSent(order.recover.cluster_id, self._state.run)
        self._state, _ = step(self._state, sent, self._now(), self._settings)
        try:
            self._save(self._state)
        except Exception as error:  # noqa: BLE001 - whatever the hook raises; raised after the round
            self._not_saved = error
            return False
        return True

    def _save(self, state: FleetState, events: Sequence[Event] = ()) -> None:
        state = replace(state, unread=(*self._unread, *events))
        self._saving.save(state)
        self._state = state

    def _now(self) -> float:
        """Seconds since 1970, by a clock that never goes back, neither while this runs nor across a restart."""
        return self._clock_offset + anyio.current_time()
