"""What a picture is drawn from, checked: what cannot be drawn is an `InvalidArgument` that names its place."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, cast

from tensorone._errors import InvalidArgument
from tensorone._fleet.events import BidMade, Event, Moved, Recovered
from tensorone._market.attempt_log import Attempt

Price = tuple[float, float | None]

MOST = sys.float_info.max


class Timed(NamedTuple):
    """An event of a fleet or an attempt, and its place in the history.

    Attributes:
        at: When, seconds of the clock of the history.
        what: The event or the attempt.
        usd_per_gpu: Its bid, US dollars per GPU and hour; None where it has none.
    """

    at: float
    what: Event | Attempt
    usd_per_gpu: float | None


def history(field: str, given: object) -> list[Timed]:
    """The events and attempts of a history, whatever else is in it."""
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise InvalidArgument(field, f"must be a list of events or attempts, not {type(given).__name__}")
    listed = list(cast("Iterable[object]", given))
    places = ((f"{field}[{index}]", each) for index, each in enumerate(listed))
    return [_timed(place, each) for place, each in places if isinstance(each, Event | Attempt)]


def _timed(place: str, each: Event | Attempt) -> Timed:
    at = (_timestamp if isinstance(each, Attempt) else moment)(f"{place}.at", each.at)
    bid = each.bid_per_gpu if isinstance(each, Attempt | BidMade | Recovered | Moved) else None
    return Timed(at, each, money(f"{place}.bid_per_gpu", bid))


def moment(field: str, value: object) -> float:
    """A moment, in seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        hint = ": pass its .timestamp()" if hasattr(value, "timestamp") else ""
        raise InvalidArgument(field, f"must be a number of seconds, not {type(value).__name__}{hint}")
    if not abs(value) <= MOST:
        raise InvalidArgument(field, f"must be a finite number of seconds, not {value}")
    return float(value)


def period(start: object, end: object) -> tuple[float, float]:
    """When a picture begins and ends."""
    begin, until = moment("start", start), moment("end", end)
    if until < begin:
        raise InvalidArgument("end", f"must not be before the start, {begin:g}, but is {until:g}")
    return begin, until


def _timestamp(field: str, value: object) -> float:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise InvalidArgument(field, f"must be a datetime with a time zone, not {value!r}")
    return value.timestamp()


def money(field: str, value: object) -> float | None:
    """US dollars, also as text such as ``"0.25"``, or None where they are not known."""
    if value is None:
        return None
    if isinstance(value, str):
        with suppress(ArithmeticError):
            value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidArgument(field, f"must be a number of US dollars, not {type(value).__name__}")
    if not Decimal(value).is_finite() or not 0 <= value <= MOST:
        raise InvalidArgument(field, f"must be a finite number of US dollars from 0, not {value}")
    return float(value)


def fleet(given: object) -> dict[str, float | None]:
    """The bid of each cluster that ran at the start."""
    words = "must map the id of each cluster to its bid, or to None"
    return {each: money(f"fleet[{each!r}]", bid) for each, bid in _named("fleet", given, words)}


def prices(given: object) -> dict[str, list[Price]]:
    """What the market asked for each GPU type, in the order of time; without those of which nothing is known."""
    words = "must map each GPU type to pairs of seconds and US dollars"
    asked = {name: _pairs(f"prices[{name!r}]", pairs) for name, pairs in _named("prices", given, words)}
    return {name: sorted(pairs, key=lambda pair: pair[0]) for name, pairs in asked.items() if pairs}


def _named(field: str, given: object, words: str) -> list[tuple[str, object]]:
    if not isinstance(given, Mapping):
        raise InvalidArgument(field, f"{words}, not {type(given).__name__}")
    named = cast("Mapping[object, object]", given)
    for name in named:
        if not isinstance(name, str):
            raise InvalidArgument(field, f"{words}; {name!r} is no string")
    return list(cast("Mapping[str, object]", named).items())


def _pairs(field: str, given: object) -> list[Price]:
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise InvalidArgument(field, f"must be pairs of seconds and US dollars, not {type(given).__name__}")
    listed = list(cast("Iterable[object]", given))
    return [_pair(f"{field}[{index}]", each) for index, each in enumerate(listed)]


def _pair(field: str, given: Any) -> Price:
    try:
        at, price = given
    except (TypeError, ValueError):
        raise InvalidArgument(field, f"must be a pair of seconds and US dollars, not {given!r}") from None
    return moment(field, at), money(field, price)
