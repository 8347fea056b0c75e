"""Waiting until a cluster is as wanted, on listings that all waiters of one client share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tensorone import _checks
from tensorone._errors import ClusterNotFound, TensorOneError, WaitTimedOut
from tensorone._generated import ClusterStatus
from tensorone._session.cluster_status import MISSES_UNTIL_GONE, STOPPED, is_running

if TYPE_CHECKING:
    from collections.abc import Callable

    from tensorone._generated import Cluster
    from tensorone._session.polling import Snapshot
    from tensorone._session.session import Session


async def wait_until(
    session: Session, cluster_id: str, predicate: Callable[[Cluster], bool], *, timeout: float, every: float
) -> Cluster:
    """The loop behind `clusters.wait_until`."""
    _checks.cluster_id(cluster_id)
    _checks.seconds("timeout", timeout)
    poller = session.poller(_checks.seconds("every", every))
    watched = _Watched(cluster_id, predicate)
    with anyio.move_on_after(timeout):
        await _first_look(session, watched)
        while not watched.over:
            await poller.wait(watched)
            if watched.missed:
                await _look_alone(session, watched)
    return watched.result(timeout)


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


async def _first_look(session: Session, watched: _Watched) -> None:
    """At once, by a listing that all who begin to wait now share."""
    try:
        snapshot = await session.listing.since(anyio.current_time())
    except TensorOneError as error:
        watched.on_failure(error)
    else:
        watched.on_snapshot(snapshot)
        if watched.missed:
            await _look_alone(session, watched)


async def _look_alone(session: Session, watched: _Watched) -> None:
    """What the listing does not hold: it may lag."""
    try:
        cluster = (await session.graphql.get_cluster(watched.id)).cluster
    except TensorOneError as error:
        watched.on_failure(error)
    else:
        watched.looked(cluster)


class _Watched:
    """One cluster under watch: what was seen last, what went wrong last, and whether that ends the wait.

    Attributes:
        id: The cluster.
        missed: Whether the latest listing did not hold it.
        over: Whether it is as wanted, or never will be.
    """

    def __init__(self, cluster_id: str, predicate: Callable[[Cluster], bool]) -> None:
        self.id = cluster_id
        self.missed = self.over = False
        self._predicate = predicate
        self._seen: Cluster | None = None
        self._misses = 0
        self._passing: TensorOneError | None = None
        self._final: Exception | None = None

    def on_snapshot(self, snapshot: Snapshot) -> bool:
        """A listing came; whether it is to be left, because the wait is over or the cluster to be read by itself."""
        cluster = snapshot.value.get(self.id)
        self.missed = cluster is None
        return self.missed or self.looked(cluster)

    def looked(self, cluster: Cluster | None) -> bool:
        """The cluster was read, or is not there; whether the wait is over."""
        self.missed, self._passing = False, None
        self._misses = 0 if cluster else self._misses + 1
        if cluster is not None:
            self._seen = cluster
            self._ask(cluster)
        elif self._misses >= MISSES_UNTIL_GONE:
            self._end(
                ClusterNotFound(
                    f"cluster {self.id} does not exist, or does no longer", operation="GetCluster", attempts=1
                )
            )
        return self.over

    def on_failure(self, error: TensorOneError) -> bool:
        """A look failed; whether the wait is over."""
        self.missed, self._passing = False, error
        if not error.retryable:
            self._end(error)
        return self.over

    def result(self, timeout: float) -> Cluster:
        """The cluster as it was wanted.

        Raises:
            WaitTimedOut: It is not, and the time is.
            TensorOneError: It never will be.
        """
        if self._final is not None:
            raise self._final
        if not self.over or self._seen is None:
            raise _unlike(self._seen, self.id, f"was not as wanted within {timeout:g} s", self._passing)
        return self._seen

    def _ask(self, cluster: Cluster) -> None:
        try:
            self.over = bool(self._predicate(cluster))
        except Exception as error:  # noqa: BLE001 - it is its caller's, and others wait on the same look
            self._end(error)

    def _end(self, error: Exception) -> None:
        self._final, self.over = error, True


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
