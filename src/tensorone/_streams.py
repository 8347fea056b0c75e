"""Many operations at once, each outcome handed over as soon as it is there, and no faster than it is taken."""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio

from ._fan_out import checked_bounds
from ._workers import Workers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
    from typing import Self

    from ._outcomes import Outcome

__all__ = ["OutcomeStream", "stream_outcomes"]

T = TypeVar("T")
R = TypeVar("R")


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

    async def deliver(self, _: int, outcome: Outcome[T, R]) -> None:
        """Hands over one outcome, and returns once it was read: until then its worker begins nothing new."""
        taken = anyio.Event()
        self._ready.append((outcome, taken))
        self._tell()
        await taken.wait()

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
        InvalidArgument: `limit` or `stop_after_failures` is below 1.
    """
    checked_bounds(limit, stop_after_failures)
    stream: OutcomeStream[T, R] = OutcomeStream()
    workers = Workers(op, items, stream.deliver, limit=limit, stop_after_failures=stop_after_failures)
    failure: Exception | None = None

    async def work() -> None:
        try:
            await workers.run()
        finally:
            stream.end(workers.failure)

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        try:
            yield stream
        except Exception as error:  # noqa: BLE001 - raised below, outside the group, which would wrap it
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
