"""What a cluster's status means: running, stopped, starting, missing, lost. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone._generated import ClusterStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorone._generated import Cluster, ClusterState


STOPPED = frozenset({ClusterStatus.EXITED, ClusterStatus.DEAD, ClusterStatus.TERMINATED})

STARTING = frozenset({ClusterStatus.CREATED, ClusterStatus.RESTARTING})  # a start is under way; nothing is to be sent

MISSES_UNTIL_GONE = 2  # successful reads in a row without the cluster: a single one does not prove that it is gone


def lost(
    won: Mapping[str, float], shown: Mapping[str, Cluster], *, asked_at: float, settle_time: float
) -> frozenset[str]:
    """Which of the clusters won no longer run.

    Args:
        won: When each was won, by its id.
        shown: The account's clusters by id.
        asked_at: When the listing was requested, by the same clock.
        settle_time: Seconds for which a listing may lag; until then a missing cluster may still run.
    """
    stopped = {name for name in won if name in shown and shown[name].desired_status in STOPPED}
    missing = {name for name, at in won.items() if name not in shown and asked_at >= at + settle_time}
    return frozenset(stopped | missing)


def is_active(cluster: ClusterState) -> bool:
    """Whether it runs or is about to, and is billed."""
    return cluster.desired_status == ClusterStatus.RUNNING or cluster.desired_status in STARTING
