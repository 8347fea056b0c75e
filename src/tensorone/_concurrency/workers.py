"""Workers who share a source of items: bounded width, lazy reading, no failure touching a sibling."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio
from anyio.lowlevel import checkpoint, checkpoint_if_cancelled

from .outcome import NotStarted, Outcome
from .unreported import Unreported, collecting, note

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from .unreported import Reportable


T = TypeVar("T")

R = TypeVar("R")

TURN = 256  # items after which other tasks, and a cancellation, have their turn

NOT_STARTED = "not started: as many items had failed as were allowed to (call again with what was not started)"


class Workers(Generic[T, R]):
    """One run over the items.

    Attributes:
        failure: What reading the items or `deliver` raised; from then on nothing new is begun.
    """

    def __init__(
        self,
        op: Callable[[T], Awaitable[R]],
        items: Iterable[T] | AsyncIterable[T],
        deliver: Callable[[int, Outcome[T, R]], Awaitable[bool]],
        *,
        limit: int,
        stop_after_failures: int | None,
    ) -> None:
        self.failure: Exception | None = None
        self._op = op
        self._source = aiter(items) if isinstance(items, AsyncIterable) else iter(items)
        self._deliver = deliver
        self._spare = limit  # workers that may still be set to work
        self._failures_left = stop_after_failures
        # An async generator must not be asked twice at once; where none asks, workers stay in one turn of the loop.
        self._reading = anyio.Lock(fast_acquire=True)
        self._taken = 0
        self._made: dict[int, list[Reportable]] = {}

    async def run(self) -> None:
        """Works until no item is left; every task it starts has ended when it returns."""
        broken: Exception | None = None
        async with anyio.create_task_group() as group:
            if isinstance(self._source, AsyncIterator):
                self._hire(group)
            else:
                broken = self._hire_all(group, self._source)
        self.failure = self.failure or broken

    def _hire_all(self, group: TaskGroup, source: Iterator[T]) -> Exception | None:
        """Sets a worker to each of the first items in one turn of the event loop, so that their reads go together."""
        spare, self._spare = self._spare, 0
        try:
            for item in islice(source, spare):
                group.start_soon(self._work, group, self._numbered(item))
        except Exception as error:  # noqa: BLE001 - raised to the caller once what was read before it is done
            self._source = iter(())
            return error
        return None

    def _hire(self, group: TaskGroup) -> None:
        # No function of its own inside `run`: it would hold itself, and all outcomes, until cycles are collected.
        if self._spare > 0:
            self._spare -= 1
            group.start_soon(self._work, group)

    async def _work(self, group: TaskGroup, first: tuple[int, T] | None = None) -> None:
        """Takes one item after the other; with the first, calls the next worker: no more work than there is work."""
        try:
            while self.failure is None:
                index, item = first or await self._next()
                first = None
                self._hire(group)
                if await self._deliver(index, await self._outcome(index, item)):
                    self._made.pop(index, None)
        except StopAsyncIteration:
            return
        except Exception as error:  # noqa: BLE001 - raised to the caller once the others are done
            self.failure = self.failure or error
        except anyio.get_cancelled_exc_class() as error:
            await _unless_ours()
            self.failure = self.failure or _cut_off(error)

    async def _next(self) -> tuple[int, T]:
        if self._taken % TURN == 0:  # operations that never wait would keep the event loop to themselves
            await checkpoint()
        if isinstance(self._source, AsyncIterator):
            async with self._reading:
                return self._numbered(await anext(self._source))
        # No lock, which yields: workers that one response woke stay in one turn of the loop, and their reads together.
        for item in self._source:
            return self._numbered(item)
        raise StopAsyncIteration

    def _numbered(self, item: T) -> tuple[int, T]:
        self._taken += 1
        return self._taken - 1, item

    def report(self, where: str) -> None:
        """Reports what was made for outcomes that nobody has."""
        Unreported(self._made_so_far()).report(where)

    def hand_on(self) -> None:
        """The caller has all outcomes: what was made belongs to the call around it."""
        for made in self._made_so_far():
            note(made)

    def _made_so_far(self) -> list[Reportable]:
        made, self._made = self._made, {}
        return [one for index in sorted(made) for one in made[index]]

    async def _outcome(self, index: int, item: T) -> Outcome[T, R]:
        if self._failures_left == 0:
            return Outcome(item, error=NotStarted(NOT_STARTED))
        made = Unreported()
        try:
            with collecting(made):
                return Outcome(item, value=await self._op(item))
        except Exception as error:  # noqa: BLE001 - isolation is the point; the outcome holds it
            return Outcome(item, error=self._failed(error))
        except anyio.get_cancelled_exc_class() as error:
            await _unless_ours()
            return Outcome(item, error=self._failed(_cut_off(error)))
        finally:
            if made.made:
                self._made[index] = made.made

    def _failed(self, error: Exception) -> Exception:
        if self._failures_left:
            self._failures_left -= 1
        return error


async def _unless_ours() -> None:
    """Returns where a cancellation that came out of an operation is not one of the whole run, and raises else.

    asyncio's cancellation also comes out of whatever awaits a task that somebody else cancelled.
    """
    await checkpoint()  # where all tasks are cancelled one by one, it becomes one of the run by then
    await checkpoint_if_cancelled()


def _cut_off(cancellation: BaseException) -> Exception:
    error = RuntimeError("what it waited for was cancelled by something else")
    error.__cause__ = cancellation
    return error
