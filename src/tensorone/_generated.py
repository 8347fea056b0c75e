"""The one door to the generated package: everything of it that the SDK uses or re-exports."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

from tensorone_graphql.client import GraphQLClient
from tensorone_graphql.enums import CloudTypeEnum as CloudType
from tensorone_graphql.enums import ClusterStatus, ClusterType
from tensorone_graphql.fragments import (
    Account,
    Cluster,
    ClusterCost,
    ClusterState,
    ContainerUsage,
    Endpoint,
    GpuType,
    GpuUsage,
    LowestPrice,
    Machine,
    PlacedCluster,
    Port,
    PricedGpuType,
    Runtime,
    Template,
)
from tensorone_graphql.input_types import (
    ClusterFindAndDeployOnDemandInput,
    ClusterRentInterruptableInput,
    EndpointInput,
    EnvironmentVariableInput,
    SaveTemplateInput,
)

if TYPE_CHECKING:
    from tensorone_graphql.get_cluster import GetCluster
    from tensorone_graphql.get_cluster_ports import GetClusterPorts
    from tensorone_graphql.get_gpu_type import GetGpuType
    from tensorone_graphql.operation import Operation

__all__ = [
    "Account",
    "CloudType",
    "Cluster",
    "ClusterCost",
    "ClusterFindAndDeployOnDemandInput",
    "ClusterRentInterruptableInput",
    "ClusterState",
    "ClusterStatus",
    "ClusterType",
    "ContainerUsage",
    "Endpoint",
    "EndpointInput",
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
    "SaveTemplateInput",
    "Template",
]


@cache
def reading_one() -> Operation[GetCluster]:
    """The operation that reads one cluster; looked up when it is needed, as the generated client does."""
    from tensorone_graphql.get_cluster import GET_CLUSTER  # noqa: PLC0415 - keeps the import of the package short

    return GET_CLUSTER


@cache
def reading_ports() -> Operation[GetClusterPorts]:
    """The operation that reads which ports a cluster opens; likewise."""
    from tensorone_graphql.get_cluster_ports import GET_CLUSTER_PORTS  # noqa: PLC0415 - see above

    return GET_CLUSTER_PORTS


@cache
def pricing_one() -> Operation[GetGpuType]:
    """The operation that reads one GPU type with its prices; likewise."""
    from tensorone_graphql.get_gpu_type import GET_GPU_TYPE  # noqa: PLC0415 - see above

    return GET_GPU_TYPE


def operations() -> tuple[Operation[object], ...]:
    """Every operation of the package, by name; imports all of it."""
    import tensorone_graphql  # noqa: PLC0415 - keeps the import of the package short

    names = [name for name in tensorone_graphql.__all__ if name.isupper() and name != "UNSET"]
    return tuple(cast("Operation[object]", getattr(tensorone_graphql, name)) for name in names)
