"""Events of single requests: attempts, repeats and pauses. Pure."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar, Literal

from tensorone._data.dataclass import dataclass

from . import keys
from .event import Event, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .event import Attribute

__all__ = ["Attempted", "Paused", "Repeating"]

Outcome = Literal["ok", "refused", "lost", "unknown", "cancelled"]

_OPERATION = {"operation": keys.OPERATION, "operation_type": keys.OPERATION_TYPE, "call": keys.CALL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted(Event):
    """One request came to its end.

    Attributes:
        call: The call that sends it, such as ``"clusters.list"``.
        operation: The name of its GraphQL operation.
        operation_type: Query or mutation.
        outcome: ``"ok"``; ``"refused"`` by an answer; ``"lost"`` where no answer could be read; or ``"cancelled"``.
        attempt: Which attempt of its call it was, from 1.
        seconds: How long it took.
        queue_seconds: How long it waited in the client's queue before.
        status_code: The HTTP status; None without an answer.
        error_type: The class of the error; None after a success.
        request_id: The server's name for it, if it gave one.
    """

    NAME: ClassVar[str] = "attempt"
    LEVEL: ClassVar[int] = logging.DEBUG
    KEYS: ClassVar[Mapping[str, str]] = {
        **_OPERATION,
        "outcome": keys.OUTCOME,
        "status_code": keys.STATUS,
        "error_type": keys.ERROR,
        "request_id": keys.REQUEST_ID,
        "queue_seconds": keys.QUEUED,
    }

    call: str
    operation: str
    operation_type: Literal["query", "mutation"]
    outcome: Outcome
    attempt: int
    seconds: float
    queue_seconds: float
    status_code: int | None = None
    error_type: str | None = None
    request_id: str | None = None

    @property
    def attributes(self) -> dict[str, Attribute]:
        """As of every event, with the number of repeats before it, where there were any."""
        resends: dict[str, Attribute] = {} if self.attempt == 1 else {keys.RESENDS: self.attempt - 1}
        return super(Attempted, self).attributes | resends  # noqa: UP008 - slots make another class: bare super() is lost

    def __str__(self) -> str:
        result = {"lost": "no readable answer", "cancelled": "cancelled"}.get(self.outcome, str(self.status_code))
        error = "" if self.error_type is None or self.outcome == "cancelled" else f", {self.error_type},"
        more = f", request {self.request_id}" if self.request_id else ""
        where = f"(attempt {self.attempt}, queued {seconds(self.queue_seconds)}{more})"
        return f"{self.call}: {result}{error} in {seconds(self.seconds)} {where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeating(Event):
    """A request failed and is sent again, because that is safe. At DEBUG after a rate limit: `Paused` says so once.

    Attributes:
        call: The call that sends it.
        operation: The name of its GraphQL operation.
        operation_type: Query or mutation.
        reason: What failed.
        attempt: Which attempt the next one is.
        attempts: How many there may be.
        wait: Seconds until then; None after a rate limit, whose pause all calls share.
        status_code: The HTTP status of the one that failed; None without an answer.
        error_type: The class of its error.
    """

    NAME: ClassVar[str] = "repeat"
    KEYS: ClassVar[Mapping[str, str]] = {
        **_OPERATION,
        "status_code": keys.STATUS,
        "error_type": keys.ERROR,
        "wait": keys.PAUSED,
    }

    call: str
    operation: str
    operation_type: Literal["query", "mutation"]
    reason: str
    attempt: int
    attempts: int
    wait: float | None
    status_code: int | None
    error_type: str

    def __str__(self) -> str:
        when = "after the pause" if self.wait is None else f"in {seconds(self.wait)}"
        status = "" if self.status_code is None or "HTTP" in self.reason else f"HTTP {self.status_code}, "
        return f"{self.call}: {status}{self.reason}; again {when} (attempt {self.attempt} of {self.attempts})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(Event):
    """The server limited the rate: every call of this client waits. A warning from one second on.

    Attributes:
        seconds: For how long; None where the server named no time and a gate decides.
        waiting: How many requests are in the queue.
    """

    NAME: ClassVar[str] = "paused"
    LEVEL: ClassVar[int] = logging.WARNING
    KEYS: ClassVar[Mapping[str, str]] = {"seconds": keys.PAUSED, "waiting": keys.WAITING}

    seconds: float | None
    waiting: int

    def __str__(self) -> str:
        queued = f"; {self.waiting} in the queue" if self.waiting else ""
        wait = "as long as its gate says" if self.seconds is None else seconds(self.seconds)
        return f"rate limit: all calls of this client wait {wait}{queued}"
