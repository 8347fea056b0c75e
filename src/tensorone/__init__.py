"""Async SDK for GPU clusters on Tensor One: typed, generated from the GraphQL schema, careful with your money."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._account import Accounts
    from ._bidding import Bid, BidPolicy, GiveUp, Wait, next_bid
    from ._client import TensorOne
    from ._clusters import Clusters
    from ._endpoints import Endpoints, EndpointSpec
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
    from ._fleet_events import BidMade, BudgetReached, GaveUp, Moved, Preempted, Recovered, StatusUnknown
    from ._generated import (
        Account,
        CloudType,
        Cluster,
        ClusterState,
        ClusterStatus,
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
    from ._gpu_types import GpuTypes
    from ._keep_running import KeepRunning
    from ._ledger import Attempt, SpotRental
    from ._outcomes import NotStarted, Outcome
    from ._plans import AlreadyRunning, RentElsewhere, ResumeOnDemand, ResumeSpot, StartWithoutGpus, WaitForGpus
    from ._quotes import SpotQuote
    from ._reap import Reaped
    from ._resume_plan import Resumable, ResumePolicy, learn, plan_resume
    from ._retry import RetryPolicy
    from ._schema_check import OperationCheck
    from ._specs import ClusterSpec
    from ._spot import Spot
    from ._streams import OutcomeStream, stream_outcomes
    from ._templates import Templates, TemplateSpec
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
    "Endpoint",
    "EndpointSpec",
    "Endpoints",
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
    "OperationCheck",
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
    "StatusUnknown",
    "Template",
    "TemplateSpec",
    "Templates",
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

# Where each name is: a module is imported when the first of its names is asked for, since most programs need few.
_HOMES = {
    "_account": "Accounts",
    "_bidding": "Bid BidPolicy GiveUp Wait next_bid",
    "_client": "TensorOne",
    "_clusters": "Clusters",
    "_endpoints": "Endpoints EndpointSpec",
    "_errors": (
        "AuthenticationError BidCeilingReached BidTooLow ClusterNotFound ConfigurationError ConnectionFailed "
        "InvalidArgument NoCapacity OperationUnsupported OutcomeUnknown QueryError RateLimited "
        "RequestTimedOut SpendLimitReached TensorOneError UnexpectedResponse WaitTimedOut"
    ),
    "_fan_out": "fan_out",
    "_fleet_events": "BidMade BudgetReached GaveUp Moved Preempted Recovered StatusUnknown",
    "_generated": (
        "Account CloudType Cluster ClusterState ClusterStatus ContainerUsage Endpoint GpuType GpuUsage LowestPrice "
        "Machine PlacedCluster Port PricedGpuType Runtime Template"
    ),
    "_gpu_types": "GpuTypes",
    "_keep_running": "KeepRunning",
    "_ledger": "Attempt SpotRental",
    "_outcomes": "NotStarted Outcome",
    "_plans": "AlreadyRunning RentElsewhere ResumeOnDemand ResumeSpot StartWithoutGpus WaitForGpus",
    "_quotes": "SpotQuote",
    "_reap": "Reaped",
    "_resume_plan": "Resumable ResumePolicy learn plan_resume",
    "_retry": "RetryPolicy",
    "_schema_check": "OperationCheck",
    "_specs": "ClusterSpec",
    "_spot": "Spot",
    "_streams": "OutcomeStream stream_outcomes",
    "_templates": "Templates TemplateSpec",
    "_throttle": "ThrottleState",
    "_version": "__version__",
    "_watch_events": "Appeared Change Gone PortsChanged RuntimeDown RuntimeUp StatusChanged",
    "_watching": "Watch",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
