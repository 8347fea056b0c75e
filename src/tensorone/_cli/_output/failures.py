"""What went wrong, as an exit status and an object of JSON: the same for every command. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import tensorone as sdk
from tensorone._data.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

STATUS = {
    "not_found": 1,
    "server_error": 1,
    "connection_failed": 1,
    "unsupported": 1,
    "invalid_argument": 2,
    "configuration": 2,
    "declined": 3,
    "unauthorized": 4,
    "no_capacity": 5,
    "bid_ceiling": 5,
    "spend_limit": 5,
    "rate_limited": 5,
    "some_failed": 6,
    "timed_out": 7,
    "outcome_unknown": 8,
    "interrupted": 130,
}
"""Exit status by code; docs/cli.md has them with their meanings."""

_CODES: tuple[tuple[type[Exception], str], ...] = (
    (sdk.AuthenticationError, "unauthorized"),
    (sdk.ConfigurationError, "configuration"),
    (sdk.InvalidArgument, "invalid_argument"),
    (sdk.OutcomeUnknown, "outcome_unknown"),
    (sdk.WaitTimedOut, "timed_out"),
    (sdk.NoCapacity, "no_capacity"),
    (sdk.BidTooLow, "bid_ceiling"),
    (sdk.BidCeilingReached, "bid_ceiling"),
    (sdk.SpendLimitReached, "spend_limit"),
    (sdk.RateLimited, "rate_limited"),
    (sdk.ClusterNotFound, "not_found"),
    (sdk.OperationUnsupported, "unsupported"),
    (sdk.ConnectionFailed, "connection_failed"),
)

_HINTS = {
    "not_found": "tensorone ls",
    "unauthorized": "tensorone login, or set TENSORONE_API_KEY",
    "no_capacity": "tensorone gpus",
    "connection_failed": "tensorone doctor",
    "unsupported": "tensorone doctor",
}

_RENTING = {"DeployCluster", "RentSpotCluster", "ResumeCluster", "ResumeSpotCluster"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure.

    Attributes:
        code: What went wrong, as a word that stays.
        message: The same for a person.
        hint: The command that helps, or None.
        ids: The clusters that it is about.
        token: The client token of a rental that may have happened.
        retryable: Whether the same command, later, is safe and may succeed.
        billing: What may cost money because of it, as text.
        request_id: The server's id of the request.
        signal: The signal that interrupted the command.
    """

    code: str
    message: str
    hint: str | None = None
    ids: tuple[str, ...] = ()
    token: str | None = None
    retryable: bool = False
    billing: str | None = None
    request_id: str | None = None
    signal: int | None = None

    @property
    def status(self) -> int:
        """The exit status."""
        return STATUS[self.code] if self.signal is None else 128 + self.signal


class CommandFailed(Exception):
    """A command ends here.

    Attributes:
        failure: Why.
        payload: What it achieved all the same, as JSON has it.
    """

    def __init__(self, failure: Failure, payload: dict[str, Any] | None = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.payload = payload or {}


def failed(code: str, message: str, *, hint: str | None = None, ids: Sequence[str] = ()) -> CommandFailed:
    """A failure that a command finds itself."""
    return CommandFailed(Failure(code=code, message=message, hint=hint or _HINTS.get(code), ids=tuple(ids)))


def failure_of(error: Exception, *, ids: Sequence[str] = ()) -> Failure:
    """The failure that an error of the library is."""
    if isinstance(error, CommandFailed):
        return replace(error.failure, ids=error.failure.ids or tuple(ids))
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "server_error")
    billing: str | None = getattr(error, "billing", None)
    if billing and code in {"server_error", "connection_failed"} and getattr(error, "operation", None) in _RENTING:
        code = "outcome_unknown"
    return Failure(
        code=code,
        message=str(error),
        hint=_HINTS.get(code),
        ids=tuple(ids),
        token=getattr(error, "client_token", None),
        retryable=bool(getattr(error, "retryable", False)),
        billing=billing,
        request_id=getattr(error, "request_id", None),
    )


def failure_of_several(failures: Sequence[Failure], *, of: int, what: str) -> Failure | None:
    """What several failures come to: their own where all failed alike, else that some did; None without any."""
    if not failures:
        return None
    if len(failures) == of and len({each.code for each in failures}) == 1:
        first, ids = failures[0], tuple(each for failure in failures for each in failure.ids)
        return (
            replace(first, ids=ids) if of == 1 else replace(first, message=f"all {of} {what}: {first.message}", ids=ids)
        )
    return Failure(
        code="some_failed",
        message=f"{len(failures)} of {of} {what}: {failures[0].message}",
        ids=tuple(each for failure in failures for each in failure.ids),
        token=next((each.token for each in failures if each.token), None),
        billing=next((each.billing for each in failures if each.billing), None),
    )
