"""What may be sent again, when, and when not: a frozen policy and pure functions over it."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tensorone import _checks
from tensorone._data.dataclass import dataclass

__all__ = ["RetryPolicy"]


# Statuses after which the same request may well succeed; 520 to 524 are what proxies in front of servers add.
RETRYABLE_STATUSES = frozenset({502, 503, 504, 520, 521, 522, 523, 524})


WAIT_INITIAL = 0.25  # seconds


MOMENTS = 1e9  # a number from here on is one of seconds since 1970, and no time to wait


_LATEST = 3e9  # of a moment in seconds; beyond that it is in milliseconds


_IMPOSSIBLE = 1e14  # milliseconds since 1970, in the year 5138


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How often and how long to repeat what is safe to repeat: reads, `stop` and `terminate`.

    What rents or resumes is sent again only when it certainly did not happen: nothing was sent, or the server
    said that too many requests were, by status 429 or in the errors of its response. Time spent waiting for a free
    connection or for the account's rate limit counts neither as attempt nor as time. The wait before attempt n is
    drawn evenly from 0 to ``wait_initial * 2 ** (n - 2)`` seconds, at most `wait_max`; a longer `Retry-After` of the
    server wins.

    Args:
        attempts: Requests at most for one call, the first included; 1 means no repeats.
        total_timeout: Seconds for all attempts and the waits between them. A `Retry-After` that does not fit
            ends the call at once.
        wait_initial: Seconds, upper bound of the first wait.
        wait_max: Seconds, upper bound of every wait; not below a `wait_initial` that is given.

    Raises:
        InvalidArgument: A value is out of range.
    """

    attempts: int = 5
    total_timeout: float = 90.0
    wait_initial: float = WAIT_INITIAL
    wait_max: float = 15.0

    def __post_init__(self) -> None:
        _checks.integer("attempts", self.attempts, least=1)
        _checks.seconds("total_timeout", self.total_timeout)
        _checks.seconds("wait_initial", self.wait_initial, zero=True)
        _checks.seconds("wait_max", self.wait_max, zero=True)
        _checks.not_above("wait_initial", self.wait_initial, "wait_max", self.wait_max, default=WAIT_INITIAL)


def pause(policy: RetryPolicy, *, attempts: int, spent: float, retry_after: float | None, draw: float) -> float | None:
    """Seconds to wait before the next attempt, or None to give up.

    Args:
        policy: The bounds.
        attempts: Attempts made so far.
        spent: Seconds used so far.
        retry_after: What the server asked for, seconds.
        draw: A random number from 0 to 1.
    """
    if attempts >= policy.attempts:
        return None
    bound = min(policy.wait_max, policy.wait_initial * 2.0 ** min(attempts - 1, 60))
    wait = max(draw * bound, retry_after or 0.0)
    return wait if spent + wait < policy.total_timeout else None


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds that a `Retry-After` header asks for, written as a number or as an HTTP date.

    A number of thirty years and more is a moment: taken at its word, it would stop the client for good.

    Args:
        header: The value, or None.
        now: Seconds since 1970, to read a date against.
    """
    if header is None:
        return None
    seconds = number(header)
    if seconds is None:
        seconds = _until(header, now)
    elif seconds >= MOMENTS:
        seconds = moment(seconds) - now
    return None if seconds is None else max(0.0, seconds)


def number(text: str) -> float | None:
    """The number that a text is; None for another text, and for none that can be a time."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if abs(found) < _IMPOSSIBLE else None


def moment(since: float) -> float:
    """Seconds since 1970, which servers also write as milliseconds."""
    return since / 1000 if since > _LATEST else since


def _until(date: str, now: float) -> float | None:
    try:
        found = parsedate_to_datetime(date)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() - now


def utc_now() -> float:
    """Seconds since 1970."""
    return datetime.now(UTC).timestamp()
