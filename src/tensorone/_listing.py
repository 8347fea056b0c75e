"""One listing of the account for all who wait for one: readers of the same clusters share their requests."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import anyio

from ._shared import Shared

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._generated import Cluster
    from ._shared import Seen

    Snapshot = Seen[dict[str, Cluster]]
    """The account's clusters by id, and when they were asked for."""

SHARE = 5  # one part in so many of the time may go into looks
MOST_DOUBLINGS = 3  # of the interval, while looks fail


def listing(fetch: Callable[[], Awaitable[list[Cluster]]]) -> Shared[dict[str, Cluster]]:
    """Shared listings."""

    async def by_id() -> dict[str, Cluster]:
        return {cluster.id: cluster for cluster in await fetch()}

    return Shared(by_id)


def next_tick(now: float, every: float, *, stride: int = 1) -> float:
    """The next moment on a grid that all with the same interval share, so that they look at the same time."""
    return (now // every + stride) * every


def stride(took: float, every: float, *, failures: int) -> int:
    """After how many intervals to look again: a look that takes long, or fails, is not taken at once again. Pure.

    Args:
        took: Seconds that the latest look took; at most a fifth of all time goes into looks.
        every: Seconds of one interval.
        failures: Looks in a row that failed, each after repeats of its own; the first one may be an accident.
    """
    if failures:
        return 1 << min(failures - 1, MOST_DOUBLINGS)
    return max(1, math.ceil(SHARE * took / every))


def last_tick(now: float, every: float) -> float:
    """The latest moment of that grid that has come; a listing since then is as new as anyone's."""
    return now // every * every


async def until(moment: float) -> None:
    """Sleeps until a moment of anyio's clock."""
    await anyio.sleep(max(0.0, moment - anyio.current_time()))
