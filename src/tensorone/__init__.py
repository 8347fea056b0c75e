"""Async SDK for GPU clusters on Tensor One: typed, generated from the GraphQL schema, careful with your money."""

from ._client import TensorOne
from ._clusters import Clusters
from ._errors import (
    AuthenticationError,
    BidCeilingReached,
    BidTooLow,
    ClusterNotFound,
    ConfigurationError,
    ConnectionFailed,
    InvalidArgument,
    NoCapacity,
    OperationUnsupported,
    OutcomeUnknown,
    QueryError,
    RateLimited,
    RequestTimedOut,
    TensorOneError,
    UnexpectedResponse,
    WaitTimedOut,
)
from ._fan_out import Outcome, fan_out
from ._generated import (
    CloudType,
    Cluster,
    ClusterState,
    ClusterStatus,
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
from ._gpu_types import GpuTypes
from ._leases import Reaped
from ._retry import RetryPolicy
from ._specs import ClusterSpec
from ._spot import Spot, SpotQuote
from ._throttle import ThrottleState
from ._version import __version__

__all__ = [
    "AuthenticationError",
    "BidCeilingReached",
    "BidTooLow",
    "CloudType",
    "Cluster",
    "ClusterNotFound",
    "ClusterSpec",
    "ClusterState",
    "ClusterStatus",
    "Clusters",
    "ConfigurationError",
    "ConnectionFailed",
    "ContainerUsage",
    "GpuType",
    "GpuTypes",
    "GpuUsage",
    "InvalidArgument",
    "LowestPrice",
    "Machine",
    "NoCapacity",
    "OperationUnsupported",
    "Outcome",
    "OutcomeUnknown",
    "PlacedCluster",
    "Port",
    "PricedGpuType",
    "QueryError",
    "RateLimited",
    "Reaped",
    "RequestTimedOut",
    "RetryPolicy",
    "Runtime",
    "Spot",
    "SpotQuote",
    "TensorOne",
    "TensorOneError",
    "ThrottleState",
    "UnexpectedResponse",
    "WaitTimedOut",
    "__version__",
    "fan_out",
]
