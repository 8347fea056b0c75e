"""Keeping a fleet of spot clusters running: `step` decides, and this polls, recovers and reports."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Unpack

import anyio

from tensorone import _checks
from tensorone._clusters import cleanup, rent_once
from tensorone._clusters.spec import checked_spec
from tensorone._concurrency import shield
from tensorone._errors import ConfigurationError, InvalidArgument, TensorOneError
from tensorone._recovery.policy import ResumePolicy
from tensorone._session import token_and_expiry
from tensorone._session.block_iterator import BlockIterator
from tensorone._spot.candidates import candidates
from tensorone._spot.terms import search_terms

from .events import BidMade, Event, Polled, PollFailed, Recover, RentalSent, Strayed
from .giving_up import is_permanent
from .recoveries import Recoveries
from .replacements import place_of, surplus
from .state import FleetSettings, FleetState, restored
from .step import own_bids, step
from .words import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from tensorone._clusters.spec import ClusterSpec
    from tensorone._generated import Cluster
    from tensorone._market.attempt_log import Attempt
    from tensorone._recovery.actions import RentElsewhere
    from tensorone._recovery.policy import Strategy
    from tensorone._session.session import Session
    from tensorone._spot.terms import SearchTerms, TermOptions

    from .events import Action, Observation
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
    _checks.hook("on_state", on_state)
    policy = ResumePolicy(
        bidding=checked.bidding, strategy=strategy, wait_for_gpus=wait_for_gpus, start_without_gpus=start_without_gpus
    )
    read, saved = (state, state() or None) if callable(state) else (None, state)
    return KeepRunning(
        session,
        specs,
        terms=checked,
        policy=policy,
        settings=FleetSettings(
            ceiling=checked.bidding.ceiling, settle_time=session.settle_time, recheck=checked.every / 2, **settings
        ),
        state=restored(specs, bids, saved),
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
        read: Callable[[], str | None] | None,
        on_state: Callable[[str], object] | None,
        expires_in: float | None,
    ) -> None:
        super().__init__(terms.every, made_by="spot.keep_running", unread=state.unread)
        self._session = session
        self._recoveries = Recoveries(
            session,
            specs,
            terms=terms,
            policy=policy,
            expires_in=expires_in,
            alone=read is not None,
            own=self._own_bids,
            members=self._members,
            sending=self._note_sending,
            tell=self._tell_bid,
        )
        self._settings = settings
        self._state = replace(state, run=secrets.token_hex(8), epoch=state.epoch + 1)
        self._read = read
        self._on_state = on_state
        self._not_saved: Exception | None = None
        self._orders: list[Recover] = []
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
        self._clock_offset = max(time.time(), self._state.at or 0.0) - anyio.current_time()
        return await super().__aenter__()

    async def _advance(self) -> None:
        if self._orders and anyio.current_time() < self._due:  # later they are old news
            with self._session.events.span("spot.keep_running.round", items=len(self._orders)):
                await self._recover_all()
        elif all(member.phase == "given_up" for member in self._state.members):
            raise StopAsyncIteration
        else:
            await self._poll_all()

    async def _poll_all(self) -> None:
        """One poll of all clusters; decides, and saves before anything comes of it."""
        observation = await self._poll(await self._poll_time())
        self._poll_next()
        if isinstance(observation, PollFailed):
            self._decide(observation)
            return
        found = surplus(self._state, self._shown, self._now())
        strays = (Strayed(self._recoveries.stray(each, place_of(self._state, each))) for each in found.stopped)
        self._decide(*found.duplicated, *strays, observation)
        await rent_once.terminate_duplicates(self._session, found.running)

    async def _poll(self, moment: float) -> Observation:
        try:
            snapshot = await self._session.listing.since(moment)
        except TensorOneError as error:
            self._failures += 1
            if is_permanent(error, self._failures):
                self._poll_next()
                raise
            return PollFailed()
        self._shown, self._failures = snapshot.value, 0
        return Polled(snapshot.value.values(), snapshot.asked_at + self._clock_offset)

    def _decide(self, *observations: Observation) -> None:
        state = self._state.interrupted()  # by a cancellation, if at all: nothing is under way
        found: list[Action] = []
        for observation in observations:
            state, actions = step(state, observation, self._now(), self._settings)
            found += actions
        events = [action for action in found if not isinstance(action, Recover)]
        self._save(state, events)
        self._orders = [action for action in found if isinstance(action, Recover)]
        self._report(events)

    async def _recover_all(self) -> None:
        """One round of attempts for each cluster to recover; begins none when the next poll is due.

        A cancellation lets bids under way come to their end, as far as that takes no longer than undoing them would.
        """
        orders, self._orders = self._orders, []
        limiter = anyio.CapacityLimiter(self._settings.width)
        self._recoveries.begin_round()

        async def attempts(scope: anyio.CancelScope) -> None:
            async with anyio.create_task_group() as group:
                for order in orders:
                    group.start_soon(self._recover, order, limiter, scope)

        try:
            await shield.finished(attempts, within=self._session.settle_time + cleanup.GRACE)
        finally:
            self._save(self._state)
        if (error := self._not_saved) is not None:
            self._not_saved = None
            raise error

    async def _recover(self, order: Recover, limiter: anyio.CapacityLimiter, scope: anyio.CancelScope) -> None:
        async with limiter:
            if anyio.current_time() >= self._due or math.isfinite(scope.deadline):
                return  # it is due still, and the first at the next poll
            outcome = await self._recoveries.recover(order, self._shown)
        self._state, events = step(self._state, outcome, self._now(), self._settings)
        self._report([event for event in events if not isinstance(event, Recover)])

    def _report(self, events: Sequence[Event]) -> None:
        self._unread.extend(events)
        tell(self._session.events, events, lost=self._session.rentals.lost)

    def _members(self) -> list[str]:
        return [member.cluster_id for member in self._state.members]

    def _own_bids(self, gpu_type_id: str) -> tuple[Decimal, ...]:
        return own_bids(self._state, gpu_type_id)

    def _tell_bid(self, cluster_id: str, attempt: Attempt) -> None:
        if attempt.bid_per_gpu is not None:
            bid = Decimal(str(attempt.bid_per_gpu))
            self._unread.append(BidMade(cluster_id, self._now(), bid, attempt.answer))
            under_way = any(each.cluster_id == cluster_id and not each.settled for each in self._state.sent)
            if under_way and attempt.answer != "won":
                self._note_sending(cluster_id)  # another bid may follow at once

    def _note_sending(self, cluster_id: str) -> bool:
        """Saves that a rental is about to be sent: who continues after a crash looks for it first. Whether it could."""
        self._state, _ = step(self._state, RentalSent(cluster_id), self._now(), self._settings)
        try:
            self._save(self._state)
        except Exception as error:  # noqa: BLE001 - whatever the hook raises; raised after the round
            self._not_saved = error
            return False
        return True

    def _save(self, state: FleetState, events: Sequence[Event] = ()) -> None:
        state = replace(state, unread=(*self._unread, *events))
        self._check_owner()
        if self._on_state is not None:
            self._on_state(state.to_json())
        self._state = state

    def _check_owner(self) -> None:
        """Refuses to go on with a fleet that another run has taken over since: two keepers would undo each other."""
        saved = None if self._read is None else self._read()
        found = FleetState.from_json(saved) if saved else self._state
        if found.run != self._state.run and found.epoch >= self._state.epoch:
            raise ConfigurationError(
                f"another keep_running (run {found.run}) continued from the saved state of this one (run"
                f" {self._state.run}) and has taken over its clusters. Nothing more is done here: end this one"
            )

    def _now(self) -> float:
        """Seconds since 1970, by a clock that never goes back, neither while this runs nor across a restart."""
        return self._clock_offset + anyio.current_time()
