"""What one attempt came to, when it did not succeed: the error, and whether the server may have acted. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tensorone._errors import (
    AuthenticationError,
    BidTooLow,
    ClusterNotFound,
    ConnectionFailed,
    NoCapacity,
    OperationUnsupported,
    OutcomeUnknown,
    QueryError,
    RateLimited,
    RequestTimedOut,
    TensorOneError,
    UnexpectedResponse,
)
from tensorone._json import as_object

from . import decoding, retry, server_errors
from .retry import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorone._http.response_body import Undelivered, Unreadable
    from tensorone._http.transport import Answer
    from tensorone._redaction import Redactor

    from .operation import Operation


BILLED = "what the answer's data names exists, and is billed until it is stopped or terminated"


_RUNS = "a cluster may run because of it, and is billed until it is stopped or terminated"


_WORKS = "the endpoint may be there, and bills its workers while they run"


# What may be billed after a mutation, by its root field; None for nothing.
MAYBE_BILLED: Mapping[str, str | None] = {
    "clusterFindAndDeployOnDemand": _RUNS,
    "clusterRentInterruptable": _RUNS,
    "clusterResume": _RUNS,
    "clusterBidResume": _RUNS,
    "saveEndpoint": _WORKS,
    "deleteEndpoint": _WORKS,
    "saveTemplate": None,
    "deleteTemplate": None,
}


# Of a field that only a user's own operation has.
_OTHER = "what it makes or starts may be there, and billed"


REQUEST_ID_HEADERS = ("x-request-id", "x-amzn-requestid", "cf-ray")


HINTS: Mapping[type[TensorOneError], str] = {
    AuthenticationError: "check the key in TENSORONE_API_KEY, its expiry date and its rights",
    RateLimited: "send less, or give RetryPolicy a longer total_timeout",
    ClusterNotFound: "list the clusters to see which there are",
    NoCapacity: "try another GPU type or cloud, or later",
    BidTooLow: "ask client.spot.quote for the minimum",
    OperationUnsupported: "the server's schema is another one: update the SDK, or regenerate it from that schema",
    ConnectionFailed: "check the network and the url",
    RequestTimedOut: "try again, or give the client a longer timeout",
    UnexpectedResponse: "check the url; if it is right, the server has a fault or moved on: update the SDK",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A failed attempt.

    Attributes:
        kind: Class of the error.
        words: What happened.
        details: Further arguments of the error.
        acted: The server may have acted, or did.
        passing: The same request may well succeed later.
        retry_after: Seconds the server asked to wait.
        holds_data: The answer has a part of the result: the server did act, and says what it made.
        cause: The foreign exception behind it.
        sent: A request was made at all.
    """

    kind: type[TensorOneError]
    words: str
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    acted: bool = False
    passing: bool = False
    retry_after: float | None = None
    holds_data: bool = False
    cause: BaseException | None = None
    sent: bool = True


def of_loss(lost: Undelivered, *, begun: bool) -> Verdict:
    """No complete answer came."""
    kind = RequestTimedOut if lost.timed_out else ConnectionFailed
    return Verdict(kind, lost.words, acted=begun, passing=True, cause=lost.__cause__)


def of_pause(seconds: float) -> Verdict:
    """Nothing was sent: the server asked the whole account to wait."""
    words = "the server answered 429 to an earlier request of this client"
    details = {"status_code": server_errors.TOO_MANY_REQUESTS, "retry_after": seconds}
    return Verdict(RateLimited, words, details, retry_after=seconds, sent=False)


def of_unreadable(answer: Unreadable) -> Verdict:
    """An answer came that was not read to its end."""
    return Verdict(UnexpectedResponse, answer.words, {"status_code": answer.status}, acted=True)


def of_answer(answer: Answer, shape: str | None, now: float) -> Verdict:
    """An answer came that is no success.

    Args:
        answer: The answer.
        shape: What is wrong with the shape of its data, or None.
        now: Seconds since 1970.
    """
    try:
        data, errors = decoding.parts(answer.content)
    except decoding.ShapeError as error:
        return _not_graphql(answer, shape or str(error), now)
    if not errors and answer.status not in _ANSWERED_BY_STATUS:
        return _not_graphql(answer, shape or "the answer has neither data nor errors", now)
    return _refused(answer, data, errors, now)


_ANSWERED_BY_STATUS = frozenset({server_errors.UNAUTHORIZED, server_errors.FORBIDDEN, server_errors.TOO_MANY_REQUESTS})


def _refused(answer: Answer, data: Any, errors: list[Mapping[str, Any]], now: float) -> Verdict:
    kind = server_errors.kind_of(errors, answer.status)
    wait = retry_after(answer.headers.get("retry-after"), now) if answer.status != server_errors.OK else None
    details: dict[str, Any] = {
        "errors": errors,
        "data": data,
        "status_code": answer.status,
        "request_id": request_id(answer),
    }
    if kind is RateLimited:
        details["retry_after"] = wait
    if kind is OperationUnsupported:
        details["unsupported"] = server_errors.unsupported_name(errors)
    holds_data = any(value is not None for value in (as_object(data) or {}).values())
    return Verdict(
        kind,
        "; ".join(filter(None, map(server_errors.message_of, errors))) or _status_words(answer.status),
        details,
        acted=holds_data or (kind is QueryError and server_errors.acted_perhaps(errors, answer.status)),
        passing=answer.status in retry.PASSING or kind is RateLimited,
        retry_after=wait,
        holds_data=holds_data,
    )


def _not_graphql(answer: Answer, problem: str, now: float) -> Verdict:
    if answer.status in _ANSWERED_BY_STATUS:
        return _refused(answer, None, [], now)
    words = _status_words(answer.status) + (f", {problem}" if answer.status == server_errors.OK else _moved(answer))
    return Verdict(
        UnexpectedResponse,
        words,
        {"status_code": answer.status, "excerpt": answer.content, "request_id": request_id(answer)},
        acted=answer.status in {server_errors.OK, HTTPStatus.REQUEST_TIMEOUT} or answer.status >= 500,  # noqa: PLR2004 - HTTP's server errors
        passing=answer.status in retry.PASSING,
        retry_after=retry_after(answer.headers.get("retry-after"), now),
    )


def _status_words(status: int) -> str:
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"


def _moved(answer: Answer) -> str:
    """Where a redirect points, without its query, which may repeat the key."""
    location: str | None = answer.headers.get("location")
    if location is None:
        return ""
    parts = urlsplit(location)
    return f", which points to {parts.scheme}://{parts.hostname}{parts.path}; redirects are not followed"


def error(verdict: Verdict, operation: Operation[Any], attempts: int, redact: Redactor) -> TensorOneError:
    """The error to raise, without secrets; `OutcomeUnknown` where a mutation must not be repeated blindly."""
    details = {name: _shown(name, value, redact) for name, value in verdict.details.items()}
    hint = HINTS.get(verdict.kind)
    wait = "" if verdict.retry_after is None else f"; the server asks to wait {verdict.retry_after:.6g} s"
    message = f"{operation.name}: {redact.text(verdict.words)}{wait}" + (f" ({hint})" if hint else "")
    failure = verdict.kind(
        message,
        operation=operation.name,
        attempts=attempts,
        retryable=True if verdict.passing else None,
        billing=BILLED if verdict.holds_data and may_bill(operation) else None,
        **details,
    )
    failure.__cause__ = verdict.cause
    if verdict.holds_data or not verdict.acted or operation.kind == "query" or operation.idempotent:
        return failure
    unknown = OutcomeUnknown(
        f"{operation.name} may have happened, its answer was lost: {redact.text(verdict.words)}",
        operation=operation.name,
        attempts=attempts,
        billing=may_bill(operation),
    )
    unknown.__cause__ = failure
    return unknown


def _shown(name: str, value: Any, redact: Redactor) -> Any:
    return redact.excerpt(value) if name == "excerpt" else redact.tree(value)


def request_id(answer: Answer) -> str | None:
    """The server's own id of the request, for its support."""
    return next((value for name in REQUEST_ID_HEADERS if (value := answer.headers.get(name))), None)


def may_bill(operation: Operation[Any]) -> str | None:
    """What may be billed if an operation happened, in words; None for nothing."""
    if operation.kind == "query":
        return None
    known = (MAYBE_BILLED.get(field.name, _OTHER) for field in operation.fields)
    return "; ".join(dict.fromkeys(filter(None, known))) or None
