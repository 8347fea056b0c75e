"""Runs operations whose turns a gate of the user's gives, in place of the rate that the client learns."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from tensorone._errors import ConnectionFailed, RateLimited
from tensorone._graphql import failed_attempt
from tensorone._graphql.executor import Body, Executor
from tensorone._graphql.failed_attempt import FailedAttempt

if TYPE_CHECKING:
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
        seen: SeenOperation | None = None,
    ) -> tuple[T | FailedAttempt, float]:
        mutation, left = operation.kind == "mutation", self._retry.total_timeout - spent
        if seen is not None:
            seen.joins()
        await self.queue.enter(mutation=mutation, again=again)
        try:
            async with AsyncExitStack() as turn:
                try:
                    await turn.enter_async_context(self._gate.turn(mutation=mutation, patience=left))
                except TimeoutError:
                    return failed_attempt.from_pause(left), 0.0
                started = anyio.current_time()
                outcome = await self._seen_exchange(operation, body, delivery, left, seen)
                took = anyio.current_time() - started
                self._tell(outcome, took)
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

    def _tell(self, outcome: Any | FailedAttempt, took: float) -> None:
        """Tells the gate what came back, unless nothing did."""
        if not isinstance(outcome, FailedAttempt) or not issubclass(outcome.kind, ConnectionFailed | RateLimited):
            self._gate.accepted(took)
        elif outcome.kind is RateLimited:
            self._gate.refused(outcome.retry_after)
