"""Runs operations: one loop of attempts round pure decisions. Ours and a user's own operations alike."""

from __future__ import annotations

import random
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import anyio

from tensorone._delivery import Delivery
from tensorone._errors import ConnectionFailed, RateLimited
from tensorone._http.response_body import Undelivered, Unreadable
from tensorone._redaction import Redactor, env_values

from . import arguments, decoding, failed_attempt
from .failed_attempt import Verdict
from .request_queue import Paused
from .retry import pause, utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorone._errors import TensorOneError
    from tensorone._http.config import Arguments, Secret
    from tensorone._http.transport import Answer, Wire

    from .operation import Operation
    from .request_queue import Throttle
    from .retry import RetryPolicy


T = TypeVar("T")


class Executor:
    """What the generated client hands its operations to."""

    def __init__(  # noqa: PLR0913 - the parts of a client, put together in one place
        self,
        wire: Wire,
        throttle: Throttle,
        *,
        key: Secret,
        timeout: float,
        retry: RetryPolicy,
        arguments: Arguments,
    ) -> None:
        self.throttle = throttle
        self._wire = wire
        self._key = key
        self._timeout = timeout
        self._retry = retry
        self._arguments: Arguments = arguments

    async def execute(self, operation: Operation[T], variables: Mapping[str, object]) -> T:
        """Runs one operation.

        Raises:
            TensorOneError: It failed, or it is not known whether it happened; see the tree of errors.
        """
        return await self.run(operation, variables, Delivery())

    async def run(self, operation: Operation[T], variables: Mapping[str, object], delivery: Delivery) -> T:
        """The same; `delivery` tells also someone whose call was cancelled whether anything was sent."""
        self._wire.require_open()
        values = arguments.values(variables)
        return await self.send(operation, arguments.body(operation, values, self._arguments), values, delivery)

    async def send(self, operation: Operation[T], body: bytes, values: Mapping[str, object], delivery: Delivery) -> T:
        """The same with a body that is ready; `values` are those whose secrets no error may show."""
        self._wire.require_open()
        attempts, spent = 0, 0.0
        while True:
            attempts += 1
            outcome, took = await self._attempt(operation, body, delivery, spent, again=attempts > 1)
            if not isinstance(outcome, Verdict):
                return outcome
            spent += took
            wait = self._pause(operation, outcome, attempts, spent)
            if wait is None:
                raise self._error(operation, outcome, attempts if outcome.sent else attempts - 1, values)
            delivery.begun = False
            if outcome.kind is not RateLimited:  # after a refusal the whole queue is paused, this call with it
                await anyio.sleep(wait)
            spent += wait

    async def _attempt(
        self, operation: Operation[T], body: bytes, delivery: Delivery, spent: float, *, again: bool
    ) -> tuple[T | Verdict, float]:
        left = self._retry.total_timeout - spent
        try:
            started = await self.throttle.enter(mutation=operation.kind == "mutation", again=again, patience=left)
        except Paused as paused:
            return failed_attempt.of_pause(paused.seconds), 0.0
        outcome: T | Verdict | None = None
        try:
            outcome = found = await self._exchange(operation, body, delivery, min(self._timeout, left))
        finally:
            now = anyio.current_time()
            self._report(operation, outcome, started, now)
            self.throttle.leave()
        return found, now - started

    async def _exchange(self, operation: Operation[T], body: bytes, delivery: Delivery, timeout: float) -> T | Verdict:
        try:
            watched = operation.kind == "mutation"
            answer = await self._wire.send(body, delivery=delivery, timeout=timeout, watched=watched)
        except Undelivered as lost:
            return failed_attempt.of_loss(lost, begun=delivery.begun)
        except Unreadable as unreadable:
            return failed_attempt.of_unreadable(unreadable)
        return _read(operation, answer)

    def _report(self, operation: Operation[Any], outcome: object, started: float, now: float) -> None:
        """Tells the pace what came of a request, unless nothing came back."""
        if not isinstance(outcome, Verdict):
            answered = outcome is not None
        elif outcome.kind is RateLimited:
            self.throttle.pace.refused(now, started=started, retry_after=outcome.retry_after)
            answered = False
        else:
            answered = not issubclass(outcome.kind, ConnectionFailed)
        if answered:
            self.throttle.pace.accepted(now, name=operation.name, took=now - started)

    def _pause(self, operation: Operation[Any], verdict: Verdict, attempts: int, spent: float) -> float | None:
        repeatable = operation.kind == "query" or operation.idempotent or not verdict.acted
        if not (verdict.passing and repeatable):
            return None
        draw = random.random()  # noqa: S311 - jitter
        return pause(self._retry, attempts=attempts, spent=spent, retry_after=verdict.retry_after, draw=draw)

    def _error(
        self, operation: Operation[Any], verdict: Verdict, attempts: int, values: Mapping[str, object]
    ) -> TensorOneError:
        key = self._key.reveal()
        redact = Redactor([key, quote(key, safe=""), *env_values(values)])
        return failed_attempt.error(verdict, operation, attempts, redact)


def _read(operation: Operation[T], answer: Answer) -> T | Verdict:
    shape = None
    if answer.status == HTTPStatus.OK:
        try:
            if (data := decoding.result(answer.content, operation.result)) is not None:
                return data
        except decoding.ShapeError as error:
            shape = str(error)
    return failed_attempt.of_answer(answer, shape, utc_now())
