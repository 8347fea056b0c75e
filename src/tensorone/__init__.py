"""Async SDK for GPU clusters on Tensor One: typed, generated from the GraphQL schema, careful with your money."""

from ._bidding import Bid, BidPolicy, GiveUp, Wait, next_bid
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
from ._fleet_events import BudgetReached, GaveUp, Moved, Preempted, Recovered
from ._fleet_state import FleetState
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
from ._plans import AlreadyRunning, RentElsewhere, ResumeOnDemand, ResumeSpot, StartWithoutGpus, WaitForGpus
from ._resume_plan import Resumable, ResumePolicy, plan_resume
from ._retry import RetryPolicy
from ._specs import ClusterSpec
from ._spot import Spot, SpotQuote
from ._throttle import ThrottleState
from ._version import __version__

__all__ = [
    "AlreadyRunning",
    "AuthenticationError",
    "Bid",
    "BidCeilingReached",
    "BidPolicy",
    "BidTooLow",
    "BudgetReached",
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
    "FleetState",
    "GaveUp",
    "GiveUp",
    "GpuType",
    "GpuTypes",
    "GpuUsage",
    "InvalidArgument",
    "LowestPrice",
    "Machine",
    "Moved",
    "NoCapacity",
    "OperationUnsupported",
    "Outcome",
    "OutcomeUnknown",
    "PlacedCluster",
    "Port",
    "Preempted",
    "PricedGpuType",
    "QueryError",
    "RateLimited",
    "Reaped",
    "Recovered",
    "RentElsewhere",
    "RequestTimedOut",
    "Resumable",
    "ResumeOnDemand",
    "ResumePolicy",
    "ResumeSpot",
    "RetryPolicy",
    "Runtime",
    "Spot",
    "SpotQuote",
    "StartWithoutGpus",
    "TensorOne",
    "TensorOneError",
    "ThrottleState",
    "UnexpectedResponse",
    "Wait",
    "WaitForGpus",
    "WaitTimedOut",
    "__version__",
    "fan_out",
    "next_bid",
    "plan_resume",
]
