"""Many operations at once: bounded width, outcomes in input order, no failure touching a sibling."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sized
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import anyio

from . import _checks

__all__ = ["Outcome", "fan_out"]

T = TypeVar("T")
R = TypeVar("R")
_END: Any = object()


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T, R]):
    """What became of one item.

    Attributes:
        item: The item.
        value: What the operation returned, or None.
        error: What it raised, or None.
    """

    item: T
    value: R | None = None
    error: Exception | None = None

    @property
    def ok(self) -> bool:
        """Whether the operation returned."""
        return self.error is None

    def unwrap(self) -> R:
        """The value; raises the error if there is one."""
        if self.error is not None:
            raise self.error
        return cast("R", self.value)


async def fan_out(
    op: Callable[[T], Awaitable[R]],
    items: Iterable[T] | AsyncIterable[T],
    *,
    limit: int = 32,
    on_progress: Callable[[int, int | None], object] | None = None,
) -> list[Outcome[T, R]]:
    """Runs an operation for every item, at most `limit` at once, and gathers what became of each.

    Items are read as they are needed. An operation that raises ends as an outcome with an error; no other is
    cancelled for it. When reading the items or `on_progress` itself raises, nothing new is begun, what runs is
    finished, and then that error is raised. When the call is cancelled, so are the operations under way; those
    of this SDK that rent clean up before they end.

    Args:
        op: The operation, such as ``client.clusters.stop``.
        items: What to call it with, one by one.
        limit: Operations at once at most; the client's own limits hold besides.
        on_progress: Called after each outcome with the number of outcomes and of items, None while not known.

    Returns:
        One outcome per item, in the order of the items.

    Raises:
        InvalidArgument: `limit` is below 1.
    """
    _checks.integer("limit", limit, least=1)
    run = _Run(op, items, on_progress)
    async with anyio.create_task_group() as group:
        for _ in range(limit if run.total is None else min(limit, run.total)):
            group.start_soon(run.work)
    if run.failure is not None:
        raise run.failure
    return [run.outcomes[index] for index in range(len(run.outcomes))]


class _Run(Generic[T, R]):
    """One call: the items left, and the outcomes so far."""

    def __init__(
        self,
        op: Callable[[T], Awaitable[R]],
        items: Iterable[T] | AsyncIterable[T],
        on_progress: Callable[[int, int | None], object] | None,
    ) -> None:
        self.total = len(items) if isinstance(items, Sized) else None
        self.outcomes: dict[int, Outcome[T, R]] = {}
        self.failure: Exception | None = None
        self._op = op
        self._source = aiter(items) if isinstance(items, AsyncIterable) else iter(items)
        self._reading = anyio.Lock()  # an async generator must not be asked twice at once
        self._taken = 0
        self._on_progress = on_progress

    async def work(self) -> None:
        """Takes one item after the other until none is left."""
        while self.failure is None:
            try:
                index, item = await self._next()
            except StopAsyncIteration:
                return
            except Exception as error:  # noqa: BLE001 - raised to the caller once the others are done
                self.failure = self.failure or error
                return
            self.outcomes[index] = await self._one(item)
            self._tell()

    async def _next(self) -> tuple[int, T]:
        async with self._reading:
            if isinstance(self._source, AsyncIterator):
                item = await anext(self._source)
            else:
                item = next(self._source, _END)
            if item is _END:
                raise StopAsyncIteration
            self._taken += 1
            return self._taken - 1, item

    async def _one(self, item: T) -> Outcome[T, R]:
        try:
            return Outcome(item, value=await self._op(item))
        except Exception as error:  # noqa: BLE001 - isolation is the point; the outcome holds it
            return Outcome(item, error=error)

    def _tell(self) -> None:
        if self._on_progress is None:
            return
        try:
            self._on_progress(len(self.outcomes), self.total)
        except Exception as error:  # noqa: BLE001 - raised to the caller once the others are done
            self.failure = self.failure or error
