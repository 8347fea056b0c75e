"""Ending expired clusters, from a process that knows nothing but the account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from tensorone import _checks
from tensorone._concurrency.fan_out import fan_out
from tensorone._data.dataclass import dataclass
from tensorone._errors import ClusterNotFound, TensorOneError
from tensorone._events.spans import traced
from tensorone._generated import Cluster, ClusterStatus
from tensorone._graphql import calls
from tensorone._session import token_and_expiry
from tensorone._session.cluster_status import STOPPED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tensorone._session.session import Session

__all__ = ["Reaped"]

Action = Literal["stop", "terminate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaped:
    """An expired cluster.

    Attributes:
        cluster: The cluster as it was listed.
        expired_at: When it expired.
        done: Whether it was stopped or terminated; False in a dry run.
        error: Why ending it failed, or None.
    """

    cluster: Cluster
    expired_at: datetime
    done: bool
    error: TensorOneError | None = None


def expired(clusters: Iterable[Cluster], now: datetime, action: Action) -> list[tuple[Cluster, datetime]]:
    """The clusters that are expired and that the action would change. Pure."""
    return [
        (cluster, deadline)
        for cluster in clusters
        if (deadline := token_and_expiry.expiry(cluster.env)) is not None
        and deadline <= now
        and cluster.desired_status != ClusterStatus.TERMINATED
        and (action == "terminate" or cluster.desired_status not in STOPPED)
    ]


@traced("clusters.reap")
async def reap(session: Session, *, action: Action, dry_run: bool) -> list[Reaped]:
    """The loop behind `clusters.reap`."""
    _checks.one_of("action", action, Action)
    _checks.flag("dry_run", dry_run)
    with calls.named("clusters.reap"):
        due = expired(await session.clusters(), datetime.now(UTC), action)
    if dry_run:
        return [Reaped(cluster=cluster, expired_at=deadline, done=False) for cluster, deadline in due]
    end = session.graphql.stop_cluster if action == "stop" else session.graphql.terminate_cluster

    async def one(item: tuple[Cluster, datetime]) -> Reaped:
        cluster, deadline = item
        try:
            await end(cluster.id)
        except ClusterNotFound:
            pass  # it no longer exists, as wanted
        except TensorOneError as error:
            return Reaped(cluster=cluster, expired_at=deadline, done=False, error=error)
        session.ended(cluster.id, action)
        return Reaped(cluster=cluster, expired_at=deadline, done=True)

    return [outcome.unwrap() for outcome in await fan_out(one, due)]
