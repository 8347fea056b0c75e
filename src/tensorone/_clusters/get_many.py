"""Reading one cluster, and many by few requests: batches side by side, each fetched again in parts if it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone import _checks
from tensorone._concurrency.fan_out import fan_out
from tensorone._errors import ClusterNotFound, TensorOneError
from tensorone._generated import reading_one
from tensorone._graphql import batch, calls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tensorone._generated import Cluster
    from tensorone._session.session import Session


WIDTH = 8  # batches under way at once


async def get_many(session: Session, cluster_ids: Iterable[str]) -> list[Cluster | None]:
    """The loop behind `clusters.get_many`."""
    ids = _checks.cluster_ids(cluster_ids)
    distinct = tuple(dict.fromkeys(ids))
    size = session.reads.most
    batches = [distinct[start : start + size] for start in range(0, len(distinct), size)]
    reader = _Reader(session)
    with calls.named("clusters.get_many"):
        for outcome in await fan_out(reader.read, batches, limit=WIDTH, stop_after_failures=1):
            outcome.unwrap()  # the first failure is that of a batch that did start, and is raised
    for cluster in filter(None, reader.found.values()):
        session.rentals.seen(cluster)
    return [reader.found[cluster_id] for cluster_id in ids]


async def get(session: Session, cluster_id: str) -> Cluster:
    """The request behind `clusters.get`."""
    _checks.cluster_id(cluster_id)
    cluster: Cluster | None = await session.reads.one(reading_one(), {"clusterId": cluster_id})
    if cluster is None:
        words = f"clusters.get: there is no cluster {cluster_id} (list the clusters to see which there are)"
        raise ClusterNotFound(words, operation="GetCluster", attempts=1)
    session.rentals.seen(cluster)
    return cluster


class _Reader:
    """One call of `get_many`: the clusters found so far."""

    def __init__(self, session: Session) -> None:
        self.found: dict[str, Cluster | None] = {}
        self._session = session

    async def read(self, ids: batch.Ids) -> bool:
        """Reads some clusters. True if the server accepted them all in one request."""
        if len(ids) == 1:
            self.found[ids[0]] = await self._one(ids[0])
            return False
        try:
            data = await self._session.executor.execute(batch.reading(ids), {})
        except TensorOneError as error:
            await self._read_in_parts(error, ids)
            return False
        self.found.update(batch.found(ids, data))
        for left_out in (each for each in ids if each not in self.found):
            await self.read((left_out,))
        return True

    async def _read_in_parts(self, error: TensorOneError, ids: batch.Ids) -> None:
        plan = batch.retry_plan(error, ids)
        if plan is None:
            raise error
        self.found.update(dict.fromkeys(plan.missing))
        accepted = [await self.read(part) for part in plan.parts]
        if plan.halved and all(accepted):  # the size was the problem, and not one of the clusters
            self._session.reads.most = min(self._session.reads.most, len(plan.parts[-1]))

    async def _one(self, cluster_id: str) -> Cluster | None:
        try:
            return (await self._session.graphql.get_cluster(cluster_id)).cluster
        except ClusterNotFound:
            return None
