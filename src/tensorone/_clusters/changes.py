"""What changed between two polls of clusters, as typed events. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone._data.dataclass import dataclass
from tensorone._generated import Cluster, ClusterStatus, Port
from tensorone._session.cluster_status import MISSES_UNTIL_GONE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = ["Appeared", "Change", "Gone", "PortsChanged", "RuntimeDown", "RuntimeUp", "StatusChanged"]


@dataclass(frozen=True, slots=True)
class Change:
    """A difference between one poll and the one before.

    Attributes:
        cluster_id: The cluster.
    """

    cluster_id: str


@dataclass(frozen=True, slots=True)
class Appeared(Change):
    """A cluster exists: it did at the first poll, or is new since. It is billed if it runs.

    Attributes:
        cluster: As it was found. What it already has, such as a runtime, gets no event of its own.
    """

    cluster: Cluster


@dataclass(frozen=True, slots=True)
class StatusChanged(Change):
    """The cluster's desired status changed.

    Attributes:
        cluster: As it is now.
        before: The status before.
        after: The status now.
    """

    cluster: Cluster
    before: ClusterStatus
    after: ClusterStatus


@dataclass(frozen=True, slots=True)
class RuntimeUp(Change):
    """Its container runs.

    Attributes:
        cluster: As it is now.
        restarted: Whether another container ran at the poll before, and ended in between.
    """

    cluster: Cluster
    restarted: bool = False


@dataclass(frozen=True, slots=True)
class RuntimeDown(Change):
    """Its container no longer runs; while the status is RUNNING, the cluster is still billed.

    Attributes:
        cluster: As it is now.
    """

    cluster: Cluster


@dataclass(frozen=True, slots=True)
class PortsChanged(Change):
    """Port mappings were added, removed or changed; also reported when the container starts or ends.

    Attributes:
        cluster: As it is now, with all its ports.
        opened: New mappings.
        closed: Removed mappings.
    """

    cluster: Cluster
    opened: tuple[Port, ...]
    closed: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class Gone(Change):
    """A cluster is TERMINATED, or was missing from two listings in a row; it is no longer billed.

    Attributes:
        last_seen: The cluster as last seen; None for a named cluster that was never listed.
    """

    last_seen: Cluster | None


@dataclass(frozen=True, slots=True)
class Known:
    """What a watcher knows about one cluster: its last state, or None if absent, and the polls that missed it."""

    cluster: Cluster | None = None
    misses: int = 0


_UNKNOWN = Known(misses=MISSES_UNTIL_GONE)  # never seen, so its absence is not an event


def diff(
    before: Mapping[str, Known], listed: Mapping[str, Cluster], named: Collection[str] | None
) -> tuple[dict[str, Known], list[Change]]:
    """What is known after one more listing, and what changed.

    Args:
        before: What was known; empty at first.
        listed: The clusters of the account by id.
        named: The clusters to watch; None for all.
    """
    after: dict[str, Known] = {}
    changes: list[Change] = []
    for cluster_id in dict.fromkeys((*listed, *before)) if named is None else named:
        known = before.get(cluster_id, _UNKNOWN if named is None else Known())
        after[cluster_id], news = _next(cluster_id, known, listed.get(cluster_id))
        changes += news
    if named is None:  # clusters reported as gone would accumulate
        after = {cluster_id: known for cluster_id, known in after.items() if known.misses < MISSES_UNTIL_GONE}
    return after, changes


def _next(cluster_id: str, known: Known, now: Cluster | None) -> tuple[Known, list[Change]]:
    if now is not None and now.desired_status != ClusterStatus.TERMINATED:
        if known.cluster is None:
            return Known(now), [Appeared(cluster_id, now)]
        return Known(now), list(_changes(known.cluster, now))
    misses = MISSES_UNTIL_GONE if now is not None else min(known.misses + 1, MISSES_UNTIL_GONE)
    if misses < MISSES_UNTIL_GONE:
        return Known(known.cluster, misses), []
    return _UNKNOWN, [] if known.misses == MISSES_UNTIL_GONE else [Gone(cluster_id, now or known.cluster)]


def _changes(before: Cluster, after: Cluster) -> Iterator[Change]:
    if before.desired_status != after.desired_status:
        yield StatusChanged(after.id, after, before.desired_status, after.desired_status)
    if after.runtime is not None and (before.runtime is None or _restarted(before, after)):
        yield RuntimeUp(after.id, after, restarted=before.runtime is not None)
    if before.runtime is not None and after.runtime is None:
        yield RuntimeDown(after.id, after)
    had, has = _ports(before), _ports(after)
    opened = tuple(port for port in has if port not in had)
    closed = tuple(port for port in had if port not in has)
    if opened or closed:
        yield PortsChanged(after.id, after, opened, closed)


def _restarted(before: Cluster, after: Cluster) -> bool:
    """Whether the uptime went backwards, which means another container."""
    was, is_now = _uptime(before), _uptime(after)
    return was is not None and is_now is not None and is_now < was


def _uptime(cluster: Cluster) -> int | None:
    return None if cluster.runtime is None else cluster.runtime.uptime_in_seconds


def _ports(cluster: Cluster) -> list[Port]:
    return [] if cluster.runtime is None else cluster.runtime.ports or []
