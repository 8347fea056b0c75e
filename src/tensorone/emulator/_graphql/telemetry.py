"""Live readings of a running container, which depend on the cluster and the second alone."""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensorone.emulator._market.cluster import Cluster


def runtime(cluster: Cluster, now: float) -> dict[str, Any] | None:
    """`ClusterRuntime`, None until the container is up."""
    if not cluster.up(now):
        return None
    age = int(now - cluster.started_at - cluster.boot.seconds)
    rng = random.Random(f"{cluster.id}/{age}")  # noqa: S311 - telemetry, no secret
    return {
        "uptimeInSeconds": age,
        "ports": _ports(cluster) if cluster.listening(now) else None,
        "gpus": [
            {
                "id": _gpu_id(cluster, index),
                "gpuUtilPercent": rng.randint(0, 100),
                "memoryUtilPercent": rng.randint(0, 95),
            }
            for index in range(cluster.gpu_count)
        ],
        "container": {"cpuPercent": rng.randint(1, 100), "memoryPercent": rng.randint(1, 95)},
    }


def _ports(cluster: Cluster) -> list[dict[str, Any]]:
    """Public ports, new ones with each start; those of http are behind a proxy and show a private address."""
    rng = random.Random(f"{cluster.id}/{cluster.starts}")  # noqa: S311 - addresses, no secret
    outer = rng.sample(range(10_000, 65_000), k=cluster.order.ports.count(",") + 1)
    entries = [port.partition("/") for port in cluster.order.ports.split(",") if port]
    return [
        {
            "ip": f"100.65.{rng.randrange(256)}.{rng.randrange(256)}"
            if kind == "http"
            else f"203.0.113.{rng.randrange(1, 255)}",
            "isIpPublic": kind != "http",
            "privatePort": int(number),
            "publicPort": public,
            "type": kind,
        }
        for (number, _, kind), public in zip(entries, outer, strict=False)
    ]


def _gpu_id(cluster: Cluster, index: int) -> str:
    return f"GPU-{uuid.uuid5(uuid.NAMESPACE_OID, f'{cluster.machine_id}/{cluster.id}/{index}')}"
