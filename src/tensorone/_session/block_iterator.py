"""An async iterator inside ``async with``, for one reader, without a task: it polls while it is asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio

from tensorone._errors import ConfigurationError
from tensorone._graphql import calls

from . import polling

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

T = TypeVar("T")


class BlockIterator(ABC, Generic[T]):
    """What is common to the iterators of the client: when to poll, what was not read yet, and how often polls failed.

    Everything happens while the iterator is asked, in `_advance`; interrupted there, nothing that is known is lost.
    """

    def __init__(self, every: float, *, made_by: str, unread: Iterable[T] = ()) -> None:
        self._every = every
        self._made_by = made_by
        self._unread = deque(unread)
        self._failures = 0
        self._open = False
        self._due = 0.0

    async def __aenter__(self) -> Self:
        self._open, self._due = True, anyio.current_time()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if not self._open:
            raise ConfigurationError(f"it works inside its block: async with client.{self._made_by}(…) as events")
        with calls.named(self._made_by):
            while not self._unread:
                await self._advance()
        return self._unread.popleft()

    @abstractmethod
    async def _advance(self) -> None:
        """One step, after which there may be something to read."""

    async def _poll_time(self) -> float:
        """Waits until the next poll is due; the moment since when an answer is new enough."""
        moment = max(self._due, polling.last_tick(anyio.current_time(), self._every))
        await polling.until(moment)
        return moment

    def _poll_next(self, *, stride: int = 1) -> None:
        """Sets the time of the next poll, so many intervals from now."""
        self._due = polling.next_tick(anyio.current_time(), self._every, stride=stride)
