"""What each cluster costs, as the server tells it, else as we labelled what we rented."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from tensorone._data.dataclass import dataclass
from tensorone._errors import OperationUnsupported
from tensorone._generated import ClusterType
from tensorone._graphql import calls
from tensorone._session.cluster_status import STOPPED
from tensorone._session.label import label_of
from tensorone._session.session import known_account

if TYPE_CHECKING:
    from tensorone._generated import Cluster, ClusterCost
    from tensorone._session.session import Session

__all__ = ["ClusterBill"]

_KINDS: dict[str, Literal["spot", "on_demand"]] = {
    ClusterType.INTERRUPTABLE: "spot",
    ClusterType.RESERVED: "on_demand",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterBill:
    """What is known of one cluster's price, kind and size; None for what is not.

    Attributes:
        cluster_id: The cluster.
        kind: ``"spot"`` or ``"on_demand"``.
        gpu_type: Its GPU type: the short name that the server has for it, or the full one it was asked for with.
        gpu_count: Its GPUs.
        usd_per_hour: What it costs now, US dollars per hour; as it was rented, where `told_by` is ``"label"``. None for
            a stopped cluster, since no source says whether the price is then that of its volume.
        volume_in_gb: Its volume, GB; billed until the cluster is terminated.
        ended_by: What stopped it, where the server's words say so: ``"preemption"`` or ``"user"``.
        told_by: Who says so: the ``"server"``, or the ``"label"`` of a client with ``label=True``.
    """

    cluster_id: str
    kind: Literal["spot", "on_demand"] | None = None
    gpu_type: str | None = None
    gpu_count: int | None = None
    usd_per_hour: float | None = None
    volume_in_gb: float | None = None
    ended_by: Literal["preemption", "user"] | None = None
    told_by: Literal["server", "label"] | None = None


async def bills(session: Session) -> list[ClusterBill]:
    """The request of `clusters.bills`; where the server knows no prices, which is remembered, the listing's labels."""
    if not session.bills_unsupported:
        try:
            account = known_account((await session.graphql.list_cluster_costs()).myself, "ListClusterCosts")
            return [_told(cost) for cost in account.clusters or () if cost is not None]
        except OperationUnsupported:
            session.bills_unsupported = True
    with calls.named("clusters.bills"):
        return [_labelled(cluster) for cluster in await session.clusters()]


def _told(cost: ClusterCost) -> ClusterBill:
    stopped = cost.desired_status in STOPPED
    return ClusterBill(
        cluster_id=cost.id,
        kind=_KINDS.get(cost.cluster_type or ""),
        gpu_type=cost.machine.gpu_display_name if cost.machine else None,
        gpu_count=cost.gpu_count,
        usd_per_hour=None if stopped else cost.cost_per_hr,
        volume_in_gb=cost.volume_in_gb,
        ended_by=ended_by(cost.last_status_change) if stopped else None,
        told_by="server",
    )


def _labelled(cluster: Cluster) -> ClusterBill:
    label = label_of(cluster.env)
    if label is None:
        return ClusterBill(cluster_id=cluster.id)
    return ClusterBill(
        cluster_id=cluster.id,
        kind=label.kind,
        gpu_type=label.gpu,
        gpu_count=label.count,
        usd_per_hour=None if cluster.desired_status in STOPPED else label.usd_per_hour,
        volume_in_gb=label.volume_gb,
        told_by="label",
    )


def ended_by(words: str | None) -> Literal["preemption", "user"] | None:
    """What a status change of the server says; None for words that are not known.

    Source: ``Outbid:`` in the sibling's own notes; ``by User`` in recorded answers of the sibling API.
    """
    if re.search(r"\boutbid\b", words or "", re.IGNORECASE):
        return "preemption"
    return "user" if re.search(r"\bby user\b", words or "", re.IGNORECASE) else None
