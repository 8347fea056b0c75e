"""Waiting until a cluster reaches a wanted state, on listings that all waiters of one client share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

from tensorone import _checks
from tensorone._errors import ClusterNotFound, InvalidArgument, OperationUnsupported, TensorOneError, WaitTimedOut
from tensorone._events.spans import traced
from tensorone._generated import ClusterStatus, reading_ports
from tensorone._graphql import calls
from tensorone._session.cluster_status import MISSES_UNTIL_GONE, STOPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tensorone._generated import Cluster
    from tensorone._session.polling import Snapshot
    from tensorone._session.session import Session


LOOKS_AT_A_PORT = 2  # at a running container without it, before its cluster is asked for its ports


@traced("clusters.wait_until")
async def wait_until(
    session: Session, cluster_id: str, predicate: Callable[[Cluster], bool], *, timeout: float, every: float
) -> Cluster:
    """The call behind `clusters.wait_until`."""
    return await _until(session, cluster_id, predicate, timeout=timeout, every=every, call="clusters.wait_until")


async def _until(  # noqa: PLR0913 - what both kinds of waiting share
    session: Session,
    cluster_id: str,
    predicate: Callable[[Cluster], bool],
    *,
    timeout: float,
    every: float,
    call: str,
    left: float | None = None,
) -> Cluster:
    """The loop behind both kinds of waiting; `left`: the seconds that are left of `timeout`, if not all of them."""
    _checks.cluster_id(cluster_id)
    _checks.operation("predicate", predicate, what="a function, such as lambda cluster: cluster.runtime is not None")
    _checks.hook("predicate", predicate)
    _checks.seconds("timeout", timeout)
    poller = session.poller(_checks.interval("every", every))
    watched = _Watched(cluster_id, predicate)
    with anyio.move_on_after(timeout if left is None else left):
        await _first_poll(session, watched)
        while not watched.over:
            await poller.wait(watched)
            if watched.missed:
                await _read_directly(session, watched)
    with calls.named(call):
        return watched.result(timeout)


@traced("clusters.wait_until_running")
async def wait_until_up(  # noqa: PLR0913 - what `clusters.wait_until_running` was given
    session: Session, cluster_id: str, port: int | None, *, timeout: float, every: float, begun: bool = False
) -> Cluster:
    """The loop behind `clusters.wait_until_running`; `begun`: its start was accepted before.

    Raises:
        WaitTimedOut: It does not run in time, or was stopped while it started, which waiting cannot fix.
        InvalidArgument: It runs, and does not open the port.
    """
    start, call = _Start(port, begun=begun), "clusters.wait_until_running"
    end = anyio.current_time() + _checks.seconds("timeout", timeout)
    left = timeout
    while True:
        cluster = await _until(session, cluster_id, start.is_over, timeout=timeout, every=every, call=call, left=left)
        if port is None or not start.in_doubt:
            break
        start.asked = True
        with calls.named(call), _left_running(cluster_id):
            await check_port(session, cluster_id, port, end=end)
        left = max(end - anyio.current_time(), 0.001)  # one poll is due in any case
    if not start.up:
        raise _timed_out(cluster, cluster_id, "was stopped while it started, and will not start again by itself", None)
    return cluster


class _Start:
    """The start of one cluster, which ends with a running container or with a stop.

    A cluster that was only seen stopped may still be resumed by someone; one that was RUNNING before was preempted,
    or someone stopped it. A port that is not mapped at the second look at a running container may never be.

    Attributes:
        up: Whether it has started.
        asked: Whether the cluster was asked for the ports that it opens.
    """

    def __init__(self, port: int | None, *, begun: bool) -> None:
        self.up = self.asked = False
        self._port = port
        self._looks = 0
        self._begun = begun

    def is_over(self, cluster: Cluster) -> bool:
        """Whether there is nothing more to wait for."""
        self.up = is_running(cluster, self._port)
        self._looks = self._looks + 1 if is_running(cluster) else 0
        self._begun = self._begun or cluster.desired_status == ClusterStatus.RUNNING
        return self.up or self.in_doubt or (self._begun and cluster.desired_status in STOPPED)

    @property
    def in_doubt(self) -> bool:
        """Whether to ask, once, if the port is opened at all."""
        return not self.up and not self.asked and self._looks >= LOOKS_AT_A_PORT


@contextmanager
def _left_running(cluster_id: str) -> Generator[None]:
    try:
        yield
    except InvalidArgument as error:
        error.billing = _left(cluster_id)
        raise


def _left(cluster_id: str) -> str:
    return f"cluster {cluster_id} is left as it is, and is billed while it exists"


async def check_port(session: Session, cluster_id: str, port: int, *, end: float) -> None:
    """Refuses to wait for a port that a cluster does not open, where the server tells its ports.

    Raises:
        InvalidArgument: The port would never be mapped.
    """
    if session.ports_unsupported:
        return
    try:
        with anyio.CancelScope(deadline=end):
            found = await session.reads.one(reading_ports(), {"clusterId": cluster_id})
            ports: str = getattr(found, "ports", None) or ""  # the server says nothing of a cluster that is gone
            asked = [each.strip() for each in ports.split(",")]
            _checks.opened(port, [*filter(None, asked)], by=f"cluster {cluster_id}")
    except OperationUnsupported:
        session.ports_unsupported = True
    except InvalidArgument as error:
        error.operation, error.attempts = "GetClusterPorts", 1
        raise
    except TensorOneError:
        pass  # what reads the cluster next says what is wrong


async def _first_poll(session: Session, watched: _Watched) -> None:
    """The first poll, without a pause: one listing for all who begin to wait now."""
    try:
        snapshot = await session.listing.since(anyio.current_time())
    except TensorOneError as error:
        watched.on_failure(error)
    else:
        watched.on_snapshot(snapshot)
        if watched.missed:
            await _read_directly(session, watched)


async def _read_directly(session: Session, watched: _Watched) -> None:
    """Reads a cluster that the listing did not show, since a listing may lag."""
    try:
        cluster = (await session.graphql.get_cluster(watched.id)).cluster
    except TensorOneError as error:
        watched.on_failure(error)
    else:
        watched.on_read(cluster)


class _Watched:
    """One cluster that is waited for: what was seen last, what failed last, and whether that ends the wait.

    Attributes:
        id: The cluster.
        missed: Whether the latest listing did not show it.
        over: Whether it reached the wanted state, or never will.
    """

    def __init__(self, cluster_id: str, predicate: Callable[[Cluster], bool]) -> None:
        self.id = cluster_id
        self.missed = self.over = False
        self._predicate = predicate
        self._seen: Cluster | None = None
        self._misses = 0
        self._transient: TensorOneError | None = None
        self._final: Exception | None = None

    def on_snapshot(self, snapshot: Snapshot) -> bool:
        """A listing arrived. True if the wait is over, or the cluster must be read by itself."""
        cluster = snapshot.value.get(self.id)
        self.missed = cluster is None
        return self.missed or self.on_read(cluster)

    def on_read(self, cluster: Cluster | None) -> bool:
        """The cluster was read, or is missing. True if the wait is over."""
        self.missed, self._transient = False, None
        self._misses = 0 if cluster else self._misses + 1
        if cluster is not None:
            self._seen = cluster
            self._ask(cluster)
        elif self._misses >= MISSES_UNTIL_GONE:
            self._end(
                ClusterNotFound(
                    f"cluster {self.id} does not exist, or no longer exists", operation="GetCluster", attempts=1
                )
            )
        return self.over

    def on_failure(self, error: TensorOneError) -> bool:
        """A poll failed. True if the wait is over."""
        self.missed, self._transient = False, error
        if not error.retryable:
            self._end(error)
        return self.over

    def result(self, timeout: float) -> Cluster:
        """The cluster in the wanted state.

        Raises:
            WaitTimedOut: It did not reach the state in time.
            TensorOneError: It never will.
        """
        if self._final is not None:
            raise self._final
        if not self.over or self._seen is None:
            words = f"did not reach the wanted state within {timeout:g} s"
            raise _timed_out(self._seen, self.id, words, self._transient)
        return self._seen

    def _ask(self, cluster: Cluster) -> None:
        try:
            self.over = bool(_checks.answer("predicate", self._predicate, cluster))
        except Exception as error:  # noqa: BLE001 - raised to this waiter alone: others share the same poll
            self._end(error)

    def _end(self, error: Exception) -> None:
        self._final, self.over = error, True


def _timed_out(seen: Cluster | None, cluster_id: str, words: str, cause: TensorOneError | None) -> WaitTimedOut:
    state = "it was never seen" if seen is None else f"it was last seen {_described(seen)}"
    hint = "check the id" if seen is None else "wait again, or terminate it"
    error = WaitTimedOut(
        f"cluster {cluster_id} {words}: {state} ({hint})",
        operation="ListClusters",
        billing=None if seen is None else _left(cluster_id),
        last_seen=seen,
    )
    error.__cause__ = cause
    return error


def _described(cluster: Cluster) -> str:
    runtime = cluster.runtime
    if runtime is None:
        return f"{cluster.desired_status} without a runtime"
    ports = ", ".join(str(port.private_port) for port in runtime.ports or ()) or "none"
    return f"{cluster.desired_status} with a runtime and open ports: {ports}"


def is_running(cluster: Cluster, port: int | None = None) -> bool:
    """Whether the container is up: RUNNING alone is only the desired status."""
    if cluster.desired_status != ClusterStatus.RUNNING or cluster.runtime is None:
        return False
    return port is None or any(open_port.private_port == port for open_port in cluster.runtime.ports or ())
