"""Waiting until a cluster is as wanted, on listings that all waiters of one client share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from . import _checks, _listing
from ._errors import ClusterNotFound, TensorOneError, WaitTimedOut
from ._generated import ClusterStatus
from ._markers import STOPPED

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._generated import Cluster
    from ._session import Session

MISSES = 2  # looks in a row that do not find the cluster: a single one is no proof that it is gone


async def wait_until(
    session: Session, cluster_id: str, predicate: Callable[[Cluster], bool], *, timeout: float, every: float
) -> Cluster:
    """The loop behind `clusters.wait_until`."""
    _checks.cluster_id(cluster_id)
    _checks.seconds("timeout", timeout)
    _checks.seconds("every", every)
    watched = _Watched(session, cluster_id)
    with anyio.move_on_after(timeout):
        moment = anyio.current_time()
        while True:
            await _listing.until(moment)
            cluster = await watched.look(moment)
            if cluster is not None and predicate(cluster):
                return cluster
            moment = _listing.next_tick(anyio.current_time(), every)
    raise watched.timed_out(f"was not as wanted within {timeout:g} s")


async def wait_until_up(  # noqa: PLR0913 - what `clusters.wait_until_running` was given
    session: Session, cluster_id: str, port: int | None, *, timeout: float, every: float, begun: bool = False
) -> Cluster:
    """The loop behind `clusters.wait_until_running`; `begun`: its start was accepted before.

    Raises:
        WaitTimedOut: It does not run in time, or it ran towards it and was stopped, which no wait mends.
    """
    start = _Start(port, begun=begun)
    cluster = await wait_until(session, cluster_id, start.is_over, timeout=timeout, every=every)
    if not start.up:
        raise _unlike(cluster, cluster_id, "was stopped while it started, and starts no more by itself", None)
    return cluster


class _Start:
    """The start of one cluster, which ends with a running container or with a stop.

    A cluster that was seen stopped only may yet be resumed by someone; one that was RUNNING before was taken away.
    """

    def __init__(self, port: int | None, *, begun: bool) -> None:
        self.up = False
        self._port = port
        self._begun = begun

    def is_over(self, cluster: Cluster) -> bool:
        """Whether there is nothing more to wait for."""
        self.up = is_running(cluster, self._port)
        self._begun = self._begun or cluster.desired_status == ClusterStatus.RUNNING
        return self.up or (self._begun and cluster.desired_status in STOPPED)


class _Watched:
    """One cluster under watch: what was seen last, and what went wrong last."""

    def __init__(self, session: Session, cluster_id: str) -> None:
        self._session = session
        self._id = cluster_id
        self._seen: Cluster | None = None
        self._misses = 0
        self._error: TensorOneError | None = None

    async def look(self, moment: float) -> Cluster | None:
        """The cluster now; None when a passing failure hid it."""
        try:
            cluster = await self._read(moment)
        except TensorOneError as error:
            if not error.retryable:
                raise
            self._error = error
            return None
        self._seen, self._error = cluster or self._seen, None
        self._misses = 0 if cluster else self._misses + 1
        if self._misses >= MISSES:
            raise ClusterNotFound(
                f"cluster {self._id} does not exist, or does no longer", operation="GetCluster", attempts=1
            )
        return cluster

    async def _read(self, moment: float) -> Cluster | None:
        snapshot = await self._session.listing.since(moment)
        return snapshot.value.get(self._id) or (await self._session.graphql.get_cluster(self._id)).cluster

    def timed_out(self, words: str) -> WaitTimedOut:
        """The error that says what was seen last."""
        return _unlike(self._seen, self._id, words, self._error)


def _unlike(seen: Cluster | None, cluster_id: str, words: str, cause: TensorOneError | None) -> WaitTimedOut:
    state = "it was never seen" if seen is None else f"it was last seen {_described(seen)}"
    error = WaitTimedOut(
        f"cluster {cluster_id} {words}: {state}",
        operation="ListClusters",
        billing=None if seen is None else f"cluster {cluster_id} goes on as it is, and is billed while it exists",
        last_seen=seen,
    )
    error.__cause__ = cause
    return error


def _described(cluster: Cluster) -> str:
    runtime = cluster.runtime
    if runtime is None:
        return f"{cluster.desired_status} without a runtime"
    ports = ", ".join(str(port.private_port) for port in runtime.ports or ()) or "none"
    return f"{cluster.desired_status} with a runtime and open ports {ports}"


def is_running(cluster: Cluster, port: int | None = None) -> bool:
    """Whether the container is up: RUNNING alone is only what the control plane aims at."""
    if cluster.desired_status != ClusterStatus.RUNNING or cluster.runtime is None:
        return False
    return port is None or any(open_port.private_port == port for open_port in cluster.runtime.ports or ())
