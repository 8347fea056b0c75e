"""Async SDK for GPU clusters on Tensor One: typed, generated from the GraphQL schema, careful with your money."""

from ._account import Accounts
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
    SpendLimitReached,
    TensorOneError,
    UnexpectedResponse,
    WaitTimedOut,
)
from ._fan_out import fan_out
from ._fleet_events import BidMade, BudgetReached, GaveUp, Moved, Preempted, Recovered
from ._generated import (
    Account,
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
from ._keep_running import KeepRunning
from ._ledger import Attempt, SpotRental
from ._outcomes import NotStarted, Outcome
from ._plans import AlreadyRunning, RentElsewhere, ResumeOnDemand, ResumeSpot, StartWithoutGpus, WaitForGpus
from ._quotes import SpotQuote
from ._reap import Reaped
from ._resume_plan import Resumable, ResumePolicy, learn, plan_resume
from ._retry import RetryPolicy
from ._specs import ClusterSpec
from ._spot import Spot
from ._streams import OutcomeStream, stream_outcomes
from ._throttle import ThrottleState
from ._version import __version__
from ._watch_events import Appeared, Change, Gone, PortsChanged, RuntimeDown, RuntimeUp, StatusChanged
from ._watching import Watch

__all__ = [
    "Account",
    "Accounts",
    "AlreadyRunning",
    "Appeared",
    "Attempt",
    "AuthenticationError",
    "Bid",
    "BidCeilingReached",
    "BidMade",
    "BidPolicy",
    "BidTooLow",
    "BudgetReached",
    "Change",
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
    "GaveUp",
    "GiveUp",
    "Gone",
    "GpuType",
    "GpuTypes",
    "GpuUsage",
    "InvalidArgument",
    "KeepRunning",
    "LowestPrice",
    "Machine",
    "Moved",
    "NoCapacity",
    "NotStarted",
    "OperationUnsupported",
    "Outcome",
    "OutcomeStream",
    "OutcomeUnknown",
    "PlacedCluster",
    "Port",
    "PortsChanged",
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
    "RuntimeDown",
    "RuntimeUp",
    "SpendLimitReached",
    "Spot",
    "SpotQuote",
    "SpotRental",
    "StartWithoutGpus",
    "StatusChanged",
    "TensorOne",
    "TensorOneError",
    "ThrottleState",
    "UnexpectedResponse",
    "Wait",
    "WaitForGpus",
    "WaitTimedOut",
    "Watch",
    "__version__",
    "fan_out",
    "learn",
    "next_bid",
    "plan_resume",
    "stream_outcomes",
]
