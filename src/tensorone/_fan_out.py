"""Many operations at once: bounded width, outcomes in input order, no failure touching a sibling."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sized
from typing import TYPE_CHECKING, TypeVar

from . import _checks
from ._workers import Workers

if TYPE_CHECKING:
    from ._outcomes import Outcome

__all__ = ["fan_out"]

T = TypeVar("T")
R = TypeVar("R")


async def fan_out(
    op: Callable[[T], Awaitable[R]],
    items: Iterable[T] | AsyncIterable[T],
    *,
    limit: int = 32,
    on_progress: Callable[[int, int | None], object] | None = None,
    stop_after_failures: int | None = None,
) -> list[Outcome[T, R]]:
    """Runs an operation for every item, at most `limit` at once, and gathers what became of each.

    Items are read as they are needed, and only what runs has a task. An operation that raises ends as an outcome
    with an error; no other is cancelled for it. When reading the items or `on_progress` itself raises, nothing new
    is begun, what runs is finished, and then that error is raised. When the call is cancelled, so are the
    operations under way; those of this SDK that rent clean up, within a bound, before they end.

    Bills what the operation bills; what succeeded before a stop goes on being billed.

    Args:
        op: The operation, such as ``client.clusters.stop``.
        items: What to call it with, one by one; an iterable or an async iterable that ends.
        limit: Operations at once at most; the client's own limits hold besides.
        on_progress: Called after each outcome with the number of outcomes and of items, None while not known.
        stop_after_failures: After so many failures no further item is started: the rest, read to its end, become
            outcomes with `NotStarted` as their error. What runs is finished. None never stops.

    Returns:
        One outcome per item, in the order of the items.

    Raises:
        InvalidArgument: `limit` or `stop_after_failures` is below 1.
    """
    checked_bounds(limit, stop_after_failures)
    total = len(items) if isinstance(items, Sized) else None
    outcomes: dict[int, Outcome[T, R]] = {}

    async def keep(index: int, outcome: Outcome[T, R]) -> None:
        outcomes[index] = outcome
        if on_progress is not None:
            on_progress(len(outcomes), total)

    workers = Workers(op, items, keep, limit=limit, stop_after_failures=stop_after_failures)
    await workers.run()
    if workers.failure is not None:
        raise workers.failure
    return [outcomes[index] for index in range(len(outcomes))]


def checked_bounds(limit: int, stop_after_failures: int | None) -> None:
    """Refuses bounds that would let nothing happen."""
    _checks.integer("limit", limit, least=1)
    if stop_after_failures is not None:
        _checks.integer("stop_after_failures", stop_after_failures, least=1)
