"""Whether a rental whose answer was lost happened: a pure decision from the token, the listings and the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tensorone._data.dataclass import dataclass
from tensorone._session.token_and_expiry import with_token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tensorone._generated import Cluster


FIRST_LOOK = 0.25  # seconds after the answer was lost

LONGEST_PAUSE = 4.0  # seconds between two listings at most

SETTLE_FACTOR = 1.5  # times the settling time: how long failed listings are repeated


class Adopt(NamedTuple):
    """The cluster exists: return it, and terminate its duplicates."""

    cluster: Cluster
    duplicates: tuple[Cluster, ...]


class LookAgain(NamedTuple):
    """Not listed, which proves nothing yet: the server may commit late and its listing may lag."""

    at: float


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not listed during the whole settling time."""


def decide(
    clusters: Iterable[Cluster] | None, token: str, *, lost_at: float, now: float, settle_time: float
) -> Adopt | LookAgain | Unknown:
    """What a listing says about a rental.

    Args:
        clusters: The clusters listed; None if the listing failed, which proves nothing.
        token: The rental's token.
        lost_at: When the answer was lost.
        now: The time, by the same clock.
        settle_time: Seconds after which neither a late commit nor a lagging listing is expected.
    """
    found = with_token(clusters or (), token)
    if found:
        return Adopt(found[0], tuple(found[1:]))
    end = lost_at + settle_time * (SETTLE_FACTOR if clusters is None else 1.0)
    if now >= end:
        return Unknown()
    return LookAgain(min(next_look(lost_at, now), end))


def next_look(lost_at: float, now: float) -> float:
    """When to list again: soon at first, then at doubling intervals, so that a lost answer costs few listings."""
    elapsed = max(now - lost_at, 0.0)
    return now + min(max(elapsed, FIRST_LOOK), LONGEST_PAUSE)
