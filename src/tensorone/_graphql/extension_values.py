"""What entries of `errors` say beside their message, wherever a server puts it: codes, statuses, times to wait. Pure.

GraphQL leaves `extensions` to servers. An HTTP status stands in ``extensions.status``, ``.statusCode`` (Nest),
``.http.status`` (Apollo), ``.http.statusCode`` (Envelop), ``.response.status``, ``.exception.status``,
``.errorHttpCode`` (WordPress VIP); a code also in ``type`` (GitHub) or ``errorType`` (AppSync) of the entry itself.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tensorone._data.json import as_array, as_object

from . import retry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


DEPTH = 4  # objects inside each other that are searched: extensions.response.headers has three


_CODES = frozenset(
    {"CODE", "TYPE", "CATEGORY", "CLASSIFICATION", "REASON", "KIND", "ERROR", "STATUS", "STATUSCODE", "STATUSTEXT"}
    | {"ERRORCODE", "ERRORTYPE", "ERRORDETAIL", "ERRORHTTPCODE", "HTTPCODE", "HTTPSTATUS", "HTTPSTATUSCODE"}
)


_LONGEST = 100  # characters of a code


_SAID = frozenset({"message", "path", "locations"})


# Names under which servers write how long to wait; retryAfterSeconds: Codex, resetAt: ravangen's directive,
# retryDelay: Google, in a list of details.
_WAIT = re.compile(
    r"(?:X?RATELIMIT)?(?:RETRY(?:AFTER|IN|DELAY)|RESETS?(?:IN|AFTER)?|WAIT(?:FOR|TIME)?|COOLDOWN|BACKOFF)"
    r"(?P<unit>MS|MILLIS|MILLISECONDS|S|SECS?|SECONDS|MINS?|MINUTES)?"
)


_MOMENT = re.compile(r"(?:X?RATELIMIT)?(?:RESET|RETRY)(?:S)?(?:AT|TIME)")


_TIME = (
    r"(?P<number>\d+(?:\.\d+)?|an?\b|one\b)\ ?"
    r"(?P<unit>ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)(?![a-z])"
)


_TIMES = re.compile(_TIME, re.IGNORECASE)


# "try again in 9 seconds", "Retry in 1m 30s", "wait a minute"; "retry-after: 7".
_WAIT_WORDS = re.compile(
    rf"\b(?:again|available|retry|wait|resets?)\b\W{{0,2}}(?:\w+\ ){{0,2}}?"
    rf"(?P<times>(?:{_TIME.replace('?P<number>', '').replace('?P<unit>', '')}(?:,?\ ?(?:and\ )?)?)+)"
    r"|\bretry[- ]after\W{1,3}(?P<seconds>\d+(?:\.\d+)?)(?![\w.,])",
    re.IGNORECASE,
)


def squeezed(value: object) -> str:
    """A code or a name without case, dashes, underscores and blanks; numbers as they are written; else nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return re.sub(r"[\W_]", "", str(value)[:_LONGEST]).upper()


def codes(entry: Mapping[str, Any]) -> Iterator[str]:
    """Whatever in an entry is a code or a status by its name, without case, dashes and blanks."""
    for name, value in _values(entry):
        said = squeezed(value)
        if name in _CODES or (name == "NAME" and said.endswith(("ERROR", "EXCEPTION"))):
            yield said


def wait(entries: Iterable[Mapping[str, Any]], now: float) -> float | None:
    """The longest time to wait that entries ask for, in seconds; None if they ask for none.

    Args:
        entries: The entries of `errors`.
        now: Seconds since 1970, to read dates against.
    """
    found = [seconds for entry in entries for seconds in _waits(entry, now) if seconds is not None]
    return max(found, default=None)


def _waits(entry: Mapping[str, Any], now: float) -> Iterator[float | None]:
    for name, value in _values(entry):
        if found := _WAIT.fullmatch(name):
            yield _duration(value, now, _scale((found["unit"] or "S").lower()))
        elif _MOMENT.fullmatch(name):
            yield _until(value, now)
    message = entry.get("message")
    if isinstance(message, str) and (said := _WAIT_WORDS.search(message)):
        yield float(said["seconds"] or sum(map(_seconds, _TIMES.finditer(said["times"] or ""))))


def _seconds(time: re.Match[str]) -> float:
    number = time["number"]
    return (float(number) if number[0].isdigit() else 1.0) * _scale(time["unit"].lower())


def _scale(unit: str) -> float:
    if unit.startswith(("ms", "mil")):
        return 0.001
    return {"m": 60.0, "h": 3600.0}.get(unit[0], 1.0)


def _duration(value: object, now: float, scale: float) -> float | None:
    """Seconds; a date is one moment and has no unit."""
    words = "" if isinstance(value, bool) else str(value).strip()
    number = re.fullmatch(r"(-?[0-9.]+) ?(?:s|secs?|seconds?)?", words)
    seconds = retry.retry_after(number[1] if number else words, now)
    if seconds is None:
        return None if isinstance(value, bool) else _until(value, now)
    return seconds * (scale if number and float(number[1]) < retry.MOMENTS else 1.0)


def _until(value: object, now: float) -> float | None:
    """Seconds until a moment, written as by ISO 8601 or as seconds or milliseconds since 1970."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is not None:
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now)
    number = retry.number(str(value))
    return None if number is None else max(0.0, retry.moment(number) - now)


def _values(entry: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in entry.items():
        if name not in _SAID:
            yield from _leaves(name, value, DEPTH)


def _leaves(name: str, value: object, depth: int) -> Iterator[tuple[str, object]]:
    fields = as_object(value)
    items = as_array(value)
    if fields is None and items is None:
        yield squeezed(name), value
    elif depth:
        inside = (item for item in items or () if as_object(item) is not None)
        for inner, item in (*(fields or {}).items(), *((name, item) for item in inside)):
            yield from _leaves(inner, item, depth - 1)
