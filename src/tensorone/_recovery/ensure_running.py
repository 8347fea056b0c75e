"""`clusters.ensure_running`: a cluster running again, where it is, and its container up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tensorone._clusters import wait
from tensorone._errors import NoCapacity
from tensorone._session import cluster_status

from .actions import RentElsewhere

if TYPE_CHECKING:
    from tensorone._generated import Cluster
    from tensorone._session.session import Session

    from .resume_in_place import Recovery


async def ensure_running(  # noqa: PLR0913 - what `clusters.ensure_running` was given
    recovery: Recovery, session: Session, *, end: float, least_gpus: int, port: int | None, every: float
) -> Cluster:
    """The loop behind `clusters.ensure_running`.

    Raises:
        NoCapacity: It runs with fewer GPUs than wanted, and is billed.
    """
    started = await recovery.run(end, until_up=True)
    assert not isinstance(started, RentElsewhere)  # noqa: S101 - the policy is to stay in place
    left = max(end - anyio.current_time(), 0.001)  # one look is due in any case
    cluster = await wait.wait_until(
        session, started.id, lambda seen: cluster_status.is_running(seen, port), timeout=left, every=every
    )
    if not recovery.without_gpus:
        _check_gpus(cluster, least_gpus)
    return cluster


def _check_gpus(cluster: Cluster, least: int) -> None:
    gpus = None if cluster.runtime is None else cluster.runtime.gpus
    if gpus is not None and len(gpus) < least:
        raise NoCapacity(
            f"cluster {cluster.id} runs with {len(gpus)} GPUs, fewer than the {least} wanted: its machine gave no more",
            operation="GetCluster",
            billing=f"cluster {cluster.id} runs and is billed; stop it, or go on with what it has",
        )
