"""The one door to the generated package: everything of it that the SDK uses or re-exports."""

from __future__ import annotations

from tensorone_graphql.client import GraphQLClient
from tensorone_graphql.enums import CloudTypeEnum as CloudType
from tensorone_graphql.enums import ClusterStatus
from tensorone_graphql.fragments import (
    Cluster,
    ClusterState,
    ContainerUsage,
    GpuType,
    GpuUsage,
    LowestPrice,
    Machine,
    PlacedCluster,
    Port,
    PricedGpuType,
    Runtime,
)
from tensorone_graphql.input_types import (
    ClusterFindAndDeployOnDemandInput,
    ClusterRentInterruptableInput,
    EnvironmentVariableInput,
)

__all__ = [
    "CloudType",
    "Cluster",
    "ClusterFindAndDeployOnDemandInput",
    "ClusterRentInterruptableInput",
    "ClusterState",
    "ClusterStatus",
    "ContainerUsage",
    "EnvironmentVariableInput",
    "GpuType",
    "GpuUsage",
    "GraphQLClient",
    "LowestPrice",
    "Machine",
    "PlacedCluster",
    "Port",
    "PricedGpuType",
    "Runtime",
]
