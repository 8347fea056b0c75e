"""What goes into the fleet's decision step, and what comes out of it; all plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal  # noqa: TC003 - pydantic reads it, where events are saved
from typing import TYPE_CHECKING, Literal, Protocol

from tensorone._recovery.actions import RentElsewhere  # noqa: TC001 - likewise

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["BidMade", "BudgetReached", "GaveUp", "Moved", "Preempted", "Recovered", "StatusUnknown"]

HeldBy = Literal["budget", "max_hourly_spend"]


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
    """A `Recover` ended well; with another `new_cluster_id` the cluster moved.

    Attributes:
        cluster_id: The cluster to recover.
        new_cluster_id: The one that runs.
        bid_per_gpu: What it is billed, US dollars per GPU and hour; None if unknown.
        gpu_type_id: Its GPU type; None if unknown.
        left_behind: After a move: the old cluster, where its volume stays, and what it costs.
        without_gpus: Whether it was started without GPUs, to save its data.
        running: Whether it runs; a replacement of an earlier run may be found stopped, and is recovered next.
    """

    cluster_id: str
    new_cluster_id: str
    bid_per_gpu: Decimal | None
    gpu_type_id: str | None = None
    left_behind: RentElsewhere | None = None
    without_gpus: bool = False
    running: bool = True


@dataclass(frozen=True, slots=True)
class RecoveryFailed:
    """A `Recover` ended without a running cluster.

    Attributes:
        cluster_id: The cluster.
        reason: Why, as a sentence.
        final: Whether it is not to be tried again.
        tried: Whether anything was sent that was refused; otherwise there was nothing to bid.
        waits: Seconds for which the GPUs of its machine may still be waited for; None if they are not.
        limited: Whether a limit of the client refused it before it was sent.
        unsettled: Whether a rental of an earlier run may yet be committed, so that nothing was done.
    """

    cluster_id: str
    reason: str
    final: bool = False
    tried: bool = True
    waits: float | None = None
    limited: bool = False
    unsettled: bool = False


@dataclass(frozen=True, slots=True)
class RentalSent:
    """A rental in the place of this cluster is about to be sent."""

    cluster_id: str


@dataclass(frozen=True, slots=True)
class Duplicated:
    """A member turned out to be the duplicate of a cluster that stays: another keeper of this fleet rented that."""

    cluster_id: str
    kept_id: str


@dataclass(frozen=True, slots=True)
class Strayed:
    """A stopped cluster that was rented for this fleet is nobody's: it is left behind."""

    left_behind: RentElsewhere


@dataclass(frozen=True, slots=True)
class Recover:
    """Get this cluster running again, and report the outcome.

    Attributes:
        cluster_id: The cluster.
        gone: Whether it is no longer in the account, so that only another one can take its place.
        origin: The cluster of the beginning, whose place it has.
        number: How many recoveries of it have succeeded.
        gpu_type_id: Its GPU type; None if unknown.
        waited: Seconds for which the GPUs of its machine were waited for so far.
        unsettled: Whether a rental in its place was sent by a run that ended, and may yet be committed.
        past: The clusters that had its place before.
    """

    cluster_id: str
    gone: bool
    number: int
    origin: str
    gpu_type_id: str | None = None
    waited: float = 0.0
    unsettled: bool = False
    past: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Preempted:
    """A cluster stopped that should run; the API does not distinguish a higher bid from a stop by hand.

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
    """A cluster runs again where it was.

    Attributes:
        cluster_id: The cluster.
        at: When, seconds of the caller's clock.
        bid_per_gpu: What it is billed, US dollars per GPU and hour; None if unknown.
        without_gpus: Whether it was started without GPUs, to save its data: stop it when that is done, and it is
            recovered as any other.
    """

    cluster_id: str
    at: float
    bid_per_gpu: Decimal | None
    without_gpus: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """Another cluster took the place of one, with an empty volume; the old cluster is left as it was.

    Attributes:
        old_cluster_id: The cluster left behind.
        cluster_id: The one that runs.
        at: When, seconds of the caller's clock.
        bid_per_gpu: What the new one is billed, US dollars per GPU and hour; None if unknown.
        left_behind: Where the old volume stays, and what it costs; it is billed until that cluster is terminated.
    """

    old_cluster_id: str
    cluster_id: str
    at: float
    bid_per_gpu: Decimal | None
    left_behind: RentElsewhere | None = None


@dataclass(frozen=True, slots=True)
class GaveUp:
    """A cluster is left as it is; a volume it has stays billed until it is terminated."""

    cluster_id: str
    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class StatusUnknown:
    """A cluster has a status of which nothing is known: nothing is done about it, and it is billed as before."""

    cluster_id: str
    at: float
    status: str


@dataclass(frozen=True, slots=True)
class BudgetReached:
    """No more bids until there is room again; what runs goes on running, and is billed.

    Attributes:
        at: When, seconds of the caller's clock.
        limit: Which one: the sum of all spending, or spending per hour, of this fleet or of its client.
        spent: US dollars spent so far, as estimated from the bids.
        rate: US dollars per hour that what runs costs now.
    """

    at: float
    limit: HeldBy
    spent: Decimal
    rate: Decimal


Observation = Polled | PollFailed | RecoverySucceeded | RecoveryFailed | RentalSent | Duplicated | Strayed

# Read back from a saved state in this order: the fields of `Recovered` are among those of `BidMade` and `Moved`.
Event = Preempted | BidMade | Moved | Recovered | GaveUp | StatusUnknown | BudgetReached

Action = Recover | Event
