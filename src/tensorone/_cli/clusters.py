"""Clusters as commands show them: the account's, each with its bill, and those that a person named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tensorone._cli._output import words
from tensorone._cli._output.documents import cluster_document, ports_text
from tensorone._cli._output.failures import failed
from tensorone._cli._output.shapes import ClusterDocument
from tensorone._cli._output.tables import table
from tensorone._data.dataclass import dataclass
from tensorone._errors import TensorOneError

from .id_cache import remember

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.table import Table

    from tensorone import Cluster, ClusterBill, TensorOne


@dataclass(frozen=True, slots=True)
class Known:
    """A cluster, and what is known of its bill."""

    cluster: Cluster
    bill: ClusterBill | None

    @property
    def usd_per_hour(self) -> float | None:
        """What it costs now; None if that is not known."""
        return self.bill.usd_per_hour if self.bill else None


async def account(client: TensorOne) -> list[Known]:
    """All clusters of the account with their bills; remembers the ids for completion."""
    clusters: list[Cluster] = []
    bills: dict[str, ClusterBill] = {}

    async def read() -> None:
        clusters.extend(await client.clusters.list())

    async def price() -> None:
        bills.update(await _bills(client))

    await _both(read, price)
    remember([each.id for each in clusters])
    return [Known(each, bills.get(each.id)) for each in clusters]


async def named(client: TensorOne, ids: Sequence[str]) -> list[Known]:
    """The clusters of these ids, each once, with their bills.

    Raises:
        CommandFailed: One of them does not exist; nothing was done.
    """
    wanted = list(dict.fromkeys(ids))
    found = await client.clusters.get_many(wanted)
    missing = [cluster_id for cluster_id, cluster in zip(wanted, found, strict=True) if cluster is None]
    if missing:
        noun = "cluster" if len(missing) == 1 else "clusters"
        raise failed("not_found", f"there is no {noun} {words.listed(missing)}; nothing was done", ids=missing)
    bills = await _bills(client)
    return [Known(each, bills.get(each.id)) for each in found if each is not None]


async def _bills(client: TensorOne) -> dict[str, ClusterBill]:
    """Bills by cluster; none where they cannot be read, since they only say more of what is shown."""
    try:
        return {each.cluster_id: each for each in await client.clusters.bills()}
    except TensorOneError:
        return {}


async def _both(read: object, price: object) -> None:
    """Both at once; the error of the first of them that fails, alone."""
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(read)  # type: ignore[arg-type]  # two coroutine functions of this room
            group.start_soon(price)  # type: ignore[arg-type]
    except* TensorOneError as several:
        error: BaseException = several
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


def documents(known: Iterable[Known], *, http_url: str | None = None) -> list[ClusterDocument]:
    """As JSON has them."""
    return [cluster_document(each.cluster, each.bill, http_url=http_url) for each in known]


def listing(clusters: Sequence[ClusterDocument]) -> Table:
    """One line for each cluster."""
    return table(
        ("ID", "NAME~", "STATUS", "UP", "GPUS", "$/h>", "PORTS~"),
        [
            (
                each["id"],
                each["name"] or "-",
                "preempted" if each["ended_by"] == "preemption" else each["status"],
                words.ago(each["uptime_seconds"]),
                gpus_text(each),
                words.dollars(each["usd_per_hour"], most=3),
                ports_text(each["ports"]),
            )
            for each in clusters
        ],
    )


def gpus_text(cluster: ClusterDocument) -> str:
    """`2 A40 93%`; `-` where nothing is known, or the cluster is stopped."""
    gpu = cluster["gpu"]
    if cluster["status"] not in {"up", "starting"} or (gpu["count"] is None and gpu["type"] is None):
        return "-"
    load = "" if gpu["utilization_percent"] is None else f" {gpu['utilization_percent']:.0f}%"
    return f"{'?' if gpu['count'] is None else gpu['count']} {short(gpu['type']) or 'GPU'}{load}"


def short(gpu_type: str | None) -> str:
    """A GPU type without what all of them begin with: `A40` for `NVIDIA A40`."""
    name = gpu_type or ""
    for prefix in ("NVIDIA GeForce ", "NVIDIA ", "AMD Instinct "):
        name = name.removeprefix(prefix)
    return name.removeprefix("RTX ") if name.startswith("RTX A") else name
