"""What a fleet is bound by, and what it remembers: plain frozen values that survive a crash. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field, replace
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypedDict

from pydantic import Field, TypeAdapter, ValidationError

from tensorone import _checks
from tensorone._data.dataclass import dataclass
from tensorone._data.json import as_object
from tensorone._data.rows import Rows
from tensorone._errors import ConfigurationError, InvalidArgument

from .changes import Change, applied
from .events import Event, HeldBy  # noqa: TC001 - pydantic reads them
from .member import STRICT, Count, LeftBehind, Member, Members, Sent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tensorone._clusters.spec import ClusterSpec


__all__ = ["FleetSettings", "FleetState"]

VERSION = 3

READABLE = (1, 2, VERSION)  # 1 had no GPU types; 1 and 2 had nothing of rentals sent, of what was left, and unread


OnLeaving = Literal["keep", "terminate"]


class FleetOptions(TypedDict):
    """Those of the settings that `spot.keep_running` is given."""

    width: int
    budget: Decimal | float | None
    max_hourly_spend: Decimal | float | None
    backoff_initial: float
    backoff_max: float
    stable_after: float
    left_behind: OnLeaving


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
        recheck: Seconds before the next recovery of a cluster for which there was nothing to bid; that is no reason to
            back off, and costs one read of the prices.
        left_behind: What to do with a cluster that another one replaced, once that runs.

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
    left_behind: OnLeaving = "keep"

    def __post_init__(self) -> None:
        _checks.integer("width", self.width, least=1)
        for name in ("backoff_initial", "backoff_max", "stable_after", "settle_time", "recheck"):
            _checks.seconds(name, getattr(self, name), zero=True)
        _checks.not_above("backoff_initial", self.backoff_initial, "backoff_max", self.backoff_max, default=15.0)
        _checks.one_of("left_behind", self.left_behind, OnLeaving)
        for name in ("ceiling", "budget", "max_hourly_spend"):
            if (value := getattr(self, name)) is not None or name == "ceiling":
                object.__setattr__(self, name, _checks.dollars(name, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetState:
    """All that a fleet remembers between two steps.

    Attributes:
        members: The clusters.
        at: When the last step was, None before the first.
        spent: US dollars so far, estimated.
        held_by: The limit that keeps a cluster from being recovered now, None while there is room.
        sent: Rentals sent in the place of clusters, for as long as they may be committed.
        left_behind: Clusters that were replaced, until the account no longer has them.
        unread: Events that nobody has read yet.
        run: Which run wrote this.
        epoch: How many runs took the fleet over, that one included.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    members: Members
    at: float | None = None
    spent: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    held_by: HeldBy | None = None
    sent: Rows[Sent] = field(default_factory=Rows[Sent])
    left_behind: Rows[LeftBehind] = field(default_factory=Rows[LeftBehind])
    unread: tuple[Annotated[Event, Field(union_mode="left_to_right")], ...] = ()
    run: str = ""
    epoch: Count = 0

    def __post_init__(self) -> None:
        kinds: dict[str, Any] = {"members": Members, "sent": Rows, "left_behind": Rows}
        for name, kind in kinds.items():
            if not isinstance(given := getattr(self, name), Rows):  # as callers write them
                object.__setattr__(self, name, kind(given))

    @classmethod
    def start(
        cls,
        gpus: Mapping[str, tuple[str | None, int]],
        bids: Mapping[str, Decimal | float | None] | None = None,
    ) -> FleetState:
        """A fleet of these clusters, each with its GPU type and number, and what it is billed, where that is known."""
        known = _known_bids(bids)
        for name, (_, count) in gpus.items():
            _checks.cluster_id(name)
            _checks.integer("gpu_count", count, least=0)
        if strangers := sorted(known.keys() - gpus.keys()):
            raise InvalidArgument("bids", f"names {', '.join(strangers)}, for which there is no spec")
        members = (
            Member(cluster_id=name, origin=name, gpu_type_id=gpu_type, gpu_count=count, bid_per_gpu=known.get(name))
            for name, (gpu_type, count) in gpus.items()
        )
        return cls(members=Members(members))

    def interrupted(self) -> FleetState:
        """The same when nothing is under way any more: whatever bid was made, count the ceiling for it."""
        if all(one.phase != "recovering" for one in self.members):
            return self
        members = (
            replace(one, phase="down", bid_per_gpu=None) if one.phase == "recovering" else one for one in self.members
        )
        return replace(self, members=Members(members))

    @property
    def cluster_ids(self) -> tuple[str, ...]:
        """The members, for `client.fleet.look`."""
        return tuple(one.cluster_id for one in self.members)

    @property
    def other_ids(self) -> tuple[str, ...]:
        """Clusters that a look has to tell about besides: left behind, replaced, or being replaced."""
        past = (each for one in self.members for each in one.past)
        others = dict.fromkeys((*(one.key for one in self.left_behind), *past, *(one.key for one in self.sent)))
        return tuple(each for each in others if self.members.find(each) is None)

    @property
    def own_bids(self) -> dict[str, tuple[Decimal, ...]]:
        """What the running members are billed, by GPU type, each amount once; for `client.fleet.round`."""
        found: dict[str, tuple[Decimal, ...]] = {}
        for name, bid in self.members.totals.bids:
            if name is not None:
                found[name] = (*found.get(name, ()), bid)
        return found

    def sent_before(self, cluster_id: str) -> Sent | None:
        """The rental that was sent, or may have been, in the place of a cluster, while nobody saw what came of it."""
        place = self.sent.find(cluster_id)
        return None if place is None or self.sent[place].settled else self.sent[place]

    def to_json(self) -> str:
        """The state as text, to be saved after each step."""
        return json.dumps({"version": VERSION, **_form().dump_python(self, mode="json")})

    @classmethod
    def from_json(cls, text: str) -> FleetState:
        """The state as it was saved, for a process that continues from it; with the changes on the lines after it.

        Recoveries that were under way begin again. The clock must go on: seconds since 1970 do.

        Raises:
            InvalidArgument: The text is not a saved state, or one of another version.
        """
        saved, lines = _parts(text)
        if (version := saved.pop("version")) not in READABLE:
            raise InvalidArgument("state", f"was saved in format {version}, and this version reads {VERSION}")
        try:
            state = _form().validate_json(json.dumps(saved))
        except ValidationError as error:
            raise InvalidArgument("state", f"is not a valid saved state of a fleet: {_words(error)}") from error
        for name in ("cluster_id", "origin"):
            if len({getattr(one, name) for one in state.members}) < len(state.members):
                raise InvalidArgument("state", f"is not a valid saved state of a fleet: {name} names a cluster twice")
        if version < VERSION:  # it says nothing of rentals: one may have been sent for each that was under way
            under_way = (one.cluster_id for one in state.members if one.phase == "recovering")
            state = replace(state, sent=Rows(Sent(cluster_id=each, at=state.at or 0.0) for each in under_way))
        return _changed(state, lines).interrupted()


def _known_bids(given: Mapping[str, Decimal | float | None] | None) -> dict[str, Decimal]:
    """What clusters are billed, where it is known."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - a caller may give anything
        raise InvalidArgument("bids", f"must map ids of clusters to their bids, not {type(given).__name__}")
    return {
        _checks.cluster_id(name, "bids"): _checks.dollars("bids", bid) for name, bid in given.items() if bid is not None
    }


@cache
def _form() -> TypeAdapter[FleetState]:
    return TypeAdapter(FleetState)


def _parts(text: str) -> tuple[dict[str, Any], list[str]]:
    """The fields of a saved state, not checked yet, and the lines after it."""
    try:
        found, end = json.JSONDecoder().raw_decode(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument("state", "is not a valid saved state of a fleet") from error
    saved = as_object(found)
    if saved is None or "version" not in saved:
        raise InvalidArgument("state", "is not a valid saved state of a fleet")
    return dict(saved), text[end:].split("\n")


def _changed(state: FleetState, lines: Iterable[str]) -> FleetState:
    try:
        return applied(state, map(Change.from_json, filter(str.strip, lines)))
    except (KeyError, ValueError) as error:
        raise InvalidArgument("state", "is followed by what is not a change of this fleet") from error


def _words(error: ValidationError) -> str:
    first, *_ = error.errors(include_url=False)
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def restored(
    specs: Mapping[str, ClusterSpec], bids: Mapping[str, Decimal | float | None] | None, saved: str | None
) -> FleetState:
    """The state to begin with: as it was saved, with clusters that are new. Pure.

    Raises:
        InvalidArgument: It cannot be read, or has a cluster for which there is no spec.
    """
    begun = FleetState.start({name: (spec.candidates[0], spec.gpu_count) for name, spec in specs.items()}, bids)
    if saved is None:
        sized = (replace(one, volume_in_gb=specs[one.origin].volume_in_gb) for one in begun.members)
        return replace(begun, members=Members(sized))
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
    sized = (replace(one, volume_in_gb=specs[one.origin].volume_in_gb) for one in (*same, *new))
    return replace(state, members=Members(sized))


def check_writer(state: FleetState, saved: str | None) -> None:
    """Refuses to go on with a fleet that another run has taken over since: two keepers would undo each other.

    Raises:
        ConfigurationError: What was saved is of a later run.
    """
    if not saved:
        return
    found, _ = _parts(saved)
    if found.get("run") != state.run and found.get("epoch", 0) >= state.epoch:
        raise ConfigurationError(
            f"another keep_running (run {found.get('run')}) continued from the saved state of this one (run"
            f" {state.run}) and has taken over its clusters. Nothing more is done here: end this one"
        )
