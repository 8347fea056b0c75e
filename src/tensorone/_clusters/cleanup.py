"""A call that bills, and what follows when it goes wrong: shielded from cancellation, and bounded."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio

from tensorone._concurrency.shield import shielded
from tensorone._data.json import as_object
from tensorone._errors import OutcomeUnknown, QueryError, TensorOneError
from tensorone._events.cleanup import Setback
from tensorone._events.rentals import Rented, Resumed, Unknown
from tensorone._generated import Cluster
from tensorone._graphql import calls
from tensorone._market import on_demand_price
from tensorone._session.rented import record

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from decimal import Decimal

    from tensorone._delivery import Delivery
    from tensorone._generated import PlacedCluster
    from tensorone._session.rented import RentedCluster
    from tensorone._session.session import Session

    from .requests import BillableRequest


GRACE = 15.0  # seconds beyond the settling time that clean-up may take, for the requests themselves


async def billable(  # noqa: PLR0913 - what one call that bills is about
    session: Session,
    request: BillableRequest,
    key: str,
    hourly: Decimal | None,
    call: Callable[[], Awaitable[PlacedCluster]],
    *,
    what: str,
    undo: Callable[[], Awaitable[None]],
    delivery: Delivery,
    known: str | None = None,
) -> PlacedCluster:
    """Makes a call that bills: counted against every limit before, undone if it is interrupted.

    Args:
        session: The client's.
        request: What is sent.
        key: What it counts under: the token of a rental, or the cluster to resume.
        hourly: US dollars per hour; None if unknown, which fits no limit.
        call: What sends it.
        what: The call in words, for the log.
        undo: The clean-up where it is interrupted after its request began to leave, shielded and bounded.
        delivery: Whether its request began to leave.
        known: The cluster, where there is one already.

    Raises:
        SpendLimitReached: It would cross a limit; nothing was sent.
    """
    shown = hourly
    if not hourly and request.kind == "on_demand":  # nobody asked for it; it may have been read before
        count, cloud_type = request.gpu_count, request.cloud_type
        shown = on_demand_price.known(session, request.gpu_type_id, gpu_count=count, cloud_type=cloud_type) or hourly
    about = partial(
        record,
        token=None if known else key,
        gpu_type_id=request.gpu_type_id,
        gpu_count=request.gpu_count,
        kind=request.kind,
        hourly=shown,
    )

    async def guarded() -> PlacedCluster:
        try:
            with session.rentals.under_way(what):
                placed = await call()
        except BaseException as error:
            if delivery.begun and isinstance(error, (anyio.get_cancelled_exc_class(), KeyboardInterrupt)):
                session.rentals.unknown(key, about(key))
                await _undone(session, key, what, undo)
            elif isinstance(error, OutcomeUnknown):
                session.rentals.unknown(key, about(key))
                name, token = calls.name(request.operation), None if known else key
                session.events.emit(Unknown, call=name, client_token=token, cluster_id=known, text=str(error))
            raise
        session.rentals.add(made := about(placed.id))
        if not isinstance(placed, Cluster):  # one that was read, as after a lost answer, was told of as adopted
            _tell(session, request, placed, made)
        return placed

    return await session.spending.covering(
        key, hourly, guarded, operation=request.operation, delivery=delivery, known=known
    )


def _tell(session: Session, request: BillableRequest, placed: PlacedCluster, made: RentedCluster) -> None:
    session.events.emit(
        Resumed if made.client_token is None else Rented,
        call=calls.name(request.operation),
        cluster_id=placed.id,
        client_token=made.client_token,
        machine_id=placed.machine_id,
        gpu_type_id=made.gpu_type_id,
        gpu_count=made.gpu_count,
        kind=request.kind,
        usd_per_hour=made.usd_per_hour,
    )


async def _undone(session: Session, key: str, what: str, undo: Callable[[], Awaitable[None]]) -> None:
    """The clean-up, shielded and bounded; the log says what it is about, and what it leaves."""
    within = session.settle_time + GRACE

    async def work() -> None:
        await session.interruptions.begin(what, within=within)
        await undo()

    if not await shielded(work, within=within):
        ids = [each.cluster_id for each in session.rentals.records if key in (each.client_token, each.cluster_id)]
        left = f"cluster {ids[0]}" if ids else what
        session.interruptions.end(what, f"clean-up of {what} did not end in time", left=left)


def named_in(error: QueryError) -> str | None:
    """The id of the cluster that an answer with errors names in its data all the same."""
    for value in (as_object(error.data) or {}).values():
        cluster_id = (as_object(value) or {}).get("id")
        if isinstance(cluster_id, str):
            return cluster_id
    return None


async def state_of(session: Session, cluster_id: str) -> Cluster | None:
    """A cluster as it is now; None when it is not there or cannot be read."""
    cluster = await read(session, cluster_id)
    return None if isinstance(cluster, TensorOneError) else cluster


async def read(session: Session, cluster_id: str) -> Cluster | TensorOneError | None:
    """A cluster as it is now; None when it is not there, the error when it cannot be read."""
    try:
        return (await session.graphql.get_cluster(cluster_id)).cluster
    except TensorOneError as error:
        words = f"cluster {cluster_id} could not be read: {error}"
        session.events.emit(Setback, text=words, cluster_id=cluster_id, error_type=type(error).__name__)
        return error
