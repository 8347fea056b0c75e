"""Waiting for a state of a cluster that a person named."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tensorone._cli._output.failures import failed
from tensorone._errors import ClusterNotFound

if TYPE_CHECKING:
    from tensorone import Cluster, TensorOne

GOALS = "up, port:8888, exited or gone"
_STOPPED = {"EXITED", "DEAD", "TERMINATED"}


def checked(goal: str) -> str:
    """A goal of `wait`.

    Raises:
        CommandFailed: It is none.
    """
    if goal not in {"up", "exited", "gone"} and not re.fullmatch(r"port:[1-9]\d{0,4}", goal):
        raise failed("invalid_argument", f"--for {goal}: wait for {GOALS}")
    return goal


async def until(client: TensorOne, cluster_id: str, goal: str, *, timeout: float) -> Cluster | None:
    """Waits for it; None where it is gone, as wanted.

    Raises:
        WaitTimedOut: It did not come in time.
        TensorOneError: A poll failed for good.
    """
    if goal == "up":
        return await client.clusters.wait_until_running(cluster_id, timeout=timeout, every=2.0)
    if goal.startswith("port:"):
        port = int(goal.partition(":")[2])
        return await client.clusters.wait_until_running(cluster_id, timeout=timeout, port=port, every=2.0)
    try:
        return (
            await client.clusters.wait_until(
                cluster_id, lambda seen: str(seen.desired_status) in _STOPPED, timeout=timeout, every=2.0
            )
            if goal == "exited"
            else await client.clusters.wait_until(cluster_id, lambda _: False, timeout=timeout, every=2.0)
        )
    except ClusterNotFound:
        return None  # gone is gone, and exited too
