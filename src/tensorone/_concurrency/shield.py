"""Work that a cancellation does not end at once: clean-up, and what is under way."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def shielded(work: Callable[[], Awaitable[None]], *, within: float) -> bool:
    """Runs clean-up that no cancellation ends, for a bounded time; whether it was done, which the caller tells.

    The shield holds off scopes. A task of asyncio may be cancelled beside them, and more than once: then the
    clean-up, which may be done twice, starts again.
    """
    deadline = anyio.current_time() + within
    done = False
    while not done and anyio.current_time() < deadline:
        with suppress(anyio.get_cancelled_exc_class()), anyio.CancelScope(deadline=deadline, shield=True):
            await work()
            done = True
    return done


async def finished(work: Callable[[anyio.CancelScope], Awaitable[None]], *, within: float) -> None:
    """Runs work that a cancellation does not end at once: it may finish what is under way, for a bounded time.

    Args:
        work: Called with its scope, whose deadline is finite once there is a cancellation: begin nothing then.
        within: Seconds from then on, after which the work is cancelled too.
    """
    scope, done = anyio.CancelScope(shield=True), anyio.Event()
    failures: list[Exception] = []

    async def run() -> None:
        try:
            with scope:
                await work(scope)
        except Exception as error:  # noqa: BLE001 - raised below, outside the group, which would wrap it
            failures.append(error)
        finally:
            done.set()

    async with anyio.create_task_group() as group:
        group.start_soon(run)  # a task of its own: one of asyncio may be cancelled beside all scopes, as wait_for does
        try:
            await done.wait()
        except anyio.get_cancelled_exc_class():
            scope.deadline = anyio.current_time() + within
            with anyio.CancelScope(shield=True):
                while not done.is_set():
                    with suppress(anyio.get_cancelled_exc_class()):
                        await done.wait()
            raise
    if failures:
        raise failures[0]
