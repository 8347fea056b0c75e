"""What a fleet remembers of a cluster, of a rental it sent and of a cluster it left: values that can be saved. Pure."""

from __future__ import annotations

from dataclasses import field
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from tensorone import _checks
from tensorone._data.dataclass import dataclass
from tensorone._data.rows import Rows
from tensorone._recovery.actions import RentElsewhere  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

    from .state import FleetSettings

__all__ = ["LeftBehind", "Member", "Sent"]

Phase = Literal["new", "booting", "up", "down", "recovering", "given_up"]

ClusterId = Annotated[str, AfterValidator(_checks.cluster_id)]

Count = Annotated[int, Field(ge=0)]

MOST_PREDECESSORS = 10  # that a member remembers: what was rented late in their place is recognised by them

FEW = 16  # where one member of so many changes, or fewer do, the others are shared with the state before

STRICT: Any = {"extra": "forbid", "strict": True, "allow_inf_nan": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One cluster of the fleet: plain values.

    Attributes:
        cluster_id: The cluster; another one after a move.
        origin: The cluster of the beginning, whose place it has.
        past: The clusters that had the place before, the latest one last; not all of them after many moves.
        gpu_type_id: Its GPU type; None if unknown.
        gpu_count: Its GPUs.
        volume_in_gb: Its volume; None if unknown.
        bid_per_gpu: What it is billed while it runs, US dollars per GPU and hour; None if unknown.
        phase: What it is doing, as far as known.
        billed: Whether it was running when last seen.
        gone: Whether the account no longer has it.
        misses: Successful listings in a row that did not show it.
        strikes: Recoveries in a row that failed or did not last.
        retry_at: Not to be recovered before, seconds of the caller's clock.
        waiting_since: Since when the GPUs of its machine are waited for, None if they are not.
        limited: Whether a limit of the client refused its latest recovery.
        unknown_status: A status of which nothing is known, as it was seen last; None otherwise.
        recovered_at: When it was recovered last, None before the first time.
        stale: What a listing from before that recovery shows of it, ``"EXITED"`` or ``"MISSING"``; None once one has
            shown it running.
        recoveries: How many recoveries succeeded.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    cluster_id: ClusterId
    origin: ClusterId
    past: tuple[ClusterId, ...] = ()
    gpu_type_id: str | None = None
    gpu_count: Count = 1
    volume_in_gb: Count | None = None
    bid_per_gpu: Annotated[Decimal, Field(ge=0)] | None = None
    phase: Phase = "new"
    billed: bool = False
    gone: bool = False
    misses: Count = 0
    strikes: Count = 0
    retry_at: float = 0.0
    waiting_since: float | None = None
    limited: bool = False
    unknown_status: str | None = None
    recovered_at: float | None = None
    stale: Literal["EXITED", "MISSING"] | None = None
    recoveries: Count = 0

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.cluster_id


def backoff(strikes: int, settings: FleetSettings) -> float:
    """Seconds to wait before a recovery after so many in a row that failed or did not last."""
    if strikes == 0:
        return 0.0
    return min(settings.backoff_max, settings.backoff_initial * 2.0 ** min(strikes - 1, 60))


@dataclass(frozen=True, slots=True)
class Totals:
    """What the members add up to, kept up to date member by member.

    Attributes:
        known: US dollars per hour of what runs at a known bid.
        unknown: GPUs of what runs at an unknown one.
        limited: Members whose recovery a limit of the client refused.
        bids: How many members run, by GPU type and bid.
    """

    known: Decimal = Decimal(0)
    unknown: int = 0
    limited: int = 0
    bids: Mapping[tuple[str | None, Decimal], int] = field(default_factory=dict[tuple[str | None, Decimal], int])

    def counting(self, member: Member, times: int) -> Totals:
        """With a member more, or less."""
        limited = self.limited + times * member.limited
        if not member.billed:
            return Totals(self.known, self.unknown, limited, self.bids)
        if member.bid_per_gpu is None:
            return Totals(self.known, self.unknown + times * member.gpu_count, limited, self.bids)
        key = member.gpu_type_id, member.bid_per_gpu
        count = self.bids.get(key, 0) + times
        bids = {**self.bids, key: count} if count else {each: n for each, n in self.bids.items() if each != key}
        return Totals(self.known + times * member.gpu_count * member.bid_per_gpu, self.unknown, limited, bids)


class Members(Rows[Member]):
    """The members of a fleet, and what they add up to."""

    __slots__ = ("totals",)

    def __init__(self, members: Iterable[Member] = ()) -> None:
        super().__init__(members)
        self.totals = Totals()
        for member in self:
            self.totals = self.totals.counting(member, 1)

    def rate(self, ceiling: Decimal) -> Decimal:
        """US dollars per hour of what runs; an unknown bid counts as the ceiling."""
        return self.totals.known + self.totals.unknown * ceiling

    def reserved(self, ceiling: Decimal) -> Decimal:
        """US dollars per hour of what runs, and of what is being recovered at the highest bid it may make."""
        recovering = Members(one for one in self if one.phase == "recovering")
        return self.rate(ceiling) - recovering.rate(ceiling) + sum(one.gpu_count for one in recovering) * ceiling

    def with_rows(self, changed: Mapping[int, Member]) -> Self:
        """The same with other members at some positions; many of them are not put there one by one."""
        if len(changed) * FEW > len(self):
            return type(self)(changed.get(place, one) for place, one in enumerate(self))
        made = self
        for place, one in changed.items():
            made = made.with_row(place, one)
        return made

    def with_row(self, place: int, row: Member) -> Self:
        """The same with another member at a position, or one more at the end."""
        made = super().with_row(place, row)
        before = self.totals if place == len(self) else self.totals.counting(self[place], -1)
        made.totals = before.counting(row, 1)
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A rental that was sent in the place of a cluster.

    Attributes:
        cluster_id: The cluster to replace; the rental's token follows from it.
        at: When the request was about to be sent, seconds of the caller's clock.
        by: Who was to send it.
        settled: Whether the fleet saw what came of it; otherwise the server may yet commit it.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    cluster_id: ClusterId
    at: float
    by: str = ""
    settled: bool = False

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.cluster_id


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """A cluster that another one replaced, or whose slot is gone, and that the account may still have.

    Attributes:
        cluster: The cluster, its machine, and what its volume costs.
        misses: Successful listings in a row that did not show it.
        unwanted: Whether its slot is gone: it is terminated, whatever the fleet does with what was replaced.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    cluster: RentElsewhere
    misses: Count = 0
    unwanted: bool = False

    @property
    def key(self) -> str:
        """What it is found by."""
        return self.cluster.old_cluster_id
