"""After a call that costs money went wrong: finding out what there is, beyond the reach of cancellation."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio

from ._errors import QueryError, TensorOneError
from ._json import as_object

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._generated import Cluster
    from ._session import Session

GRACE = 10.0  # seconds beyond the settling time that clean-up may take, for the requests themselves

logger = logging.getLogger("tensorone")


def is_interrupt(error: BaseException) -> bool:
    """Whether the call was ended from outside, by cancellation or by the keyboard."""
    return isinstance(error, (anyio.get_cancelled_exc_class(), KeyboardInterrupt))


async def shielded(work: Callable[[], Awaitable[None]], *, within: float) -> None:
    """Runs clean-up for a bounded time; its own failure is logged, so that it does not hide the first error."""
    with anyio.move_on_after(within, shield=True) as scope:
        try:
            await work()
        except TensorOneError as error:
            logger.warning("clean-up after a cancelled call: %s", error)
    if scope.cancelled_caught:
        logger.warning("clean-up after a cancelled call took longer than %g s and was left", within)


async def named_in(session: Session, error: QueryError) -> Cluster | None:
    """The cluster that an answer with errors names in its data all the same, if it can be read."""
    for value in (as_object(error.data) or {}).values():
        cluster_id = (as_object(value) or {}).get("id")
        if isinstance(cluster_id, str):
            return await state_of(session, cluster_id)
    return None


async def state_of(session: Session, cluster_id: str) -> Cluster | None:
    """A cluster as it is now; None when it is not there or the look fails."""
    try:
        return (await session.graphql.get_cluster(cluster_id)).cluster
    except TensorOneError as error:
        logger.warning("a look at cluster %s failed: %s", cluster_id, error)
        return None
