"""Runs operations: one loop of attempts round pure decisions. Ours and a user's own operations alike."""

from __future__ import annotations

import random
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import anyio

from tensorone._data.hidden import HiddenBytes
from tensorone._delivery import Delivery
from tensorone._errors import ConnectionFailed, InvalidArgument, OutcomeUnknown, RateLimited, TensorOneError
from tensorone._events.emitter import Emitter
from tensorone._events.rentals import Unknown
from tensorone._events.repeats import tell_pause, tell_repeat
from tensorone._http.response_body import Undelivered, Unreadable
from tensorone._redaction import Kept, Redactor, Values, env_values, without_frames

from . import arguments, calls, decoding, failed_attempt
from .failed_attempt import Call, FailedAttempt
from .request_queue import Paused
from .retry import pause, utc_now

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from tensorone._events.operation import SeenOperation
    from tensorone._http.config import Arguments, Secret
    from tensorone._http.lifetime import Lifetime
    from tensorone._http.transport import Care, Response, Transport

    from .operation import Operation
    from .request_queue import RequestQueue
    from .retry import RetryPolicy


T = TypeVar("T")

NO_VALUES: Mapping[str, object] = {}

Body = bytes | Callable[[], bytes]
"""What to send, or what makes it when the turn of the request has come."""


class Executor:
    """What the generated client hands its operations to."""

    def __init__(  # noqa: PLR0913 - the parts of a client, put together in one place
        self,
        transport: Transport,
        queue: RequestQueue,
        lifetime: Lifetime,
        *,
        key: Secret,
        timeout: float,
        retry: RetryPolicy,
        arguments: Arguments,
        events: Emitter | None = None,
    ) -> None:
        self.events = events or Emitter()
        self.queue = queue
        self.lifetime = lifetime
        self._transport = transport
        self._key = key
        self._timeout = timeout
        self._retry = retry
        self._arguments: Arguments = arguments
        self._mask = self._redactor({})

    async def execute(self, operation: Operation[T], variables: Mapping[str, object]) -> T:
        """Runs one operation.

        Raises:
            TensorOneError: It failed, or it is not known whether it happened; see the tree of errors.
        """
        try:
            return await self.run(operation, variables, Delivery())
        except OutcomeUnknown as error:  # whoever tracks a delivery finds out what happened before it is reported
            call = calls.name(operation.name)
            self.events.emit(Unknown, call=call, client_token=None, cluster_id=None, text=str(error))
            raise

    async def run(self, operation: Operation[T], variables: Mapping[str, object], delivery: Delivery) -> T:
        """The same; `delivery` shows whether anything was sent, even after the call was cancelled."""
        with Naming(operation):
            self.lifetime.require_open()
            body, values = self._prepared(operation, variables)
            return await self._send(operation, body, values, delivery)

    async def send(self, operation: Operation[T], body: bytes, values: Values, delivery: Delivery) -> T:
        """The same with a body that is ready; `values` are those whose secrets no error may show."""
        with Naming(operation):
            self.lifetime.require_open()
            return await self._send(operation, body, values, delivery)

    def _prepared(self, operation: Operation[Any], variables: Mapping[str, object]) -> tuple[bytes, Kept]:
        """What is sent; what it is made of is not among the locals of a call that waits, and may fail."""
        try:
            values = arguments.values(variables)
            return self.body(operation, values), Kept(values)
        except InvalidArgument as error:
            raise without_frames(error) from None

    def body(self, operation: Operation[Any], values: Mapping[str, arguments.Tree]) -> bytes:
        """The body of a request, in the client's style of arguments."""
        return HiddenBytes(arguments.body(operation, values, self._arguments))

    def timeout(self, spent: float) -> float:
        """Seconds that one attempt may take after others took so many."""
        return min(self._timeout, self._retry.total_timeout - spent)

    def _send(
        self, operation: Operation[T], body: bytes, values: Values, delivery: Delivery
    ) -> Coroutine[None, None, T]:
        seen = self.events.operation(operation, calls.name)
        if seen is None:  # no coroutine of its own, which each request would pay for
            return self._attempts(operation, body, values, delivery, None)
        return self._observed(operation, body, values, delivery, seen)

    async def _observed(
        self, operation: Operation[T], body: bytes, values: Values, delivery: Delivery, seen: SeenOperation
    ) -> T:
        with seen:
            return await self._attempts(operation, body, values, delivery, seen)

    async def _attempts(
        self, operation: Operation[T], body: bytes, values: Values, delivery: Delivery, seen: SeenOperation | None
    ) -> T:
        attempts, spent = 0, 0.0
        while True:
            attempts += 1
            outcome, took = await self.attempt(operation, body, delivery, spent, again=attempts > 1, seen=seen)
            if not isinstance(outcome, FailedAttempt):
                return outcome
            spent += took
            wait = await self.wait_after(operation, outcome, delivery, attempts, spent, values)
            if wait is None:
                raise self.error(operation, outcome, attempts, spent, values)
            spent += wait
            if seen is not None:
                seen.pauses(wait)

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
        """One request when its turn comes, and how long it took; `spent` is what those before it took."""
        left = self._retry.total_timeout - spent
        if seen is not None:
            seen.joins()
        try:
            started = await self.queue.enter(mutation=operation.kind == "mutation", again=again, patience=left)
        except Paused as paused:
            return failed_attempt.from_pause(paused.seconds), 0.0
        if seen is not None:
            seen.starts(started)
        outcome: T | FailedAttempt | None = None
        try:
            outcome = found = await self._exchange(operation, body, delivery, min(self._timeout, left), seen)
        finally:
            now = self.queue.now()
            if seen is not None:
                seen.ends(now, outcome if isinstance(outcome, FailedAttempt) else None)
            self._report(operation, outcome, started, now)
            self.queue.leave(now)
        return found, now - started

    async def _exchange(
        self, operation: Operation[T], body: Body, delivery: Delivery, timeout: float, seen: SeenOperation | None
    ) -> T | FailedAttempt:
        self.lifetime.require_open()  # the client may have been closed while the call waited for its turn
        try:
            body = body if isinstance(body, bytes) else body()
            response = await self._transport.send(body, delivery=delivery, timeout=timeout, care=_care(operation))
        except Undelivered as lost:
            return failed_attempt.from_lost(lost, begun=delivery.begun)
        except Unreadable as unreadable:
            return failed_attempt.from_unreadable(unreadable)
        if seen is not None:
            seen.answered(response.status, self._mask.text(failed_attempt.request_id(response) or "") or None)
        return read(operation, response)

    def _report(self, operation: Operation[Any], outcome: object, started: float, now: float) -> None:
        """Reports the outcome of a request to the rate limiter, unless nothing came back."""
        if not isinstance(outcome, FailedAttempt):
            answered = outcome is not None
        elif outcome.kind is RateLimited:
            before = self.queue.state.paused_for
            self.queue.limiter.refused(now, started=started, retry_after=outcome.retry_after)
            if before <= 0 < (state := self.queue.state).paused_for:
                tell_pause(self.events, state.paused_for, waiting=state.waiting_reads + state.waiting_mutations)
            answered = False
        else:
            answered = not issubclass(outcome.kind, ConnectionFailed)
        if answered:
            self.queue.limiter.accepted(now, name=operation.name, took=now - started)

    async def wait_after(  # noqa: PLR0913 - what one failed attempt is about
        self,
        operation: Operation[Any],
        failed: FailedAttempt,
        delivery: Delivery,
        attempts: int,
        spent: float,
        values: Values = NO_VALUES,
        *,
        call: str | None = None,
    ) -> float | None:
        """Waits until a failed request may be sent again; answers how long, or None if it may not.

        `call` is what sends it, where its operation is also another call's.
        """
        repeatable = operation.kind == "query" or operation.idempotent or not failed.acted
        if not (failed.passing and repeatable):
            return None
        draw = random.random()  # noqa: S311 - jitter
        wait = pause(self._retry, attempts=attempts, spent=spent, retry_after=failed.retry_after, draw=draw)
        if wait is not None:
            delivery.settled()
            tell_repeat(
                self.events,
                operation,
                failed,
                call=call or calls.name(operation.name),
                redact=lambda words: self._redactor(values).text(words),
                attempt=attempts + 1,
                attempts=self._retry.attempts,
                wait=None if failed.kind is RateLimited and failed.retry_after is not None else wait,
            )
            # After a limit the whole queue is paused, this call with it. Where the server names no time, that pause is
            # short, since it is doubled from refusal to refusal; a call would use up its attempts within it.
            if failed.kind is not RateLimited or failed.retry_after is None:
                await anyio.sleep(wait)
        return wait

    def error(
        self,
        operation: Operation[Any],
        failed: FailedAttempt,
        attempts: int,
        spent: float,
        values: Values,
    ) -> TensorOneError:
        """The error of a call whose last attempt, after so many, came to this."""
        attempts -= not failed.sent
        call = Call(operation, attempts, spent, place=self._transport.place, url=self._transport.url)
        return failed_attempt.error(failed, call, self._redactor(values))

    def _redactor(self, values: Values) -> Redactor:
        key = self._key.reveal()
        return Redactor([key, quote(key, safe=""), *env_values(values)])


class Naming:
    """Has every error name the operation that it ended; no generator, which would cost each request more."""

    __slots__ = ("_operation",)

    def __init__(self, operation: Operation[Any]) -> None:
        self._operation = operation

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, TensorOneError) and error.operation is None:
            error.operation = self._operation.name


def _care(operation: Operation[Any]) -> Care:
    if operation.kind == "query":
        return "read"
    return "repeatable" if operation.idempotent else "once"


def read(operation: Operation[T], response: Response) -> T | FailedAttempt:
    """What a response says."""
    shape = None
    if response.status == HTTPStatus.OK:
        try:
            if (data := decoding.result(response.content, operation.result)) is not None:
                return data
        except decoding.ShapeError as error:
            shape = str(error)
    return failed_attempt.from_response(response, shape, utc_now())
