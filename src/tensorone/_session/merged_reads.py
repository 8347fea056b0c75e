"""Reads that wait at the same time share a request: the first of them asks for all, and if cancelled, the next does.

A read that finds no other under way goes out at once, by itself. One that does waits for a turn of the event loop,
and then for its turn in the queue; whoever comes until then goes along, under an alias of its own. There is no task
for it. What a response says about one of them is that one's alone, as if it had been sent alone; a request that
fails as a whole is sent again in smaller ones, and one that takes too long is given up for reads one by one.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
from anyio.lowlevel import checkpoint

from tensorone._delivery import Delivery
from tensorone._errors import RequestTimedOut
from tensorone._graphql import arguments, batch, calls
from tensorone._graphql.executor import Naming, read
from tensorone._graphql.failed_attempt import FailedAttempt
from tensorone._http.transport import Response

from . import shared_request
from .waiting_read import PENDING, Read, Shared

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from tensorone._events.operation import SeenOperation
    from tensorone._graphql.executor import Executor
    from tensorone._graphql.operation import Operation

SHARE = 0.5  # of an attempt's time for a request that is shared: afterwards each read has time to be sent alone


class MergedReads:
    """Reads of one root field, which may share requests with others of the same operation.

    Attributes:
        most: Reads in one request at most; fewer once the server refused more.
    """

    def __init__(self, executor: Executor, *, merge: bool) -> None:
        self.most = batch.READS_PER_REQUEST
        self._executor = executor
        self._merge = merge
        self._lines: dict[str, _Line] = {}

    def one(self, operation: Operation[Any], variables: Mapping[str, object]) -> Awaitable[Any]:
        """The value of the field.

        Raises:
            TensorOneError: The read failed; the error is this call's own, and names its operation.
        """
        line = self._lines.get(operation.name)
        if line is None:
            line = self._lines[operation.name] = _Line(self, self._executor, operation)
        if line.crowded and self._merge and self.most > 1:
            return line.share(variables)
        return line.alone(variables)


class _Line:
    """The reads of one operation."""

    def __init__(self, reads: MergedReads, executor: Executor, operation: Operation[Any]) -> None:
        self._under_way = 0  # requests for it that wait in the queue or for a response
        self._reads = reads
        self._executor = executor
        self._operation = operation
        (self._field,) = operation.result.model_fields
        self._open: Shared | None = None  # the request that further reads may join
        self._in_company = False  # whether the latest answer was for several, who may come again together
        self._size = shared_request.BatchSize()
        self._call = calls.name(operation.name)

    @property
    def crowded(self) -> bool:
        """Whether a read is likely to find company."""
        return self._under_way > 0 or self._in_company

    async def alone(self, variables: Mapping[str, object]) -> Any:
        """Runs a read by itself, at once."""
        self._under_way += 1
        try:
            return self._value(await self._executor.run(self._operation, variables, Delivery()))
        finally:
            self._under_way -= 1

    async def share(self, variables: Mapping[str, object]) -> Any:
        """Runs a read together with those that come in the same turn, or wait in the queue."""
        with Naming(self._operation):
            self._executor.lifetime.require_open()
            one = self._joined(arguments.values(variables))
            try:
                while one.outcome is PENDING:
                    if one.shared.led_by(one):
                        await self._lead(one.shared)
                    else:
                        await one.shared.news.wait()
            finally:
                self._leave(one)
            if isinstance(one.outcome, FailedAttempt):
                attempts, spent = one.shared.attempts, one.shared.spent
                raise self._executor.error(self._operation, one.outcome, attempts, spent, one.values)
            return one.outcome

    def _value(self, found: Any) -> Any:
        return found if isinstance(found, FailedAttempt) else getattr(found, self._field)

    def _joined(self, values: dict[str, arguments.Tree]) -> Read:
        one: Read = Read(values)
        most = self._reads.most if self._executor.queue.full else min(self._reads.most, self._size.most)
        shared = self._open
        if shared is None or len(shared.reads) >= most:
            shared = self._open = Shared(self._operation)
        shared.reads[one], one.shared = None, shared
        return one

    def _leave(self, one: Read) -> None:
        """A read has its outcome, or was cancelled: then it is not asked for any more, and the next one leads."""
        shared = one.shared
        led = shared.led_by(one)
        del shared.reads[one]
        if not shared.reads:
            self._close(shared)
        elif led and one.outcome is PENDING:
            shared.again = True
            shared.wake()

    async def _lead(self, shared: Shared) -> None:
        seen = self._executor.events.operation(shared, lambda _: self._call, attempts=shared.attempts)
        self._under_way += 1
        try:
            if not shared.again:
                await checkpoint()  # those who come in the same turn of the event loop go along
            with seen or nullcontext():
                outcome = await self._answer(shared, seen)
        finally:
            self._under_way -= 1
        self._settle(shared, outcome)
        shared.wake()

    async def _answer(self, shared: Shared, seen: SeenOperation | None) -> Any:
        """Sends it as often as a read alone would be sent, but for one that takes too long."""
        delivery = Delivery()
        while True:
            outcome = await self._attempt(shared, delivery, seen)
            if not isinstance(outcome, FailedAttempt):
                return outcome
            if len(shared.asked) > 1 and issubclass(outcome.kind, RequestTimedOut):
                return outcome
            attempts, spent = shared.attempts, shared.spent
            wait = await self._executor.wait_after(shared, outcome, delivery, attempts, spent, call=self._call)
            if wait is None:
                return outcome
            shared.spent += wait
            if seen is not None:
                seen.pauses(wait)

    async def _attempt(self, shared: Shared, delivery: Delivery, seen: SeenOperation | None) -> Any:
        again, shared.again = shared.again, True
        shared.attempts += 1
        shared.sent_at = None
        body = partial(self._sealed, shared)
        outcome: Any = FailedAttempt(RequestTimedOut, "no response in time for several reads", passing=True)
        try:
            with anyio.CancelScope() as shared.scope:
                outcome, _ = await self._executor.attempt(shared, body, delivery, shared.spent, again=again, seen=seen)
        finally:
            took = 0.0 if shared.sent_at is None else anyio.current_time() - shared.sent_at
            shared.spent += took
        if not isinstance(outcome, FailedAttempt):
            self._size.answered(len(shared.asked), took)
        elif not outcome.sent:
            self._close(shared)
        return outcome

    def _sealed(self, shared: Shared) -> bytes:
        """The turn has come: the body that asks for what waits. Whoever is beyond the limit waits for another turn."""
        self._close(shared)
        if beyond := shared.asked[1 if self._size.leaves() else self._reads.most :]:
            self._part(shared, beyond)
            shared.wake()
            shared.asked = [*shared.reads]
        query: Operation[Any] = self._operation
        values: dict[str, arguments.Tree] = shared.asked[0].values
        shared.sent_at = anyio.current_time()
        if len(shared.asked) > 1:
            query, values = batch.many(self._operation, [one.values for one in shared.asked]), {}
            shared.scope.deadline = shared.sent_at + SHARE * self._executor.timeout(shared.spent)
        shared.name, shared.result = query.name, query.result
        return self._executor.body(query, values)

    def _close(self, shared: Shared) -> None:
        """Nobody joins any more: it is about those who wait now."""
        self._open = None if self._open is shared else self._open
        shared.asked = [*shared.reads]

    def _part(self, shared: Shared, reads: Iterable[Read]) -> Shared:
        """Takes reads out of a request into one of their own; what was sent does not count as an attempt of theirs."""
        part = Shared(self._operation)
        part.attempts, part.spent, part.again = shared.attempts - 1, shared.spent, True
        for one in reads:
            del shared.reads[one]
            part.reads[one], one.shared = None, part
        return part

    def _settle(self, shared: Shared, outcome: Any) -> None:
        """Hands out what came of it; reads that have no outcome then become parts of other requests."""
        accepted, self._in_company = True, len(shared.asked) > 1
        if not self._in_company:
            shared.asked[0].outcome = self._value(outcome)
            accepted = not isinstance(outcome, FailedAttempt)
        elif isinstance(outcome, FailedAttempt):
            accepted = self._take_apart(shared, outcome)
        else:
            for index, one in enumerate(shared.asked):
                if (alias := f"c{index}") in outcome:
                    one.outcome = outcome[alias]
            self._ask_again(shared, 1)
        if shared.halves is not None and shared.halves.both_accepted(len(shared.asked), accepted=accepted):
            self._reads.most = min(self._reads.most, shared.halves.size)
        shared.asked = []  # reads hold their request: no cycle is left to the garbage collector

    def _take_apart(self, shared: Shared, failed: FailedAttempt) -> bool:
        """What a failure says about each read; whether the server dealt with each of them."""
        count = len(shared.asked)
        answers = shared_request.lone_answers(failed, self._operation.fields[0].key, count)
        for one, answer in zip(shared.asked, answers, strict=True):
            if answer is not None:
                headers = shared_request.headers(failed)
                one.outcome = self._value(read(self._operation, Response(*answer, headers)))
        if any(answers):
            self._ask_again(shared, count)
            return True
        size, too_many = shared_request.smaller(failed, count)
        if not size:
            for one in shared.asked:
                one.outcome = failed
            return False
        self._size.too_many(count)
        self._ask_again(shared, size, shared_request.Halves() if too_many else None)
        return False

    def _ask_again(self, shared: Shared, size: int, halves: shared_request.Halves | None = None) -> None:
        """Puts the reads that have no outcome yet into requests of such a size."""
        left = [one for one in shared.reads if one.outcome is PENDING]
        for start in range(0, len(left), size):
            self._part(shared, left[start : start + size]).halves = halves
