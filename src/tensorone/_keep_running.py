"""Keeping a fleet of spot clusters running: `step` decides, and this looks, recovers and tells."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import anyio

from . import _inputs, _listing
from ._errors import (
    BidCeilingReached,
    ClusterNotFound,
    ConfigurationError,
    InvalidArgument,
    OperationUnsupported,
    TensorOneError,
)
from ._fleet import step
from ._fleet_events import BidMade, Polled, PollFailed, Recover, RecoveryFailed, RecoverySucceeded
from ._fleet_state import FleetState
from ._ledger import Ledger
from ._recover import Replacement, recover

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from anyio.abc import TaskGroup

    from ._candidates import Terms
    from ._fleet_events import Event, Observation
    from ._fleet_state import FleetSettings
    from ._ledger import Attempt
    from ._resume_plan import ResumePolicy
    from ._session import Session
    from ._specs import ClusterSpec

__all__ = ["KeepRunning"]

PATIENCE = 60.0  # seconds for the looks of one recovery; what is under way then is followed to its end


class KeepRunning:
    """An async iterator of events, inside ``async with``; made by ``spot.keep_running``, for one reader.

    Everything happens while the iterator is asked: it looks, recovers what stopped, and tells. No task lives between
    two calls. It ends when every cluster was given up.
    """

    def __init__(  # noqa: PLR0913 - what `spot.keep_running` was given, checked
        self,
        session: Session,
        specs: Mapping[str, ClusterSpec],
        *,
        terms: Terms,
        policy: ResumePolicy,
        settings: FleetSettings,
        state: FleetState,
        on_state: Callable[[str], object] | None,
        expires_in: float | None,
    ) -> None:
        self._session = session
        self._specs = dict(specs)
        self._terms = terms
        self._policy = policy
        self._settings = settings
        self._state = state
        self._on_state = on_state
        self._expires_in = expires_in
        self._unread: deque[Event] = deque()
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
            if all(member.phase == "given_up" for member in self._state.members):
                raise StopAsyncIteration
            await self._turn()
        return self._unread.popleft()

    async def _turn(self) -> None:
        """One look at all clusters, and all recoveries that follow from it."""
        every = self._terms.every
        moment = max(self._due, _listing.last_tick(anyio.current_time(), every))
        await _listing.until(moment)
        self._state = self._state.interrupted()  # by a cancellation, if at all: nothing is under way here
        observation = await self._poll(moment)
        self._due = _listing.next_tick(anyio.current_time(), every)
        async with anyio.create_task_group() as group:
            self._follow(observation, group)

    async def _poll(self, moment: float) -> Observation:
        try:
            snapshot = await self._session.listing.since(moment)
        except TensorOneError as error:
            if not error.retryable:
                raise
            return PollFailed()
        return Polled(snapshot.value.values(), snapshot.asked_at + self._epoch)

    def _follow(self, observation: Observation, group: TaskGroup) -> None:
        """Decides, saves, and only then acts."""
        self._state, actions = step(self._state, observation, self._now(), self._settings)
        if self._on_state is not None:
            self._on_state(self.state)
        for action in actions:
            if isinstance(action, Recover):
                group.start_soon(self._recover, action, group)
            else:
                self._unread.append(action)

    async def _recover(self, action: Recover, group: TaskGroup) -> None:
        try:
            rental = await recover(
                self._session,
                action.cluster_id,
                self._specs[action.origin],
                self._policy,
                self._replacement(action),
            )
        except TensorOneError as error:
            outcome: Observation = RecoveryFailed(action.cluster_id, str(error), is_final(error, self._terms))
        else:
            bid = None if rental.bid_per_gpu is None else Decimal(str(rental.bid_per_gpu))
            outcome = RecoverySucceeded(action.cluster_id, rental.cluster.id, bid)
        self._follow(outcome, group)

    def _replacement(self, action: Recover) -> Replacement:
        # The same token for every attempt at one recovery, also across a crash: what it rented once is found again.
        token = f"keep-{action.origin}-{action.number}"
        markers = _inputs.markers(token, self._expires_in)
        return Replacement(
            terms=self._terms,
            markers=markers,
            token=token,
            adopt=True,
            ledger=Ledger(lambda attempt: self._tell_bid(action.cluster_id, attempt)),
            end=anyio.current_time() + PATIENCE,
            once=True,
        )

    def _tell_bid(self, cluster_id: str, attempt: Attempt) -> None:
        if attempt.bid_per_gpu is not None:
            bid = Decimal(str(attempt.bid_per_gpu))
            self._unread.append(BidMade(cluster_id, self._now(), bid, attempt.answer))

    def _now(self) -> float:
        """Seconds since 1970, by a clock that nobody sets back while this runs."""
        return self._epoch + anyio.current_time()


def is_final(error: TensorOneError, terms: Terms) -> bool:
    """Whether another attempt would fare no better. Pure."""
    if isinstance(error, BidCeilingReached):
        return terms.bidding.above_ceiling == "give_up"
    return isinstance(error, ClusterNotFound | InvalidArgument | OperationUnsupported)


def taken_up(specs: Mapping[str, ClusterSpec], saved: str | None) -> FleetState:
    """The state to begin with: as it was saved, with clusters that are new. Pure.

    Raises:
        InvalidArgument: It cannot be read, or has a cluster for which there is no spec.
    """
    begun = FleetState.start({name: spec.gpu_count for name, spec in specs.items()})
    if saved is None:
        return begun
    state = FleetState.from_json(saved)
    known = {member.origin for member in state.members}
    if missing := sorted(known - specs.keys()):
        raise InvalidArgument("specs", f"has no spec for {', '.join(missing)}, which the saved state keeps running")
    new = tuple(member for member in begun.members if member.origin not in known)
    return replace(state, members=state.members + new)
