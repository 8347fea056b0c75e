"""Many operations at once: bounded width, outcomes in input order or as they come, no failure touching a sibling."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sized
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio

from tensorone import _checks
from tensorone._display.listing import Listing
from tensorone._events.emitter import PROCESS, emit_everywhere, wanted_everywhere
from tensorone._events.hooks import told
from tensorone._events.loops import Progress

from .workers import Workers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from typing import Self

    from .outcome import Outcome

__all__ = ["OutcomeStream", "fan_out", "stream_outcomes"]

T = TypeVar("T")

R = TypeVar("R")


async def fan_out(  # noqa: PLR0913 - each a keyword of its own
    op: Callable[[T], Awaitable[R]],
    items: Iterable[T] | AsyncIterable[T],
    *,
    limit: int = 32,
    on_progress: Callable[[int, int | None], object] | None = None,
    on_outcome: Callable[[Outcome[T, R]], object] | None = None,
    stop_after_failures: int | None = None,
) -> Listing[Outcome[T, R]]:
    """Runs an operation for every item, at most `limit` at once, and gathers what became of each.

    Items are read as they are needed, and only what runs has a task. An operation that raises ends as an outcome
    with an error; no other is cancelled for it. When reading the items, `on_progress` or `on_outcome` raises, nothing
    new is begun, what runs is finished, and then that error is raised. When the call is cancelled, so are the
    operations under way; those of this SDK that rent clean up, within a bound, before they end.

    Bills what the operation bills; what succeeded before a stop goes on being billed.

    Args:
        op: The operation, such as ``client.clusters.stop``.
        items: What to call it with, one by one; an iterable or an async iterable that ends.
        limit: Operations at once at most; the client's own limits hold besides.
        on_progress: Called after each outcome with the number of outcomes and of items, None while not known.
        on_outcome: Called with each outcome as it comes: what is known then is not lost if the call ends early. What
            was rented and handed to nobody is named in one warning then, and is in ``client.rented``.
        stop_after_failures: After so many failures no further item is started: the rest, read to its end, become
            outcomes with `NotStarted` as their error. What runs is finished. None never stops.

    Returns:
        One outcome per item, in the order of the items.

    Raises:
        InvalidArgument: `op` or a hook is no function, a hook is a coroutine function, which nothing would await,
                `items` is a string or a mapping, or a number is below 1.
    """
    checked(op, items, limit, stop_after_failures)
    tell_progress, tell_outcome = told("on_progress", on_progress, takes=2), told("on_outcome", on_outcome)
    total = len(items) if isinstance(items, Sized) else None
    outcomes: dict[int, Outcome[T, R]] = {}
    each_told, failed = wanted_everywhere(logging.DEBUG), 0

    async def keep(index: int, outcome: Outcome[T, R]) -> bool:
        nonlocal failed
        outcomes[index] = outcome
        failed += not outcome.ok
        if each_told:
            _tell(len(outcomes), failed, total, over=False)
        if tell_outcome is not None:
            tell_outcome(outcome)
        if tell_progress is not None:
            tell_progress(len(outcomes), total)
        return tell_outcome is not None

    workers = Workers(op, items, keep, limit=limit, stop_after_failures=stop_after_failures)
    with PROCESS.span("fan_out", items=total) as span:
        await _run(workers, "fan_out")
        span.add(items=len(outcomes), failed=failed)
    _tell(len(outcomes), failed, total, over=True)
    return Listing(outcomes[index] for index in range(len(outcomes)))


def _tell(done: int, failed: int, total: int | None, *, over: bool) -> None:
    """How far it is; the end of it at INFO."""
    level = logging.INFO if over else logging.DEBUG
    emit_everywhere(level, Progress, call="fan_out", done=done, failed=failed, total=total, over=over)


async def _run(workers: Workers[T, R], where: str) -> None:
    """Runs them to their end; what was made for an outcome that nobody has is reported if that comes early."""
    ended = False
    try:
        await workers.run()
        ended = workers.failure is None
    finally:
        if not ended:
            workers.report(where)
    if workers.failure is not None:
        raise workers.failure
    workers.hand_on()


def checked(op: object, items: object, limit: int, stop_after_failures: int | None) -> None:
    """Refuses what cannot be run over, and bounds that would let nothing happen."""
    _checks.operation("op", op)
    _checks.several("items", items)
    _checks.integer("limit", limit, least=1)
    if stop_after_failures is not None:
        _checks.integer("stop_after_failures", stop_after_failures, least=1)


class OutcomeStream(Generic[T, R]):
    """An async iterator of outcomes as they come; made by `stream_outcomes`, for one reader."""

    def __init__(self) -> None:
        self._ready: deque[tuple[Outcome[T, R], anyio.Event]] = deque()
        self._news = anyio.Event()
        self._ended = False
        self._failure: Exception | None = None

    @property
    def unread(self) -> list[Outcome[T, R]]:
        """Outcomes that nobody has read, also after the block was left: what they made exists, and is billed."""
        return [outcome for outcome, _ in self._ready]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome[T, R]:
        while not self._ready:
            if self._ended:
                self._raise_once()
                raise StopAsyncIteration
            await self._news.wait()
        outcome, taken = self._ready.popleft()
        taken.set()
        return outcome

    def _raise_once(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    async def deliver(self, _: int, outcome: Outcome[T, R]) -> bool:
        """Hands over one outcome, and returns once it was read: until then its worker begins nothing new."""
        taken = anyio.Event()
        self._ready.append((outcome, taken))
        self._tell()
        await taken.wait()
        return True

    def end(self, failure: Exception | None) -> None:
        """No outcome will come any more."""
        self._ended, self._failure = True, failure
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, anyio.Event()
        news.set()


@asynccontextmanager
async def stream_outcomes(
    op: Callable[[T], Awaitable[R]],
    items: Iterable[T] | AsyncIterable[T],
    *,
    limit: int = 32,
    stop_after_failures: int | None = None,
) -> AsyncGenerator[OutcomeStream[T, R]]:
    """Runs an operation for every item, and hands over what became of each as soon as that is known.

    ``async with stream_outcomes(client.clusters.stop, ids) as outcomes: async for outcome in outcomes: …``

    At most `limit` items are under way or waiting to be read; a slow reader slows the work, and items may be
    endless. Leaving the block early cancels what is under way: operations of this SDK that rent clean up, within
    a bound, before the block is left. What was done but not read is then in `.unread`, so that nothing rented is
    lost. When reading the items raises, what runs is finished and read, and then the iterator raises that error.

    Bills what the operation bills.

    Args:
        op: The operation, such as ``client.clusters.stop``.
        items: What to call it with, one by one; an iterable or an async iterable, read as needed.
        limit: Operations at once at most, outcomes that wait to be read included.
        stop_after_failures: After so many failures no further item is started: the rest become outcomes with
            `NotStarted` as their error. What runs is finished. None never stops.

    Yields:
        An async iterator of outcomes, in the order in which they come.

    Raises:
        InvalidArgument: `op` is no function, `items` is a string or a mapping, or a number is below 1.
    """
    checked(op, items, limit, stop_after_failures)
    stream: OutcomeStream[T, R] = OutcomeStream()
    workers = Workers(op, items, stream.deliver, limit=limit, stop_after_failures=stop_after_failures)
    failure: Exception | None = None

    async def work() -> None:
        try:
            await workers.run()
        finally:
            stream.end(workers.failure)

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(work)
            try:
                yield stream
            except Exception as error:  # noqa: BLE001 - raised below, outside the group, which would wrap it
                failure = error
            group.cancel_scope.cancel()
    finally:
        workers.report("stream_outcomes")  # what was read is not among it
    if failure is not None:
        raise failure
