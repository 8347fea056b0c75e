"""Async SDK for GPU clusters on Tensor One: typed, generated from the GraphQL schema, careful with your money.

PYTEST_DONT_REWRITE: a program may import it before it starts pytest, which would warn otherwise.
"""

from __future__ import annotations

from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorone._account.bills import ClusterBill
    from tensorone._account.endpoints import EndpointSpec
    from tensorone._account.templates import TemplateSpec
    from tensorone._clusters.changes import Appeared, Change, Gone, PortsChanged, RuntimeDown, RuntimeUp, StatusChanged
    from tensorone._clusters.reap import Reaped
    from tensorone._clusters.spec import ClusterSpec
    from tensorone._clusters.watch import Watch
    from tensorone._concurrency.fan_out import OutcomeStream, fan_out, stream_outcomes
    from tensorone._concurrency.outcome import NotStarted, Outcome
    from tensorone._fleet._store.file_store import FileStore
    from tensorone._fleet.events import BidMade, BudgetReached, GaveUp, Moved, Preempted, Recovered, StatusUnknown
    from tensorone._fleet.keep_running import KeepRunning
    from tensorone._graphql.request_queue import ThrottleState
    from tensorone._graphql.retry import RetryPolicy
    from tensorone._graphql.schema_check import OperationCheck
    from tensorone._market.attempt_log import Attempt
    from tensorone._market.bidding import Bid, BidPolicy, GiveUp, Wait, next_bid
    from tensorone._market.quotes import SpotQuote
    from tensorone._namespaces.account import Accounts
    from tensorone._namespaces.clusters import Clusters
    from tensorone._namespaces.endpoints import Endpoints
    from tensorone._namespaces.fleet import Fleets
    from tensorone._namespaces.gpu_types import GpuTypes
    from tensorone._namespaces.spot import Spot
    from tensorone._namespaces.templates import Templates
    from tensorone._rate.gate import Gate
    from tensorone._recovery.actions import (
        AlreadyRunning,
        RentElsewhere,
        ResumeOnDemand,
        ResumeSpot,
        StartWithoutGpus,
        WaitForGpus,
    )
    from tensorone._recovery.plan_resume import plan_resume
    from tensorone._recovery.policy import Resumable, ResumePolicy, learn
    from tensorone._run import ended_by_signals, run
    from tensorone._session.rented import RentedCluster
    from tensorone._spot.result import SpotRental

    from ._client.client import TensorOne
    from ._display.listing import Listing
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
    from ._version import __version__

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
    "ClusterBill",
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
    "FileStore",
    "Fleets",
    "Gate",
    "GaveUp",
    "GiveUp",
    "Gone",
    "GpuType",
    "GpuTypes",
    "GpuUsage",
    "InvalidArgument",
    "KeepRunning",
    "Listing",
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
    "RentedCluster",
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
    "ended_by_signals",
    "fan_out",
    "learn",
    "next_bid",
    "plan_resume",
    "run",
    "stream_outcomes",
]

# The module of each name. A module is imported on first use of one of its names, since most programs need few.
_HOMES = {
    "_account.bills": "ClusterBill",
    "_account.endpoints": "EndpointSpec",
    "_account.templates": "TemplateSpec",
    "_client.client": "TensorOne",
    "_clusters.changes": "Appeared Change Gone PortsChanged RuntimeDown RuntimeUp StatusChanged",
    "_clusters.reap": "Reaped",
    "_clusters.spec": "ClusterSpec",
    "_clusters.watch": "Watch",
    "_concurrency.fan_out": "OutcomeStream fan_out stream_outcomes",
    "_concurrency.outcome": "NotStarted Outcome",
    "_display.listing": "Listing",
    "_errors": (
        "AuthenticationError BidCeilingReached BidTooLow ClusterNotFound ConfigurationError ConnectionFailed "
        "InvalidArgument NoCapacity OperationUnsupported OutcomeUnknown QueryError RateLimited RequestTimedOut "
        "SpendLimitReached TensorOneError UnexpectedResponse WaitTimedOut"
    ),
    "_fleet.events": "BidMade BudgetReached GaveUp Moved Preempted Recovered StatusUnknown",
    "_fleet.keep_running": "KeepRunning",
    "_fleet._store.file_store": "FileStore",
    "_generated": (
        "Account CloudType Cluster ClusterState ClusterStatus ContainerUsage Endpoint GpuType GpuUsage LowestPrice "
        "Machine PlacedCluster Port PricedGpuType Runtime Template"
    ),
    "_graphql.request_queue": "ThrottleState",
    "_graphql.retry": "RetryPolicy",
    "_graphql.schema_check": "OperationCheck",
    "_market.attempt_log": "Attempt",
    "_market.bidding": "Bid BidPolicy GiveUp Wait next_bid",
    "_market.quotes": "SpotQuote",
    "_namespaces.account": "Accounts",
    "_namespaces.clusters": "Clusters",
    "_namespaces.endpoints": "Endpoints",
    "_namespaces.fleet": "Fleets",
    "_namespaces.gpu_types": "GpuTypes",
    "_namespaces.spot": "Spot",
    "_namespaces.templates": "Templates",
    "_rate.gate": "Gate",
    "_recovery.actions": "AlreadyRunning RentElsewhere ResumeOnDemand ResumeSpot StartWithoutGpus WaitForGpus",
    "_recovery.plan_resume": "plan_resume",
    "_recovery.policy": "Resumable ResumePolicy learn",
    "_run": "ended_by_signals run",
    "_session.rented": "RentedCluster",
    "_spot.result": "SpotRental",
    "_version": "__version__",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

# Names that one may look for here; those of one module alone.
_ELSEWHERE = {
    "emulator": "Boot Emulator Fault Faults Limits MarketMove World random_market",
    "fleet": "FleetSettings FleetSpec FleetState JournalStore Store",
    "plot": "spans timeline",
    "temporal": "DurableFleet TensorOnePlugin fleet_worker",
}


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        for module, names in _ELSEWHERE.items():
            if name in names.split():  # no AttributeError: `from tensorone import Emulator` would replace its words
                raise ImportError(f"{name} is in a package of its own: from tensorone.{module} import {name}")
        hint = f": import tensorone.{name} first" if name in {*_ELSEWHERE, "events", "testing"} else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")
    value: object = getattr(import_module(f".{home}", __name__), name)
    if isinstance(value, FunctionType):
        value.__module__ = __name__
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
