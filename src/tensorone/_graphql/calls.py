"""The calls that users make, by the operations that they send: errors speak of the former. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


# What only loops send, such as the prices behind `spot.acquire`, keeps the operation's own name, as a user's own does.
CALLS: Mapping[str, str] = {
    "DeleteEndpoint": "endpoints.delete",
    "DeleteTemplate": "templates.delete",
    "DeployCluster": "clusters.deploy",
    "GetAccount": "account.get",
    "GetCluster": "clusters.get",
    "GetClusters": "clusters.get_many",
    "GetGpuType": "gpu_types.get",
    "GetGpuTypes": "spot.quotes",
    "ListClusters": "clusters.list",
    "ListEndpoints": "endpoints.list",
    "ListGpuTypes": "gpu_types.list",
    "Probe": "check_schema",
    "RentSpotCluster": "spot.rent",
    "ResumeCluster": "clusters.resume",
    "ResumeSpotCluster": "spot.resume",
    "SaveEndpoint": "endpoints.save",
    "SaveTemplate": "templates.save",
    "StopCluster": "clusters.stop",
    "TerminateCluster": "clusters.terminate",
}


def name(operation: str) -> str:
    """The call that sends an operation; the operation's own name where there is none."""
    return CALLS.get(operation, operation)
