"""What one attempt came to, when it did not succeed: the error, and whether the server may have acted. Pure."""

from __future__ import annotations

from dataclasses import field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tensorone._data.dataclass import dataclass
from tensorone._data.json import as_object
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

from . import calls, decoding, extension_values, retry, server_errors
from .decoding import Parts
from .retry import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorone._http.response_body import Undelivered, Unreadable
    from tensorone._http.transport import Response
    from tensorone._redaction import Redactor

    from .operation import Operation


BILLED = "what the response's data names exists, and is billed until it is stopped or terminated"

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
    QueryError: "these are the server's own words: change the call to fit them, or ask its support",
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


NO_FILES = "raise the limit of open files, or give the client a lower max_connections"


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A failed attempt.

    Attributes:
        kind: Class of the error.
        words: What happened.
        details: Further arguments of the error.
        acted: The server may have acted, or did.
        passing: The same request may well succeed later.
        retry_after: Seconds the server asked to wait.
        holds_data: The response has a part of the result: the server did act, and says what it made.
        cause: The foreign exception behind it.
        sent: A request was made at all.
    """

    kind: type[TensorOneError]
    words: str = field(repr=False)  # these two as they came, secrets and all
    details: dict[str, Any] = field(default_factory=dict[str, Any], repr=False)
    acted: bool = False
    passing: bool = False
    retry_after: float | None = None
    holds_data: bool = False
    cause: BaseException | None = field(default=None, repr=False)
    sent: bool = True


def from_lost(lost: Undelivered, *, begun: bool) -> FailedAttempt:
    """No complete response came."""
    kind = RequestTimedOut if lost.timed_out else ConnectionFailed
    return FailedAttempt(kind, lost.words, acted=begun, passing=True, cause=lost.__cause__)


def from_pause(seconds: float) -> FailedAttempt:
    """Nothing was sent: the server asked the whole account to wait."""
    words = "the server limited the rate at an earlier request of this client"
    details = {"status_code": server_errors.TOO_MANY_REQUESTS, "retry_after": seconds}
    return FailedAttempt(RateLimited, words, details, retry_after=seconds, sent=False)


def from_unreadable(response: Unreadable) -> FailedAttempt:
    """A response came that was not read to its end."""
    return FailedAttempt(UnexpectedResponse, response.words, {"status_code": response.status}, acted=True)


def from_response(response: Response, shape: str | None, now: float) -> FailedAttempt:
    """A response came that is not a success.

    Args:
        response: The response.
        shape: What is wrong with the shape of its data, or None.
        now: Seconds since 1970.
    """
    try:
        parts = decoding.parts(response.content)
    except decoding.ShapeError as error:
        return _not_graphql(response, shape or str(error), now)
    if not parts.errors and response.status not in _ANSWERED_BY_STATUS:
        return _not_graphql(response, shape or "the response has neither data nor errors", now)
    return _refused(response, parts, now)


_ANSWERED_BY_STATUS = frozenset({server_errors.UNAUTHORIZED, server_errors.FORBIDDEN, server_errors.TOO_MANY_REQUESTS})


def _refused(response: Response, parts: Parts, now: float) -> FailedAttempt:
    data, errors, _ = parts
    asked = retry_after(response.headers.get("retry-after"), now)
    kind = server_errors.error_class(errors, response.status, asked_to_wait=asked is not None)
    wait = _wait(asked, parts, now) if kind is RateLimited else asked
    if kind is not RateLimited and response.status == server_errors.OK:
        wait = None  # some servers send the header with every response
    details: dict[str, Any] = {
        "errors": errors,
        "data": data,
        "status_code": response.status,
        "request_id": request_id(response),
    }
    if kind is RateLimited:
        details["retry_after"] = wait
    if kind is OperationUnsupported:
        details["unsupported"] = server_errors.unsupported_name(errors)
    holds_data = any(value is not None for value in (as_object(data) or {}).values())
    return FailedAttempt(
        kind,
        "; ".join(filter(None, map(server_errors.message_of, errors))) or _status_words(response.status),
        details,
        acted=holds_data
        or (kind in (QueryError, RateLimited) and server_errors.may_have_acted(errors, response.status)),
        passing=response.status in retry.RETRYABLE_STATUSES or kind is RateLimited,
        retry_after=wait,
        holds_data=holds_data,
    )


def _wait(asked: float | None, parts: Parts, now: float) -> float | None:
    """Seconds to wait after a limit, in whatever place the server wrote them; the longest if in several."""
    hints = (asked, extension_values.wait((*parts.errors, parts.extensions), now))
    return max((each for each in hints if each is not None), default=None)


def _not_graphql(response: Response, problem: str, now: float) -> FailedAttempt:
    said = decoding.plain_words(response.content)
    if any(map(server_errors.is_limit, said)):
        return _refused(response, Parts(None, said, {}), now)
    if response.status in _ANSWERED_BY_STATUS:
        return _refused(response, Parts(None, [], {}), now)
    words = _status_words(response.status) + (
        f", {problem}" if response.status == server_errors.OK else _moved(response)
    )
    return FailedAttempt(
        UnexpectedResponse,
        words,
        {"status_code": response.status, "excerpt": response.content, "request_id": request_id(response)},
        acted=response.status in {server_errors.OK, HTTPStatus.REQUEST_TIMEOUT} or response.status >= 500,  # noqa: PLR2004 - HTTP's server errors
        passing=response.status in retry.RETRYABLE_STATUSES,
        retry_after=retry_after(response.headers.get("retry-after"), now),
    )


def _status_words(status: int) -> str:
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"


def _moved(response: Response) -> str:
    """Where a redirect points, without its query, which may repeat the key."""
    location: str | None = response.headers.get("location")
    if location is None:
        return ""
    parts = urlsplit(location)
    return f", which points to {parts.scheme}://{parts.hostname}{parts.path}; redirects are not followed"


class Call(NamedTuple):
    """A call that failed.

    Attributes:
        operation: What was asked for.
        attempts: Requests that were sent.
        seconds: Time that they and the waits between them took.
        place: Host and port of the service, and the proxy on the way there.
        url: Its URL, without the query.
    """

    operation: Operation[Any]
    attempts: int
    seconds: float
    place: str
    url: str


def error(failed: FailedAttempt, call: Call, redact: Redactor) -> TensorOneError:
    """The error to raise, without secrets; `OutcomeUnknown` where a mutation must not be repeated blindly."""
    operation = call.operation
    details = {name: _shown(name, value, redact) for name, value in failed.details.items()}
    words = redact.text(_words(failed, call))
    hint = NO_FILES if "too many open files" in failed.words else HINTS.get(failed.kind)
    wait = "" if failed.retry_after is None else f"; the server asks to wait {failed.retry_after:.6g} s"
    failure = failed.kind(
        f"{calls.name(operation.name)}: {words}{wait}" + (f" ({hint})" if hint else ""),
        operation=operation.name,
        attempts=call.attempts,
        retryable=True if failed.passing else None,
        billing=BILLED if failed.holds_data and may_bill(operation) else None,
        **details,
    )
    failure.__cause__ = failed.cause
    if failed.holds_data or not failed.acted or operation.kind == "query" or operation.idempotent:
        return failure
    unknown = OutcomeUnknown(
        f"{calls.name(operation.name)} may have happened, its response was lost: {words}",
        operation=operation.name,
        attempts=call.attempts,
        billing=may_bill(operation),
    )
    unknown.__cause__ = failure
    return unknown


def _words(failed: FailedAttempt, call: Call) -> str:
    """What happened, and where: a lost connection names the host, a response that is not GraphQL the URL."""
    if issubclass(failed.kind, ConnectionFailed):
        attempts = "1 attempt" if call.attempts == 1 else f"{call.attempts} attempts"
        seconds = f"{call.seconds:.1f}" if call.seconds >= 1 else f"{call.seconds:.2g}"
        return f"{call.place}: {failed.words}; {attempts} in {seconds} s"
    return f"{call.url}: {failed.words}" if failed.kind is UnexpectedResponse else failed.words


def _shown(name: str, value: Any, redact: Redactor) -> Any:
    return redact.excerpt(value) if name == "excerpt" else redact.tree(value)


def request_id(response: Response) -> str | None:
    """The server's own id of the request, for its support."""
    return next((value for name in REQUEST_ID_HEADERS if (value := response.headers.get(name))), None)


def may_bill(operation: Operation[Any]) -> str | None:
    """What may be billed if an operation happened, in words; None for nothing."""
    if operation.kind == "query":
        return None
    known = (MAYBE_BILLED.get(field.name, _OTHER) for field in operation.fields)
    return "; ".join(dict.fromkeys(filter(None, known))) or None
