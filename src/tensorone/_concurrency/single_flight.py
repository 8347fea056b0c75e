"""One answer for all who ask for the same thing at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


class Fetched(NamedTuple, Generic[T]):
    """What a request that began at `asked_at` brought."""

    asked_at: float
    value: T


class _Poll(Generic[T]):
    """A request under way, and what came of it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.asked_at = anyio.current_time()
        self.ended = anyio.Event()
        self.seen: Fetched[T] | None = None
        self.error: Exception | None = None


class SingleFlight(Generic[T]):
    """Shares requests without a task of its own: whoever waits first asks for all, and if cancelled, the next does."""

    def __init__(self, fetch: Callable[[], Awaitable[T]]) -> None:
        self._fetch = fetch
        self._poll: _Poll[T] | None = None
        self._begun = 0

    async def fresh(self) -> Fetched[T]:
        """An answer that was asked for after this call began, whatever the clock's resolution.

        Raises:
            TensorOneError: The request failed.
        """
        begun = self._begun
        return await self._share(lambda poll: poll.number > begun)

    async def since(self, moment: float) -> Fetched[T]:
        """An answer that was asked for at `moment` (of anyio's clock) or later.

        Raises:
            TensorOneError: The request failed. All who waited for it learn so, and who comes later asks again.
        """
        return await self._share(lambda poll: poll.asked_at >= moment)

    async def _share(self, late_enough: Callable[[_Poll[T]], bool]) -> Fetched[T]:
        while True:
            poll = self._poll
            if poll is None or (poll.ended.is_set() and (poll.seen is None or not late_enough(poll))):
                self._begun += 1
                poll = self._poll = _Poll(self._begun)
                return await self._lead(poll)
            await poll.ended.wait()
            if late_enough(poll):
                if poll.seen is not None:
                    return poll.seen
                if poll.error is not None:
                    raise poll.error
            if self._poll is poll:
                self._poll = None  # its leader was cancelled, or it began too early: the first to wake fetches again

    async def _lead(self, poll: _Poll[T]) -> Fetched[T]:
        try:
            value = await self._fetch()
        except Exception as error:
            poll.error = error
            raise
        else:
            poll.seen = Fetched(poll.asked_at, value)
            return poll.seen
        finally:
            poll.ended.set()
