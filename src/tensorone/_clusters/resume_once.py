"""Resuming at most once: one request, and when its answer is lost, the cluster's own state tells what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tensorone._delivery import Delivery
from tensorone._errors import ConfigurationError, OutcomeUnknown, QueryError, TensorOneError
from tensorone._events.rentals import Adopted, Lost
from tensorone._generated import ClusterStatus
from tensorone._graphql import calls
from tensorone._session import polling

from . import cleanup, reconcile

if TYPE_CHECKING:
    from decimal import Decimal

    from tensorone._generated import Cluster, PlacedCluster
    from tensorone._session.session import Session

    from .requests import BillableRequest


async def resume_once(
    session: Session,
    cluster_id: str,
    request: BillableRequest,
    *,
    hourly: Decimal | None,
    delivery: Delivery | None = None,
) -> PlacedCluster:
    """Sends one resume; when its answer is lost, the cluster's own state tells what happened.

    `delivery` learns whether the request began to leave.

    Raises:
        SpendLimitReached: It would cost more than is allowed.
        QueryError: The server answered null, which is no success.
        OutcomeUnknown: The answer was lost, and the cluster did not start within the settling time.
        TensorOneError: The server refused, or nothing was sent.
    """
    sent = Delivery() if delivery is None else delivery
    return await cleanup.billable(
        session,
        request,
        cluster_id,
        hourly,
        lambda: _resume(session, cluster_id, request, sent),
        what=_call(cluster_id),
        undo=lambda: _report(session, cluster_id),
        delivery=sent,
        known=cluster_id,
    )


async def _resume(session: Session, cluster_id: str, request: BillableRequest, delivery: Delivery) -> PlacedCluster:
    try:
        started = await request.send(session.tracked(delivery))
    except OutcomeUnknown as unknown:
        within, call = session.settle_time, calls.name(request.operation)
        session.events.emit(
            Lost, call=call, client_token=None, cluster_id=cluster_id, reason=str(unknown), within=within
        )
        cluster = await _found(session, cluster_id, request)
        if cluster is None or isinstance(cluster, TensorOneError):
            raise
        return cluster
    except QueryError as error:
        cluster = await _found(session, cluster_id, request) if cleanup.named_in(error) else None
        if cluster is None or isinstance(cluster, TensorOneError):
            raise
        return cluster
    if started is None:
        words = "the server answered null and gave no reason; read the cluster to see how it is"
        raise QueryError(
            f"{calls.name(request.operation)}: {words}",
            operation=request.operation,
            attempts=1,
            billing=f"cluster {cluster_id} may have been started",
        )
    return started


async def _found(session: Session, cluster_id: str, request: BillableRequest) -> Cluster | TensorOneError | None:
    """The cluster, where it started although no answer says so."""
    lost_at = anyio.current_time()
    cluster = await _started(session, cluster_id)
    if not isinstance(cluster, TensorOneError | None):
        took, call = anyio.current_time() - lost_at, calls.name(request.operation)
        session.events.emit(Adopted, call=call, cluster_id=cluster_id, client_token=None, seconds=took)
    return cluster


async def _started(session: Session, cluster_id: str) -> Cluster | TensorOneError | None:
    """The cluster, once it counts as running; None if it does not within the settling time.

    Where it cannot be read at the end of that, the error: nobody knows.
    """
    lost_at = anyio.current_time()
    while True:
        cluster = await cleanup.read(session, cluster_id)
        if isinstance(cluster, ConfigurationError):  # a client that is closed will see nothing later either
            return cluster
        if not isinstance(cluster, TensorOneError | None) and cluster.desired_status == ClusterStatus.RUNNING:
            return cluster
        now = anyio.current_time()
        if now >= lost_at + session.settle_time:
            return cluster if isinstance(cluster, TensorOneError) else None
        await polling.until(min(reconcile.next_look(lost_at, now), lost_at + session.settle_time))


def _call(cluster_id: str) -> str:
    return f"a resume of cluster {cluster_id}"


async def _report(session: Session, cluster_id: str) -> None:
    """Finds out and logs what a cancelled resume did."""
    cluster = await _started(session, cluster_id)
    if isinstance(cluster, TensorOneError):
        words = f"{_call(cluster_id)} was cancelled, and whether it has started could not be found out: {cluster}"
        session.interruptions.end(_call(cluster_id), words, left=f"cluster {cluster_id}")
    elif cluster is None:
        words = f"{_call(cluster_id)} was cancelled: it has not started {session.settle_time:g} s later"
        session.interruptions.end(_call(cluster_id), words, cluster_id=cluster_id)
    else:
        words = f"{_call(cluster_id)} was cancelled: it is running and billed"
        session.interruptions.end(_call(cluster_id), words, cluster_id=cluster_id, left=f"cluster {cluster_id}")
