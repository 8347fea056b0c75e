"""How the objects of JSON come about; `shapes` has their members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import words
from .shapes import ClusterDocument, Failed, Gpu, GpuTypeDocument, PortDocument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tensorone import Cluster, ClusterBill, Port, RentedCluster, SpotQuote

    from .failures import Failure


def failed_document(failure: Failure) -> Failed:
    """A failure, as JSON has it."""
    return Failed(
        code=failure.code,
        message=failure.message,
        hint=failure.hint,
        ids=list(failure.ids),
        token=failure.token,
        retryable=failure.retryable,
        billing=failure.billing,
        request_id=failure.request_id,
    )


def cluster_document(
    cluster: Cluster, bill: ClusterBill | None, *, http_url: str | None = None, error: Failed | None = None
) -> ClusterDocument:
    """One cluster of the account."""
    from tensorone._session import token_and_expiry

    runtime = cluster.runtime
    used = [each.gpu_util_percent for each in (runtime.gpus or ()) if each] if runtime else []
    known = [each for each in used if each is not None]
    return ClusterDocument(
        id=cluster.id,
        name=cluster.name or None,
        status=status_of(cluster),
        ended_by=bill.ended_by if bill else None,
        image=cluster.image_name,
        gpu=Gpu(
            type=bill.gpu_type if bill else None,
            count=len(used) if used else bill.gpu_count if bill else None,
            utilization_percent=sum(known) / len(known) if known else None,
        ),
        kind=bill.kind if bill else None,
        usd_per_hour=bill.usd_per_hour if bill else None,
        volume_gb=bill.volume_in_gb if bill else None,
        uptime_seconds=runtime.uptime_in_seconds if runtime else None,
        machine_id=cluster.machine_id,
        ports=[port_document(cluster.id, port, http_url) for port in (runtime.ports or ())] if runtime else [],
        env=[entry.partition("=")[0] for entry in cluster.env or ()],
        expires_at=words.moment(token_and_expiry.expiry(cluster.env)),
        client_token=token_and_expiry.value_of(cluster.env, token_and_expiry.CLIENT_TOKEN),
        error=error,
    )


def status_of(cluster: Cluster) -> str:
    """`up`, `starting`, `exited`, `terminated`, or the server's own word."""
    told = str(cluster.desired_status)
    if told in {"RUNNING", "CREATED", "RESTARTING"}:
        return "up" if told == "RUNNING" and cluster.runtime is not None else "starting"
    return told.lower()


def rented_document(
    rented: RentedCluster, *, status: str = "starting", error: Failed | None = None, expires_at: str | None = None
) -> ClusterDocument:
    """A cluster that was rented just now and not read since."""
    return blank(
        rented.cluster_id,
        status=status,
        gpu=Gpu(type=rented.gpu_type_id, count=rented.gpu_count, utilization_percent=None),
        kind=rented.kind,
        usd_per_hour=rented.usd_per_hour,
        client_token=rented.client_token,
        expires_at=expires_at,
        error=error,
    )


def blank(cluster_id: str, **known: Any) -> ClusterDocument:
    """A cluster of which only so much is known."""
    nothing = ClusterDocument(
        id=cluster_id,
        name=None,
        status="unknown",
        ended_by=None,
        image=None,
        gpu=Gpu(type=None, count=None, utilization_percent=None),
        kind=None,
        usd_per_hour=None,
        volume_gb=None,
        uptime_seconds=None,
        machine_id=None,
        ports=[],
        env=[],
        expires_at=None,
        client_token=None,
        error=None,
    )
    return nothing | known  # type: ignore[return-value]  # the names are those above, which the schemas' tests hold


def port_document(cluster_id: str, port: Port, http_url: str | None) -> PortDocument:
    """One port; an http port has an address only where the profile says how such addresses look."""
    pattern = http_url if port.type == "http" else None
    url = None if pattern is None else pattern.replace("{id}", cluster_id).replace("{port}", str(port.private_port))
    return PortDocument(
        private=port.private_port,
        public=port.public_port,
        protocol=port.type,
        ip=port.ip,
        public_ip=port.is_ip_public,
        url=url,
        reached=None,
    )


def gpu_type_document(quote: SpotQuote, *, name: str | None, memory: int | None) -> GpuTypeDocument:
    """One GPU type with its prices."""
    return GpuTypeDocument(
        id=quote.gpu_type_id,
        name=name,
        memory_gb=memory,
        gpu_count=quote.gpu_count,
        spot_usd_per_hour=quote.minimum_bid,
        fixed_usd_per_hour=quote.on_demand_price,
        saving_percent=None if quote.discount is None else round(100 * quote.discount, 1),
        problem=quote.problem,
    )


def ports_text(ports: Sequence[PortDocument]) -> str:
    """`8888/http, 22/tcp`."""
    return ", ".join(f"{each['private']}/{each['protocol']}" for each in ports) or "-"


def reached_at(port: PortDocument) -> str:
    """Where a port is reached from outside, in words."""
    if port["url"]:
        return port["url"]
    if port["public_ip"] and port["ip"] and port["public"]:
        return f"{port['ip']}:{port['public']}"
    return "behind the service's proxy, address not known"
