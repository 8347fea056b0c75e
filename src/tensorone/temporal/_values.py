"""What the workflow of a shard holds, sends and answers: frozen values, stored as JSON by pydantic. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from tensorone.fleet import (
    BidMade,
    BudgetReached,
    End,
    FleetSpec,
    FleetState,
    GaveUp,
    Intent,
    Look,
    Moved,
    Order,
    Pending,
    Preempted,
    Recovered,
    RecoveryFailed,
    RecoverySucceeded,
    StatusUnknown,
)

How = Literal["terminate", "stop"]

# In this order: the fields of `Recovered` are among those of `BidMade` and `Moved`.
Event = Preempted | BidMade | Moved | Recovered | GaveUp | StatusUnknown | BudgetReached

Bids = Mapping[str, tuple[Decimal, ...]]

Outcome = RecoverySucceeded | RecoveryFailed | Pending

_CLOSED: Any = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Told:
    """An event and its number, counted from 1 in its shard."""

    number: int
    event: Annotated[Event, Field(union_mode="left_to_right")]

    __pydantic_config__: ClassVar[Any] = _CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """All that the workflow of a shard remembers; what it continues as new with.

    Attributes:
        fleet: What its part of the fleet is to be.
        state: What is remembered of it.
        leaving: Clusters, and slots without one, that are to be ended, each with the time until which something that
            was sent for it may appear; seconds since 1970.
        told: The latest events.
        count: How many events there were.
        ending: Whether the whole fleet ends, and how.
        looked_at: When the account was looked at last, None before the first time.
        trouble: The last failure that needs a person, or that of a look; None while all is well.
        troubled_at: When a round or an end told that trouble, seconds since 1970; None for that of a look.
        other_bids: Bids that hold clusters of the account's other shards, by GPU type, as a look told them last.
        most_events: Events of the workflow's history after which it continues as new, once nothing is under way; after
            twice as many, nothing more is begun before that.
    """

    fleet: FleetSpec
    state: FleetState
    leaving: Mapping[str, float] = field(default_factory=dict[str, float])
    told: tuple[Told, ...] = ()
    count: int = 0
    ending: How | None = None
    looked_at: float | None = None
    trouble: str | None = None
    troubled_at: float | None = None
    other_bids: Bids = field(default_factory=dict[str, tuple[Decimal, ...]])
    most_events: int = 600

    __pydantic_config__: ClassVar[Any] = _CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class LookTask:
    """What the activity `look` is given.

    Attributes:
        fleet: The fleet without its slots.
        members: The clusters of its slots.
        others: Clusters to tell about besides.
        own_bids: Bids that hold clusters of the shard, by GPU type.
        at_once: Whether it does not wait for the account's next look.
    """

    fleet: FleetSpec
    members: tuple[str, ...]
    others: tuple[str, ...]
    own_bids: Bids
    at_once: bool = False

    __pydantic_config__: ClassVar[Any] = _CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What the activity `look` brings.

    Attributes:
        look: What the account shows of the shard.
        other_bids: Bids that hold clusters of the account's other shards, by GPU type; None where the worker has not
            acted for the account for long enough to know.
    """

    look: Look
    other_bids: Bids | None

    __pydantic_config__: ClassVar[Any] = _CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTask:
    """One round.

    Attributes:
        order: What to recover.
        look: What a look saw of it.
        own_bids: Bids that hold clusters of the account's shards, for the GPU types of the order.
        intent: What was written down before.
        new: Whether that was written down for this very round, so that it may send by it.
    """

    order: Order
    look: Look
    own_bids: Bids
    intent: Intent
    new: bool

    __pydantic_config__: ClassVar[Any] = _CLOSED


@dataclass(frozen=True, slots=True)
class RoundTasks:
    """What the activity `rounds` is given."""

    rounds: tuple[RoundTask, ...]

    __pydantic_config__: ClassVar[Any] = _CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundEnd:
    """What a round came to.

    Attributes:
        outcome: As `client.fleet.round` returned it, or what is known where that raised.
        trouble: What needs a person, if anything.
    """

    outcome: Outcome
    trouble: str | None = None

    __pydantic_config__: ClassVar[Any] = _CLOSED


@dataclass(frozen=True, slots=True)
class RoundEnds:
    """What the activity `rounds` brings, in the order of the rounds."""

    ends: tuple[RoundEnd, ...]

    __pydantic_config__: ClassVar[Any] = _CLOSED


@dataclass(frozen=True, slots=True)
class Ends:
    """What the activity `ends` is given."""

    actions: tuple[End, ...]

    __pydantic_config__: ClassVar[Any] = _CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetStatus:
    """How a fleet is.

    Attributes:
        asked: Slots.
        running: Slots whose cluster is up.
        booting: Slots whose cluster has started, and whose container is not up yet.
        down: Slots without a running cluster, being recovered or waiting for it.
        given_up: Slots whose cluster is left as it is; events tell why.
        leaving: Clusters that are being ended.
        left_behind: Stopped clusters that others replaced, whose volumes are billed.
        spent: US dollars so far, estimated from bids.
        rate: US dollars per hour that what runs costs now; an unknown bid counts as the ceiling.
        clusters: The cluster of each slot that has one.
        looked_at: When the account was looked at last, seconds since 1970, in the shard where that is longest ago;
            None before the first look.
        trouble: Why the last look failed, or a failure that needs a person, such as a variable that is not set;
            None while all is well.
    """

    asked: int
    running: int
    booting: int
    down: int
    given_up: int
    leaving: int
    left_behind: int
    spent: Decimal
    rate: Decimal
    clusters: Mapping[str, str]
    looked_at: float | None
    trouble: str | None

    __pydantic_config__: ClassVar[Any] = _CLOSED
