"""What goes into the fleet's decision step: what was seen, and what rounds came to; all plain frozen values."""

from __future__ import annotations

from decimal import Decimal  # noqa: TC003 - pydantic reads it, where an outcome is stored
from typing import TYPE_CHECKING, Protocol

from tensorone._data.dataclass import dataclass
from tensorone._recovery.actions import RentElsewhere  # noqa: TC001 - likewise

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Pending", "PollFailed", "RecoveryFailed", "RecoverySucceeded", "RentalSent"]


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
    """A listing of the account's clusters succeeded.

    Attributes:
        clusters: The clusters that it shows.
        asked_at: When it was asked for.
        unasked: Clusters of which it says nothing, though it does not show them.
    """

    clusters: Collection[Sighting]
    asked_at: float
    unasked: Collection[str] = ()


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
        bids: The bids that were made, US dollars per GPU and hour, each with its answer.
    """

    cluster_id: str
    new_cluster_id: str
    bid_per_gpu: Decimal | None
    gpu_type_id: str | None = None
    left_behind: RentElsewhere | None = None
    without_gpus: bool = False
    running: bool = True
    bids: tuple[tuple[Decimal, str], ...] = ()


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
        bids: The bids that were made, US dollars per GPU and hour, each with its answer.
    """

    cluster_id: str
    reason: str
    final: bool = False
    tried: bool = True
    waits: float | None = None
    limited: bool = False
    bids: tuple[tuple[Decimal, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """A `Recover` ended while a rental for it may yet be committed: nothing more is sent until it is looked for again.

    Attributes:
        cluster_id: The cluster.
        until: When to go on, seconds of the caller's clock; None for the next look.
        reason: Why, as a sentence.
        bids: The bids that were made, US dollars per GPU and hour, each with its answer.
    """

    cluster_id: str
    until: float | None
    reason: str
    bids: tuple[tuple[Decimal, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RentalSent:
    """A rental in the place of this cluster is about to be sent, or a round that may send one is about to begin."""

    cluster_id: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Duplicated:
    """A member turned out to be the duplicate of a cluster that stays: another keeper of this fleet rented that."""

    cluster_id: str
    kept_id: str


@dataclass(frozen=True, slots=True)
class Strayed:
    """A stopped cluster that was rented for this fleet is nobody's: it is left behind."""

    left_behind: RentElsewhere


Outcome = RecoverySucceeded | RecoveryFailed | Pending

Observation = Polled | PollFailed | Outcome | RentalSent | Duplicated | Strayed
