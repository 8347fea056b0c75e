"""What comes out of the fleet's decision step: events to report, and what to do; all plain frozen values."""

from __future__ import annotations

from dataclasses import field
from decimal import Decimal  # noqa: TC003 - pydantic reads it, where events are saved
from typing import TYPE_CHECKING, Literal

from tensorone._data.dataclass import dataclass
from tensorone._recovery.actions import RentElsewhere  # noqa: TC001 - likewise

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "BidMade",
    "BudgetReached",
    "End",
    "GaveUp",
    "Moved",
    "Preempted",
    "Recover",
    "Recovered",
    "StatusUnknown",
]

HeldBy = Literal["budget", "max_hourly_spend"]


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
class End:
    """End this cluster, which nobody uses; it comes back with each look until it is gone.

    Attributes:
        cluster_id: The cluster.
        how: ``"terminate"`` it, which deletes its volume, or ``"stop"`` it.
        reason: Why, as a sentence.
    """

    cluster_id: str
    how: Literal["terminate", "stop"]
    reason: str


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


# Read back from a saved state in this order: the fields of `Recovered` are among those of `BidMade` and `Moved`.
Event = Preempted | BidMade | Moved | Recovered | GaveUp | StatusUnknown | BudgetReached

Action = Recover | End | Event


def reported(actions: Iterable[Action]) -> list[Event]:
    """Those that are events."""
    return [action for action in actions if not isinstance(action, Recover | End)]
