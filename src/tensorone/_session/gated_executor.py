"""Runs operations whose turns a gate of the user's gives, in place of the rate that the client learns."""

from __future__ import annotations

from contextlib import contextmanager
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from tensorone import _checks
from tensorone._errors import ConnectionFailed, RateLimited
from tensorone._events.cleanup import Failure
from tensorone._events.repeats import tell_pause
from tensorone._graphql import failed_attempt
from tensorone._graphql.executor import Body, Executor
from tensorone._graphql.failed_attempt import FailedAttempt

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from tensorone._delivery import Delivery
    from tensorone._events.operation import SeenOperation
    from tensorone._graphql.operation import Operation
    from tensorone._rate.gate import Gate


T = TypeVar("T")


class GatedExecutor(Executor):
    """An executor that asks a gate before each request; the client's own queue keeps order and width."""

    def __init__(self, executor: Executor, gate: Gate) -> None:
        self.__dict__.update(executor.__dict__)
        self._gate = gate
        self._failure_told = False
        self._pause_told = -inf  # when a pause was last told of
        limiter = self.queue.limiter
        limiter.width = float(limiter.max_width)  # which is not learned here

    async def attempt(  # noqa: PLR0913 - what one attempt is about
        self,
        operation: Operation[T],
        body: Body,
        delivery: Delivery,
        spent: float,
        *,
        again: bool,
        seen: SeenOperation | None,
    ) -> tuple[T | FailedAttempt, float]:
        mutation, left = operation.kind == "mutation", self._retry.total_timeout - spent
        if seen is not None:
            seen.joins()
        await self.queue.enter(mutation=mutation, again=again)
        try:
            turn = _Turn(self._gate.turn(mutation=mutation, patience=left), self._failed)
            try:
                await turn.enter()
            except TimeoutError:
                return failed_attempt.from_pause(left), 0.0
            async with turn:
                started = anyio.current_time()
                outcome = await self._seen_exchange(operation, body, delivery, left, seen)
                took = anyio.current_time() - started
                self._tell(outcome, started, took)
            return outcome, took
        finally:
            self.queue.leave()

    async def _seen_exchange(
        self, operation: Operation[T], body: Body, delivery: Delivery, left: float, seen: SeenOperation | None
    ) -> T | FailedAttempt:
        outcome: T | FailedAttempt | None = None
        if seen is not None:
            seen.starts(anyio.current_time())
        try:
            outcome = found = await self._exchange(operation, body, delivery, min(self._timeout, left), seen)
        finally:
            if seen is not None:
                seen.ends(anyio.current_time(), outcome if isinstance(outcome, FailedAttempt) else None)
        return found

    def _tell(self, outcome: Any | FailedAttempt, started: float, took: float) -> None:
        """Tells the gate what came back, unless nothing did."""
        if not isinstance(outcome, FailedAttempt) or not issubclass(outcome.kind, ConnectionFailed | RateLimited):
            with self._harmless():
                _checks.answer("gate.accepted", self._gate.accepted, took)
        elif outcome.kind is RateLimited:
            if started >= self._pause_told:  # those that were under way then are refused for the same reason
                self._pause_told, state = started + took, self.queue.state
                tell_pause(self.events, outcome.retry_after, waiting=state.waiting_reads + state.waiting_mutations)
            with self._harmless():
                _checks.answer("gate.refused", self._gate.refused, outcome.retry_after)

    @contextmanager
    def _harmless(self) -> Generator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001 - a user's code, after a request that may have rented
            self._failed()

    def _failed(self) -> None:
        """The gate raised when the answer was there, which stands; told once."""
        if not self._failure_told:
            self._failure_told = True
            self.events.emit(Failure, text="the gate failed after an answer; what else it raises there is not logged")


class _Turn:
    """A gate's turn, whose end changes nothing of what the request came to: it hides no error, and adds none."""

    def __init__(self, turn: AbstractAsyncContextManager[object], failed: Callable[[], None]) -> None:
        self._turn = turn
        self._failed = failed

    async def enter(self) -> None:
        await self._turn.__aenter__()

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._turn.__aexit__(kind, error, traceback)
        except Exception:  # noqa: BLE001 - as above
            self._failed()
