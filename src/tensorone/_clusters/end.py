"""Stopping and terminating: by a call that is safe to repeat, and by a clean-up that repeats until it succeeds."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import anyio

from tensorone import _checks
from tensorone._errors import ClusterNotFound, QueryError, TensorOneError
from tensorone._events.cleanup import Setback

if TYPE_CHECKING:
    from tensorone._generated import ClusterState
    from tensorone._session.session import Session

PERSISTENCE = 0.5  # seconds between attempts to end an unwanted cluster


async def stop(session: Session, cluster_id: str) -> ClusterState:
    """The request of `clusters.stop`."""
    _checks.cluster_id(cluster_id)
    state = (await session.graphql.stop_cluster(cluster_id)).cluster_stop
    if state is None:
        raise QueryError(
            "clusters.stop: the server answered null and gave no reason; read the cluster to see its state",
            operation="StopCluster",
            attempts=1,
            billing=f"cluster {cluster_id} may still run",
        )
    session.ended(cluster_id, "stop")
    return state


async def terminate(session: Session, cluster_id: str) -> None:
    """The request of `clusters.terminate`; a missing cluster is no error."""
    _checks.cluster_id(cluster_id)
    with suppress(ClusterNotFound):
        await session.graphql.terminate_cluster(cluster_id)
    session.ended(cluster_id, "terminate")


async def end(
    session: Session, cluster_id: str, how: Literal["stop", "terminate"] = "terminate", *, told: bool = True
) -> None:
    """Ends an unwanted cluster and repeats until it succeeds; the caller sets the time limit.

    Args:
        session: The client's.
        cluster_id: The cluster.
        how: Whether its volume stays.
        told: Whether that it ended is an event; not where the caller tells more.
    """
    told_of = ""
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
            words = f"cluster {cluster_id} is not {wanted} yet, trying again: {error}"
            if words != told_of:  # the same twice a second would bury the rest
                session.events.emit(Setback, text=words, cluster_id=cluster_id, error_type=type(error).__name__)
            told_of = words
            await anyio.sleep(PERSISTENCE)
        else:
            session.ended(cluster_id, how, told=told)
            return
