"""One listing of the account for all who wait for one: readers of the same clusters share their requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._generated import Cluster


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The account's clusters, as listed by a request that began at `asked_at`."""

    asked_at: float
    clusters: dict[str, Cluster]


class _Poll:
    """A listing under way, and what came of it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.asked_at = anyio.current_time()
        self.ended = anyio.Event()
        self.snapshot: Snapshot | None = None
        self.error: Exception | None = None


class Listing:
    """Shares listings without a task of its own: whoever waits first asks for all, and if cancelled, the next does."""

    def __init__(self, fetch: Callable[[], Awaitable[list[Cluster]]]) -> None:
        self._fetch = fetch
        self._poll: _Poll | None = None
        self._begun = 0

    async def fresh(self) -> Snapshot:
        """A listing that was asked for after this call began, whatever the clock's resolution.

        Raises:
            TensorOneError: The listing failed.
        """
        begun = self._begun
        return await self._share(lambda poll: poll.number > begun)

    async def since(self, moment: float) -> Snapshot:
        """A listing that was asked for at `moment` (of anyio's clock) or later.

        Raises:
            TensorOneError: The listing failed; everyone who shared it learns so.
        """
        return await self._share(lambda poll: poll.asked_at >= moment)

    async def _share(self, late_enough: Callable[[_Poll], bool]) -> Snapshot:
        while True:
            poll = self._poll
            if poll is None or (poll.ended.is_set() and not late_enough(poll)):
                self._begun += 1
                poll = self._poll = _Poll(self._begun)
                return await self._lead(poll)
            await poll.ended.wait()
            if late_enough(poll):
                if poll.snapshot is not None:
                    return poll.snapshot
                if poll.error is not None:
                    raise poll.error
            if self._poll is poll:
                self._poll = None  # its leader was cancelled, or it began too early: the first to wake asks anew

    async def _lead(self, poll: _Poll) -> Snapshot:
        try:
            clusters = await self._fetch()
        except Exception as error:
            poll.error = error
            raise
        else:
            poll.snapshot = Snapshot(poll.asked_at, {cluster.id: cluster for cluster in clusters})
            return poll.snapshot
        finally:
            poll.ended.set()


def next_tick(now: float, every: float) -> float:
    """The next moment on a grid that all with the same interval share, so that they look at the same time."""
    return (now // every + 1.0) * every


async def until(moment: float) -> None:
    """Sleeps until a moment of anyio's clock."""
    await anyio.sleep(max(0.0, moment - anyio.current_time()))
