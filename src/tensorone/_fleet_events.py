"""What goes into the fleet's decision step, and what comes out of it; all plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from decimal import Decimal

__all__ = ["BidMade", "BudgetReached", "GaveUp", "Moved", "Preempted", "Recovered"]

Limit = Literal["budget", "max_hourly_spend"]


class Sighting(Protocol):
    """A cluster as a listing shows it; the generated `Cluster` is one."""

    @property
    def id(self) -> str:
        """The cluster."""
        ...

    @property
    def desired_status(self) -> str:
        """Its status; unknown ones are left alone."""
        ...

    @property
    def runtime(self) -> object | None:
        """None while its container does not run."""
        ...


@dataclass(frozen=True, slots=True)
class Polled:
    """A listing of the account's clusters succeeded; `asked_at` is when it was asked for."""

    clusters: Collection[Sighting]
    asked_at: float


@dataclass(frozen=True, slots=True)
class PollFailed:
    """A listing failed: nothing is known to have changed, and time has passed."""


@dataclass(frozen=True, slots=True)
class RecoverySucceeded:
    """A `Recover` ended well; with another `new_cluster_id` the cluster moved. The bid is per GPU and hour, in USD."""

    cluster_id: str
    new_cluster_id: str
    bid_per_gpu: Decimal | None


@dataclass(frozen=True, slots=True)
class RecoveryFailed:
    """A `Recover` ended without a running cluster; after a `final` failure it is not tried again."""

    cluster_id: str
    reason: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class Recover:
    """Get this cluster running again, and tell the outcome.

    Attributes:
        cluster_id: The cluster.
        gone: Whether it is no longer in the account, so that only another one can take its place.
        origin: The cluster of the beginning, whose place it has.
        number: How many recoveries of it have succeeded. Stays the same until one succeeds, also across a crash: a
            client token derived from cluster and number never rents twice.
    """

    cluster_id: str
    gone: bool
    number: int
    origin: str


@dataclass(frozen=True, slots=True)
class Preempted:
    """A cluster stopped that should run; the API does not tell a higher bid from a stop by hand.

    Attributes:
        cluster_id: The cluster.
        at: When it was noticed, seconds of the caller's clock.
        while_booting: Whether its container was not up yet.
        gone: Whether the whole cluster is gone, and its volume with it.
    """

    cluster_id: str
    at: float
    while_booting: bool
    gone: bool


@dataclass(frozen=True, slots=True)
class BidMade:
    """A bid was made for a cluster, or for another in its place; `answer` is what came of it.

    Attributes:
        cluster_id: The cluster to recover.
        at: When, seconds of the caller's clock.
        bid_per_gpu: US dollars per GPU and hour, billed only if it won.
        answer: "started", "won", or the server's refusal in its own words.
    """

    cluster_id: str
    at: float
    bid_per_gpu: Decimal
    answer: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """A cluster runs again where it was; it is billed `bid_per_gpu` US dollars per GPU and hour, None if unknown."""

    cluster_id: str
    at: float
    bid_per_gpu: Decimal | None


@dataclass(frozen=True, slots=True)
class Moved:
    """Another cluster took the place of one, with an empty volume; the old volume, if any, stays billed."""

    old_cluster_id: str
    cluster_id: str
    at: float
    bid_per_gpu: Decimal | None


@dataclass(frozen=True, slots=True)
class GaveUp:
    """A cluster is left as it is; a volume it has stays billed until it is terminated."""

    cluster_id: str
    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class BudgetReached:
    """No more bids until there is room again; what runs goes on running, and is billed.

    Attributes:
        at: When, seconds of the caller's clock.
        limit: Which one: the sum of all spending, or spending per hour.
        spent: US dollars spent so far, as estimated from the bids.
        rate: US dollars per hour that what runs costs now.
    """

    at: float
    limit: Limit
    spent: Decimal
    rate: Decimal


Observation = Polled | PollFailed | RecoverySucceeded | RecoveryFailed
Event = Preempted | BidMade | Recovered | Moved | GaveUp | BudgetReached
Action = Recover | Event
