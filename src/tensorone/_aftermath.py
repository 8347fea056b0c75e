"""After a call that costs money went wrong: finding out what there is, beyond the reach of cancellation."""

from __future__ import annotations

import logging
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeVar

import anyio

from ._errors import ClusterNotFound, QueryError, TensorOneError
from ._json import as_object
from ._transport import Delivery

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._generated import Cluster
    from ._session import Session

GRACE = 15.0  # seconds beyond the settling time that clean-up may take, for the requests themselves
PERSISTENCE = 0.5  # seconds between attempts to terminate what nobody wants

T = TypeVar("T")

logger = logging.getLogger("tensorone")


class Followed(Delivery):
    """A delivery under a deadline: a request that began to leave is followed to its end, and nothing else is.

    The scope's deadline rests from the first byte on, until `begun` is set back: the executor does so before it
    sends again what was refused, and whoever searches on before the next step.

    Attributes:
        sent: Whether it ever began to leave.
    """

    __slots__ = ("_deadline", "_left", "_scope", "sent")

    def __init__(self, scope: anyio.CancelScope) -> None:
        self.sent = False
        self._scope = scope
        self._deadline = scope.deadline
        super().__init__()

    @property
    def begun(self) -> bool:
        """Whether the body of the request began to leave."""
        return self._left

    @begun.setter
    def begun(self, value: bool) -> None:
        self._left = value
        self.sent = self.sent or value
        self._scope.deadline = math.inf if value else self._deadline


async def guarded(
    session: Session,
    call: Callable[[Delivery], Awaitable[T]],
    *,
    undo: Callable[[], Awaitable[None]],
    delivery: Delivery,
) -> T:
    """Runs a call that costs money; interrupted after its request began to leave, it is undone before that goes on."""
    try:
        return await call(delivery)
    except BaseException as error:
        if delivery.begun and isinstance(error, (anyio.get_cancelled_exc_class(), KeyboardInterrupt)):
            await shielded(undo, within=session.settle_time + GRACE)
        raise


async def shielded(work: Callable[[], Awaitable[None]], *, within: float) -> bool:
    """Runs clean-up that no cancellation ends, for a bounded time; whether it was done in that time.

    The shield holds off scopes. A task of asyncio may be cancelled beside them, and more than once: then the
    clean-up, which may be done twice, begins anew.
    """
    deadline = anyio.current_time() + within
    done = False
    while not done and anyio.current_time() < deadline:
        with suppress(anyio.get_cancelled_exc_class()), anyio.CancelScope(deadline=deadline, shield=True):
            await work()
            done = True
    if not done:
        logger.warning("clean-up took longer than %g s and was left", within)
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


async def end(session: Session, cluster_id: str, how: Literal["stop", "terminate"] = "terminate") -> None:
    """Ends a cluster that nobody wants, however often that takes; whoever calls sets the bound."""
    while True:
        try:
            if how == "stop":
                await session.graphql.stop_cluster(cluster_id)
            else:
                await session.graphql.terminate_cluster(cluster_id)
        except ClusterNotFound:
            return
        except TensorOneError as error:
            wanted = "stopped" if how == "stop" else "terminated"
            logger.warning("cluster %s is not %s yet: %s", cluster_id, wanted, error)
            await anyio.sleep(PERSISTENCE)
        else:
            session.spending.ended(cluster_id)
            return


def named_in(error: QueryError) -> str | None:
    """The id of the cluster that an answer with errors names in its data all the same."""
    for value in (as_object(error.data) or {}).values():
        cluster_id = (as_object(value) or {}).get("id")
        if isinstance(cluster_id, str):
            return cluster_id
    return None


async def state_of(session: Session, cluster_id: str) -> Cluster | None:
    """A cluster as it is now; None when it is not there or the look fails."""
    try:
        return (await session.graphql.get_cluster(cluster_id)).cluster
    except TensorOneError as error:
        logger.warning("a look at cluster %s failed: %s", cluster_id, error)
        return None
