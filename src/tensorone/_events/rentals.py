"""Events of what is billed: rented, resumed, ended, adopted, in doubt, left behind. Pure."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar, Literal

from tensorone._data.dataclass import dataclass

from . import keys
from .event import Event, seconds, short

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Adopted", "Duplicate", "Ended", "LeftBehind", "Lost", "Rented", "Resumed", "Unknown"]

_RENTAL = {
    "call": keys.CALL,
    "cluster_id": keys.CLUSTER,
    "client_token": keys.TOKEN,
    "gpu_type_id": keys.GPU,
    "kind": keys.KIND,
    "usd_per_hour": keys.PRICE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rented(Event):
    """A cluster was rented, and is billed from now on.

    Attributes:
        call: The call that rented it.
        cluster_id: The cluster.
        client_token: The token it was rented with; None for one that was resumed.
        machine_id: The machine it is on.
        gpu_type_id: Its GPU type, as asked for.
        gpu_count: Its GPUs, as asked for.
        kind: As spot or on-demand.
        usd_per_hour: What its GPUs cost, US dollars per hour; None where no price was fetched.
    """

    NAME: ClassVar[str] = "rented"
    KEYS: ClassVar[Mapping[str, str]] = _RENTAL
    OUTCOME: ClassVar[str | None] = "ok"

    call: str
    cluster_id: str
    client_token: str | None
    machine_id: str | None
    gpu_type_id: str | None
    gpu_count: int | None
    kind: Literal["spot", "on_demand"]
    usd_per_hour: float | None

    def __str__(self) -> str:
        token = "" if self.client_token is None else f", token {short(self.client_token)}"
        return f"{self.call}: rented cluster {self.cluster_id}{self._about()}{token}"

    def _about(self) -> str:
        price = "" if self.usd_per_hour is None else f", ${self.usd_per_hour:g} an hour"
        return f"{self._gpus()}{f' on machine {self.machine_id}' if self.machine_id else ''}{price}"

    def _gpus(self) -> str:
        if not self.gpu_type_id:
            return ""
        return f", {self.gpu_count} x {self.gpu_type_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Rented):
    """A stopped cluster was started again, and is billed from now on; attributes as of `Rented`."""

    NAME: ClassVar[str] = "resumed"

    def __str__(self) -> str:
        return f"{self.call}: resumed cluster {self.cluster_id}{self._about()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Event):
    """A cluster was stopped or terminated, or was seen to be.

    Attributes:
        cluster_id: The cluster.
        how: ``"stop"``, ``"terminate"``, or ``"seen"`` where this client did not do it.
    """

    NAME: ClassVar[str] = "ended"
    KEYS: ClassVar[Mapping[str, str]] = {"call": keys.CALL, "cluster_id": keys.CLUSTER}

    cluster_id: str
    how: Literal["stop", "terminate", "seen"]

    @property
    def call(self) -> str | None:
        """The call that did it; None where this client did not."""
        return None if self.how == "seen" else f"clusters.{self.how}"

    def __str__(self) -> str:
        if self.how == "seen":
            return f"cluster {self.cluster_id} runs no more: preempted, or ended by someone else"
        done = "stopped; a volume stays billed" if self.how == "stop" else "terminated"
        return f"{self.call}: cluster {self.cluster_id} is {done}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(Event):
    """The answer to a rental or resume was lost: whether it happened is being looked for.

    Attributes:
        call: The call.
        client_token: The token of a rental.
        cluster_id: The cluster of a resume.
        reason: What became of the answer.
        within: Seconds for which it is looked for at most.
    """

    NAME: ClassVar[str] = "lost"
    LEVEL: ClassVar[int] = logging.WARNING
    KEYS: ClassVar[Mapping[str, str]] = {
        "call": keys.CALL,
        "client_token": keys.TOKEN,
        "cluster_id": keys.CLUSTER,
    }

    call: str
    client_token: str | None
    cluster_id: str | None
    reason: str
    within: float

    def __str__(self) -> str:
        token, cluster_id = self.client_token, self.cluster_id
        what = f"a cluster with the token {token}" if token else f"whether cluster {cluster_id} starts"
        bound = f", up to {seconds(self.within)}" if self.within else " once"
        return f"{self.reason}; looking for {what}{bound}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted(Event):
    """A cluster that was rented or resumed without an answer to say so: it was found, and is billed.

    Attributes:
        call: The call; None where an earlier one rented it with the same token.
        cluster_id: The cluster.
        client_token: The token by which it was found.
        seconds: How long it was looked for; None for the cluster of an earlier call.
    """

    NAME: ClassVar[str] = "adopted"
    LEVEL: ClassVar[int] = logging.WARNING
    KEYS: ClassVar[Mapping[str, str]] = {"call": keys.CALL, "cluster_id": keys.CLUSTER, "client_token": keys.TOKEN}
    OUTCOME: ClassVar[str | None] = "adopted"

    call: str | None
    cluster_id: str
    client_token: str | None
    seconds: float | None

    def __str__(self) -> str:
        if self.seconds is None:
            return f"an earlier call rented cluster {self.cluster_id} with the token {self.client_token}: adopted"
        what = "was rented all the same, found by its token" if self.client_token else "started all the same, seen"
        return f"{self.call}: cluster {self.cluster_id} {what} after {seconds(self.seconds)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Event):
    """It could not be found out whether something happened; `text` is what `OutcomeUnknown` says.

    Attributes:
        call: The call.
        client_token: The token of a rental.
        cluster_id: The cluster of a resume.
        text: What the error says.
    """

    NAME: ClassVar[str] = "unknown"
    LEVEL: ClassVar[int] = logging.ERROR
    KEYS: ClassVar[Mapping[str, str]] = {"call": keys.CALL, "client_token": keys.TOKEN, "cluster_id": keys.CLUSTER}
    OUTCOME: ClassVar[str | None] = "unknown"

    call: str
    client_token: str | None
    cluster_id: str | None
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate(Event):
    """A cluster exists besides the one that stays, and is ended.

    Attributes:
        cluster_id: The duplicate.
        how: Whether it is terminated, or stopped because it was there before.
        kept_id: The one that stays; None where that is not told.
    """

    NAME: ClassVar[str] = "duplicate"
    LEVEL: ClassVar[int] = logging.WARNING
    KEYS: ClassVar[Mapping[str, str]] = {"cluster_id": keys.CLUSTER}

    cluster_id: str
    how: Literal["stop", "terminate"] = "terminate"
    kept_id: str | None = None

    def __str__(self) -> str:
        ending = "terminating it" if self.how == "terminate" else "stopping it again"
        kept = "another one" if self.kept_id is None else f"cluster {self.kept_id}"
        return f"cluster {self.cluster_id} duplicates {kept}: {ending}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind(Event):
    """Clusters, or their volumes, go on being billed, and whoever rented them may not know.

    Attributes:
        cluster_ids: The clusters.
        usd_per_hour: What is known of their price, US dollars per hour; None if nothing is.
        text: What is left, why, and how to end it.
    """

    NAME: ClassVar[str] = "left_behind"
    LEVEL: ClassVar[int] = logging.WARNING
    KEYS: ClassVar[Mapping[str, str]] = {"cluster_ids": keys.CLUSTERS, "usd_per_hour": keys.PRICE}

    cluster_ids: tuple[str, ...]
    usd_per_hour: float | None
    text: str

    def __str__(self) -> str:
        return self.text
