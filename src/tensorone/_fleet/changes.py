"""What became of a saved state since: as little as one observation changed, as one line of JSON. Pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

from pydantic import Field, TypeAdapter

from tensorone._data.dataclass import dataclass
from tensorone._data.rows import Row, Rows

from .events import Event, HeldBy  # noqa: TC001 - pydantic reads them
from .member import STRICT, Count, LeftBehind, Member, Sent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .state import FleetState

R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What differs between two states of one run, whose members have the same places.

    Attributes:
        at: When the last step was.
        spent: US dollars so far.
        held_by: The limit that holds recoveries back.
        members: The members that changed; their `origin` says which.
        sent: The rentals that are new or changed.
        unsent: The clusters whose rentals are forgotten.
        left_behind: Clusters that are new or changed among those left behind.
        ended: The clusters that are no longer among them.
        read: How many of the events were read.
        unread: The events that came after the others.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    at: float | None = None
    spent: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    held_by: HeldBy | None = None
    members: tuple[Member, ...] = ()
    sent: tuple[Sent, ...] = ()
    unsent: tuple[str, ...] = ()
    left_behind: tuple[LeftBehind, ...] = ()
    ended: tuple[str, ...] = ()
    read: Count = 0
    unread: tuple[Annotated[Event, Field(union_mode="left_to_right")], ...] = ()

    def to_json(self) -> str:
        """One line, without what is as it is by default."""
        return _form().dump_json(self, exclude_defaults=True).decode()

    @classmethod
    def from_json(cls, line: str) -> Change:
        """The change that a line holds.

        Raises:
            ValueError: It holds none.
        """
        return _form().validate_json(line)


@cache
def _form() -> TypeAdapter[Change]:
    return TypeAdapter(Change)


def between(before: FleetState, after: FleetState) -> Change | None:
    """What leads from one state to the other; None where they are not of one run and of the same places.

    It looks at what one step may have changed, and at no more of the fleet.
    """
    if (before.run, before.epoch, len(before.members)) != (after.run, after.epoch, len(after.members)):
        return None
    members = [(old, new) for old, new in after.members.differing(before.members) if old and new and old != new]
    if any(old.origin != new.origin for old, new in members):
        return None
    (sent, unsent), (left, ended) = _rows(before.sent, after.sent), _rows(before.left_behind, after.left_behind)
    read = _read(before.unread, after.unread)
    return Change(
        at=after.at,
        spent=after.spent,
        held_by=after.held_by,
        members=tuple(new for _, new in members),
        sent=sent,
        unsent=unsent,
        left_behind=left,
        ended=ended,
        read=read,
        unread=after.unread[len(before.unread) - read :],
    )


def applied(state: FleetState, changes: Iterable[Change]) -> FleetState:
    """The state after changes, which are those that followed it; rows that came back to a list are at its end.

    Raises:
        KeyError: One is of another fleet.
    """
    places = {member.origin: place for place, member in enumerate(state.members)}
    for each in changes:
        state = _applied(state, each, places)
    return state


def _applied(state: FleetState, change: Change, places: dict[str, int]) -> FleetState:
    members = state.members
    for member in change.members:
        members = members.with_row(places[member.origin], member)
    return replace(
        state,
        at=change.at,
        spent=change.spent,
        held_by=change.held_by,
        members=members,
        sent=_with(state.sent, change.sent, change.unsent),
        left_behind=_with(state.left_behind, change.left_behind, change.ended),
        unread=(*state.unread[change.read :], *change.unread),
    )


def _rows(before: Rows[R], after: Rows[R]) -> tuple[tuple[R, ...], tuple[str, ...]]:
    """The rows to put, and the keys to remove."""
    pairs = list(after.differing(before))
    old = {row.key: row for row, _ in pairs if row is not None}
    new = {row.key: row for _, row in pairs if row is not None}
    put = tuple(row for key, row in new.items() if old.get(key) != row)
    return put, tuple(key for key in old if key not in new)


def _with(rows: Rows[R], put: Iterable[R], gone: Iterable[str]) -> Rows[R]:
    for key in gone:
        rows = rows.without(key)
    for row in put:
        rows = rows.with_key(row)
    return rows


def _read(before: tuple[Event, ...], after: tuple[Event, ...]) -> int:
    """How many of the events are not there any more: they are read from the front, and added behind."""
    if not after:
        return len(before)
    start = next((place for place, event in enumerate(before) if event == after[0]), len(before))
    return start if after[: len(before) - start] == before[start:] else len(before)
