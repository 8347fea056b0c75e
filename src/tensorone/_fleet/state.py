"""What a fleet is bound by, and what it remembers: plain frozen values that survive a crash."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, TypedDict

from tensorone import _checks
from tensorone._errors import InvalidArgument

from . import saved_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorone._clusters.spec import ClusterSpec

    from .events import HeldBy


Phase = Literal["new", "booting", "up", "down", "recovering", "given_up"]


class FleetOptions(TypedDict):
    """Those of the settings that `spot.keep_running` is given."""

    width: int
    budget: Decimal | float | None
    max_hourly_spend: Decimal | float | None
    backoff_initial: float
    backoff_max: float
    stable_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSettings:
    """Bounds of a fleet.

    Args:
        ceiling: US dollars per GPU and hour; no recovery bids more, and an unknown bid counts as this much.
        width: Recoveries side by side at most; for whoever runs them.
        budget: US dollars for the whole fleet, from the first step on, after which nothing is bid for. An estimate
            from bids, GPUs and time; disks are not in it.
        max_hourly_spend: US dollars per hour that a recovery must not lead across, counted at its ceiling.
        backoff_initial: Seconds before the second recovery in a row of one cluster; doubles with each further one.
        backoff_max: Seconds, upper bound of that.
        stable_after: Seconds of running after which a cluster's next recovery starts at once again.
        settle_time: Seconds after a recovery in which a listing that shows the cluster stopped may be an old one.
        recheck: Seconds before the next recovery of a cluster for which there was nothing to bid; that is no failure,
            and costs a look at the prices.

    Raises:
        InvalidArgument: A value is out of range.
    """

    ceiling: Decimal | float
    width: int = 4
    budget: Decimal | float | None = None
    max_hourly_spend: Decimal | float | None = None
    backoff_initial: float = 15.0
    backoff_max: float = 300.0
    stable_after: float = 120.0
    settle_time: float = 5.0
    recheck: float = 7.5

    def __post_init__(self) -> None:
        _checks.integer("width", self.width, least=1)
        for name in ("backoff_initial", "backoff_max", "stable_after", "settle_time", "recheck"):
            _checks.seconds(name, getattr(self, name), zero=True)
        for name in ("ceiling", "budget", "max_hourly_spend"):
            if (value := getattr(self, name)) is not None or name == "ceiling":
                object.__setattr__(self, name, _checks.dollars(name, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One cluster of the fleet: plain values.

    Attributes:
        cluster_id: The cluster; another one after a move.
        origin: The cluster of the beginning, whose place it has.
        gpu_type_id: Its GPU type; None if unknown.
        gpu_count: Its GPUs.
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
        recoveries: How many recoveries succeeded.
    """

    cluster_id: str
    origin: str
    gpu_type_id: str | None = None
    gpu_count: int = 1
    bid_per_gpu: Decimal | None = None
    phase: Phase = "new"
    billed: bool = False
    gone: bool = False
    misses: int = 0
    strikes: int = 0
    retry_at: float = 0.0
    waiting_since: float | None = None
    limited: bool = False
    unknown_status: str | None = None
    recovered_at: float | None = None
    recoveries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetState:
    """All that a fleet remembers between two steps.

    Attributes:
        members: The clusters.
        at: When the last step was, None before the first.
        spent: US dollars so far, estimated.
        held_by: The limit that keeps a cluster from being recovered now, None while there is room.
    """

    members: tuple[Member, ...]
    at: float | None = None
    spent: Decimal = Decimal(0)
    held_by: HeldBy | None = None

    @classmethod
    def start(
        cls,
        gpus: Mapping[str, tuple[str | None, int]],
        bids: Mapping[str, Decimal | float | None] | None = None,
    ) -> FleetState:
        """A fleet of these clusters, each with its GPU type and number, and what it is billed, where that is known."""
        known = {name: _checks.dollars("bids", bid) for name, bid in (bids or {}).items() if bid is not None}
        for name, (_, count) in gpus.items():
            _checks.cluster_id(name)
            _checks.integer("gpu_count", count, least=0)
        if strangers := sorted(known.keys() - gpus.keys()):
            raise InvalidArgument("bids", f"names {', '.join(strangers)}, for which there is no spec")
        members = (
            Member(cluster_id=name, origin=name, gpu_type_id=gpu_type, gpu_count=count, bid_per_gpu=known.get(name))
            for name, (gpu_type, count) in gpus.items()
        )
        return cls(members=tuple(members))

    def interrupted(self) -> FleetState:
        """The same when nothing is under way any more: whatever bid was, count the ceiling for it."""
        members = (
            replace(one, phase="down", bid_per_gpu=None) if one.phase == "recovering" else one for one in self.members
        )
        return replace(self, members=tuple(members))

    def to_json(self) -> str:
        """The state as text, to be saved after each step."""
        return json.dumps({"version": saved_state.VERSION, **asdict(self)}, default=str)

    @classmethod
    def from_json(cls, text: str) -> FleetState:
        """The state as it was saved, for a process that takes it up.

        Recoveries that were under way begin again, with the same number. The clock must go on: seconds since 1970 do.

        Raises:
            InvalidArgument: The text is no saved state, or one of another version.
        """
        saved, members = saved_state.read(text)
        state = cls(members=tuple(Member(**one) for one in members), **saved)
        return state.interrupted()


def restored(
    specs: Mapping[str, ClusterSpec], bids: Mapping[str, Decimal | float | None] | None, saved: str | None
) -> FleetState:
    """The state to begin with: as it was saved, with clusters that are new. Pure.

    Raises:
        InvalidArgument: It cannot be read, or has a cluster for which there is no spec.
    """
    begun = FleetState.start({name: (spec.candidates[0], spec.gpu_count) for name, spec in specs.items()}, bids)
    if saved is None:
        return begun
    state, types = FleetState.from_json(saved), {member.origin: member.gpu_type_id for member in begun.members}
    known = {member.origin for member in state.members}
    if missing := sorted(known - specs.keys()):
        raise InvalidArgument("specs", f"has no spec for {', '.join(missing)}, which the saved state keeps running")
    # A state of the first version names no types; what never moved is of its spec's first.
    same = (
        replace(one, gpu_type_id=types[one.origin]) if one.gpu_type_id is None and one.cluster_id == one.origin else one
        for one in state.members
    )
    new = (member for member in begun.members if member.origin not in known)
    return replace(state, members=(*same, *new))
