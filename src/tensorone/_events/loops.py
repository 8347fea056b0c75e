"""Events of what takes many calls: bids, rounds of a search, fan-outs and fleets. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from tensorone._data.dataclass import dataclass
from tensorone._data.public_value import AnyPublic

from . import keys
from .event import Event, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FleetChanged", "Progress", "RoundEnded", "Tried"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried(Event):
    """A bid, or another attempt at a cluster, was sent and answered. At DEBUG where it won: `Rented` says so too.

    Attributes:
        call: The call that searches.
        gpu_type_id: For which GPU type; None where that is not known.
        cloud_type: In which cloud type; None if the server chose.
        kind: As a spot or as an on-demand cluster.
        bid_per_gpu: The bid, or the fixed price, US dollars per GPU and hour; None for an unknown one.
        reason: Why so much.
        answer: ``"won"``, ``"started"``, or the refusal.
    """

    NAME: ClassVar[str] = "bid"
    KEYS: ClassVar[Mapping[str, str]] = {
        "call": keys.CALL,
        "gpu_type_id": keys.GPU,
        "kind": keys.KIND,
        "bid_per_gpu": keys.BID,
    }

    call: str
    gpu_type_id: str | None
    cloud_type: str | None
    kind: Literal["spot", "on_demand"]
    bid_per_gpu: float | None
    reason: str
    answer: str

    def __str__(self) -> str:
        cloud = "" if self.cloud_type is None else f" ({self.cloud_type})"
        what = "bid" if self.kind == "spot" else "on-demand"
        price = "" if self.bid_per_gpu is None else f" ${self.bid_per_gpu:g}"
        return f"{self.call}: {self.gpu_type_id or 'a cluster'}{cloud}, {what}{price}: {self.answer}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundEnded(Event):
    """A round of a search ended without a cluster. Logged at INFO where its reasons are new, else at DEBUG.

    Attributes:
        call: The call that searches.
        number: Which round, from 1.
        reasons: Why candidates got no bid in it, a sentence each.
        wait: Seconds until the next one.
    """

    NAME: ClassVar[str] = "round"
    KEYS: ClassVar[Mapping[str, str]] = {"call": keys.CALL, "wait": keys.PAUSED}

    call: str
    number: int
    reasons: tuple[str, ...]
    wait: float

    def __str__(self) -> str:
        why = f": {'; '.join(self.reasons)}" if self.reasons else ""
        return f"{self.call}: round {self.number} won nothing{why}; next look in {seconds(self.wait)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Event):
    """How far a fan-out is: after each item at DEBUG, at its end at INFO.

    Attributes:
        call: ``"fan_out"``.
        done: Items that came to their end.
        failed: How many of them with an error.
        total: Items in all; None while not known.
        over: Whether that was the last.
    """

    NAME: ClassVar[str] = "progress"
    KEYS: ClassVar[Mapping[str, str]] = {"call": keys.CALL, "done": keys.ITEMS, "failed": keys.FAILED}

    call: str
    done: int
    failed: int
    total: int | None
    over: bool

    def __str__(self) -> str:
        of = "" if self.total is None or self.over else f" of {self.total}"
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.call}: {self.done}{of} done{failed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetChanged(Event):
    """What a fleet reports to its reader, told when it happens: preempted, recovered, moved, given up, held.

    At DEBUG where it is no news: a recovery by a bid after `Resumed`, a preemption after `Ended`.

    Attributes:
        call: The call that keeps the fleet.
        change: The fleet's own event, such as `tensorone.Preempted`.
        cluster_id: The cluster it is about; None where it is about the fleet.
        text: It in words.
    """

    NAME: ClassVar[str] = "fleet"
    KEYS: ClassVar[Mapping[str, str]] = {"call": keys.CALL, "cluster_id": keys.CLUSTER}

    call: str
    change: Annotated[object, AnyPublic]
    cluster_id: str | None
    text: str

    def __str__(self) -> str:
        return f"{self.call}: {self.text}"
