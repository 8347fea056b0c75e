"""`clusters.ensure_running`: a cluster running again, where it is, and its container up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tensorone import _checks
from tensorone._clusters import wait
from tensorone._errors import InvalidArgument, NoCapacity
from tensorone._events.spans import traced
from tensorone._graphql import calls
from tensorone._market.attempt_log import AttemptLog
from tensorone._market.bidding import checked_bidding

from .actions import RentElsewhere
from .policy import Resumable, ResumePolicy, checked_wait
from .resume_in_place import Recovery

if TYPE_CHECKING:
    from collections.abc import Callable

    from tensorone._generated import Cluster
    from tensorone._market.attempt_log import Attempt
    from tensorone._market.bidding import BidPolicy
    from tensorone._session.session import Session


@traced("clusters.ensure_running")
async def ensure_running(  # noqa: PLR0913 - what `clusters.ensure_running` was given
    session: Session,
    cluster_id: str,
    *,
    gpu_count: int,
    timeout: float,
    bidding: BidPolicy | None,
    gpu_type_id: str | None,
    wait_for_gpus: float,
    start_without_gpus: bool,
    min_gpu_count: int | None,
    port: int | None,
    every: float,
    on_attempt: Callable[[Attempt], object] | None,
) -> Cluster:
    """Resumes it if it is stopped, and waits for its container.

    Raises:
        NoCapacity: It runs with fewer GPUs than wanted, and is billed.
    """
    _checks.cluster_id(cluster_id)
    if port is not None:
        _checks.port_number("port", port)
    if bidding is not None:
        checked_bidding(bidding)
    if bidding is not None or gpu_type_id is not None:
        _checks.text("gpu_type_id", gpu_type_id)
    _checks.seconds("timeout", timeout)
    least = _checks.integer("gpu_count", gpu_count, least=0)
    if min_gpu_count is not None:
        least = _checks.integer("min_gpu_count", min_gpu_count, least=0)
    if least > gpu_count:
        raise InvalidArgument("min_gpu_count", f"{least} is more than gpu_count={gpu_count}")
    if least == 0 < gpu_count and not start_without_gpus:
        words = "0 would take a cluster without GPUs: pass start_without_gpus=True if that is wanted, else at least 1"
        raise InvalidArgument("min_gpu_count", words)
    policy = ResumePolicy(bidding=bidding, wait_for_gpus=wait_for_gpus, start_without_gpus=start_without_gpus)
    recovery = Recovery(
        session,
        Resumable(cluster_id=cluster_id, status=None, gpu_count=gpu_count),
        checked_wait(policy, timeout),
        gpu_type_id=gpu_type_id,
        every=_checks.interval("every", every),
        log=AttemptLog(on_attempt, events=session.events, call="clusters.ensure_running"),
    )
    end = anyio.current_time() + timeout
    if port is not None:
        await wait.check_port(session, cluster_id, port, end=end)
    started = await recovery.run(end, until_up=True)
    assert not isinstance(started, RentElsewhere)  # noqa: S101 - the policy is to stay in place
    cluster = await _up(session, started.id, port, end=end, every=every)
    if not recovery.without_gpus:
        _check_gpus(cluster, least)
    return cluster


async def _up(session: Session, cluster_id: str, port: int | None, *, end: float, every: float) -> Cluster:
    left = max(end - anyio.current_time(), 0.001)  # one poll is due in any case
    with calls.named("clusters.ensure_running"):
        return await wait.wait_until(
            session, cluster_id, lambda seen: wait.is_running(seen, port), timeout=left, every=every
        )


def _check_gpus(cluster: Cluster, least: int) -> None:
    gpus = None if cluster.runtime is None else cluster.runtime.gpus
    if gpus is not None and len(gpus) < least:
        raise NoCapacity(
            f"cluster {cluster.id} runs with {len(gpus)} GPUs, fewer than the {least} wanted: its machine gave no more",
            operation="GetCluster",
            billing=f"cluster {cluster.id} runs and is billed; stop it, or go on with what it has",
        )
