"""Keeping a fleet of spot clusters running: `step` decides, and this looks, recovers and tells."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Unpack

import anyio

from tensorone import _checks
from tensorone._clusters import cleanup
from tensorone._clusters.spec import checked_spec
from tensorone._concurrency import shield
from tensorone._errors import ConfigurationError, InvalidArgument, TensorOneError
from tensorone._recovery.policy import ResumePolicy
from tensorone._session import polling, token_and_expiry
from tensorone._spot.candidates import candidates
from tensorone._spot.terms import search_terms

from .events import BidMade, Polled, PollFailed, Recover
from .giving_up import is_permanent
from .recoveries import Recoveries
from .state import FleetSettings, restored
from .step import own_bids, step

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from tensorone._clusters.spec import ClusterSpec
    from tensorone._generated import Cluster
    from tensorone._market.attempt_log import Attempt
    from tensorone._recovery.policy import Strategy
    from tensorone._session.session import Session
    from tensorone._spot.terms import SearchTerms, TermOptions

    from .events import Event, Observation
    from .state import FleetOptions, FleetState

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
    state: str | None,
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
    return KeepRunning(
        session,
        specs,
        terms=checked,
        policy=policy,
        settings=FleetSettings(
            ceiling=checked.bidding.ceiling, settle_time=session.settle_time, recheck=checked.every / 2, **settings
        ),
        state=restored(specs, bids, state),
        on_state=on_state,
        expires_in=expires_in,
    )


class KeepRunning:
    """An async iterator of events, inside ``async with``; made by ``spot.keep_running``, for one reader.

    Everything happens while the iterator is asked. It looks and decides, and hands out what it saw; asked again, it
    makes one round of attempts at what is to be recovered now, and hands out what came of them. Nobody waits for a
    market: that is done from look to look, in the state. No task lives between two calls. It ends when every cluster
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
        on_state: Callable[[str], object] | None,
        expires_in: float | None,
    ) -> None:
        self._session = session
        self._every = terms.every
        self._recoveries = Recoveries(
            session,
            specs,
            terms=terms,
            policy=policy,
            expires_in=expires_in,
            own=self._own_bids,
            members=self._members,
            tell=self._tell_bid,
        )
        self._settings = settings
        self._state = state
        self._on_state = on_state
        self._unread: deque[Event] = deque()
        self._orders: list[Recover] = []
        self._shown: Mapping[str, Cluster] = {}
        self._failures = 0
        self._open = False
        self._due = self._epoch = 0.0

    @property
    def state(self) -> str:
        """All that is known, as text: what `on_state` is called with, and what ``state=`` takes up."""
        return self._state.to_json()

    async def __aenter__(self) -> Self:
        self._open, self._due = True, anyio.current_time()
        self._epoch = time.time() - anyio.current_time()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if not self._open:
            raise ConfigurationError("it works inside its block: async with client.spot.keep_running(…) as events")
        while not self._unread:
            if self._orders and anyio.current_time() < self._due:  # later they are old news
                await self._recover_all()
            elif all(member.phase == "given_up" for member in self._state.members):
                raise StopAsyncIteration
            else:
                await self._look()
        return self._unread.popleft()

    async def _look(self) -> None:
        """One look at all clusters; decides, and saves before anything comes of it."""
        moment = max(self._due, polling.last_tick(anyio.current_time(), self._every))
        await polling.until(moment)
        observation = await self._poll(moment)
        self._due = polling.next_tick(anyio.current_time(), self._every)
        known = self._state.interrupted()  # by a cancellation, if at all: nothing is under way here
        state, actions = step(known, observation, self._now(), self._settings)
        self._save(state)
        self._state = state
        self._orders = [action for action in actions if isinstance(action, Recover)]
        self._unread.extend(action for action in actions if not isinstance(action, Recover))
        if isinstance(observation, Polled):
            await self._recoveries.terminate_duplicates(self._shown)

    async def _poll(self, moment: float) -> Observation:
        try:
            snapshot = await self._session.listing.since(moment)
        except TensorOneError as error:
            self._failures += 1
            if is_permanent(error, self._failures):
                self._due = polling.next_tick(anyio.current_time(), self._every)
                raise
            return PollFailed()
        self._shown, self._failures = snapshot.value, 0
        return Polled(snapshot.value.values(), snapshot.asked_at + self._epoch)

    async def _recover_all(self) -> None:
        """One round of attempts for each cluster to recover; begins none when the next look is due.

        A cancellation lets bids under way come to their end, as far as that takes no longer than undoing them would.
        """
        orders, self._orders = self._orders, []
        limiter = anyio.CapacityLimiter(self._settings.width)

        async def attempts(scope: anyio.CancelScope) -> None:
            async with anyio.create_task_group() as group:
                for order in orders:
                    group.start_soon(self._recover, order, limiter, scope)

        try:
            await shield.finished(attempts, within=self._session.settle_time + cleanup.GRACE)
        finally:
            self._save(self._state)

    async def _recover(self, order: Recover, limiter: anyio.CapacityLimiter, scope: anyio.CancelScope) -> None:
        async with limiter:
            if anyio.current_time() >= self._due or math.isfinite(scope.deadline):
                return  # it is due still, and the first at the next look
            outcome = await self._recoveries.recover(order, self._shown)
        self._state, events = step(self._state, outcome, self._now(), self._settings)
        self._unread.extend(event for event in events if not isinstance(event, Recover))

    def _members(self) -> list[str]:
        return [member.cluster_id for member in self._state.members]

    def _own_bids(self, gpu_type_id: str) -> tuple[Decimal, ...]:
        return own_bids(self._state, gpu_type_id)

    def _tell_bid(self, cluster_id: str, attempt: Attempt) -> None:
        if attempt.bid_per_gpu is not None:
            bid = Decimal(str(attempt.bid_per_gpu))
            self._unread.append(BidMade(cluster_id, self._now(), bid, attempt.answer))

    def _save(self, state: FleetState) -> None:
        if self._on_state is not None:
            self._on_state(state.to_json())

    def _now(self) -> float:
        """Seconds since 1970, by a clock that nobody sets back while this runs."""
        return self._epoch + anyio.current_time()
