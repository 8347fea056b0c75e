"""After a call that costs money went wrong: finding out what there is, beyond the reach of cancellation."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

import anyio

from tensorone._concurrency.shield import shielded
from tensorone._errors import QueryError, TensorOneError
from tensorone._json import as_object

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tensorone._delivery import Delivery
    from tensorone._generated import Cluster
    from tensorone._session.session import Session


GRACE = 15.0  # seconds beyond the settling time that clean-up may take, for the requests themselves

T = TypeVar("T")

logger = logging.getLogger("tensorone")


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
