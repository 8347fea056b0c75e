"""One listing of the account for all who wait for one: readers of the same clusters share their requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from ._shared import Shared

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._generated import Cluster
    from ._shared import Seen

    Snapshot = Seen[dict[str, Cluster]]
    """The account's clusters by id, and when they were asked for."""


def listing(fetch: Callable[[], Awaitable[list[Cluster]]]) -> Shared[dict[str, Cluster]]:
    """Shared listings."""

    async def by_id() -> dict[str, Cluster]:
        return {cluster.id: cluster for cluster in await fetch()}

    return Shared(by_id)


def next_tick(now: float, every: float) -> float:
    """The next moment on a grid that all with the same interval share, so that they look at the same time."""
    return (now // every + 1.0) * every


def last_tick(now: float, every: float) -> float:
    """The latest moment of that grid that has come; a listing since then is as new as anyone's."""
    return now // every * every


async def until(moment: float) -> None:
    """Sleeps until a moment of anyio's clock."""
    await anyio.sleep(max(0.0, moment - anyio.current_time()))
