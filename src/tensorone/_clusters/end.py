"""Stopping and terminating: by a call that is safe to repeat, and by a clean-up that repeats until it succeeds."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import anyio

from tensorone import _checks
from tensorone._errors import ClusterNotFound, QueryError, TensorOneError

if TYPE_CHECKING:
    from tensorone._generated import ClusterState
    from tensorone._session.session import Session

PERSISTENCE = 0.5  # seconds between attempts to end an unwanted cluster

logger = logging.getLogger("tensorone")


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
    session.ended(cluster_id)
    return state


async def terminate(session: Session, cluster_id: str) -> None:
    """The request of `clusters.terminate`; a missing cluster is no error."""
    _checks.cluster_id(cluster_id)
    with suppress(ClusterNotFound):
        await session.graphql.terminate_cluster(cluster_id)
    session.ended(cluster_id)


async def end(session: Session, cluster_id: str, how: Literal["stop", "terminate"] = "terminate") -> None:
    """Ends an unwanted cluster and repeats until it succeeds; the caller sets the time limit."""
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
            session.ended(cluster_id)
            return
