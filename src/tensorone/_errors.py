"""Everything this package raises, as one tree.

::

    TensorOneError                 .operation .attempts .retryable .repeatable .billing .ledger
    ├─ ConfigurationError          a missing key, a bad URL, a client used outside its lifetime
    ├─ InvalidArgument             .field; also ValueError: refused before anything was sent
    ├─ ConnectionFailed            nothing was sent, or the operation is safe to repeat
    │  └─ RequestTimedOut          also TimeoutError
    ├─ UnexpectedResponse          .status_code .excerpt .request_id
    ├─ QueryError                  .errors .data .status_code .request_id: the server's own words
    │  ├─ AuthenticationError
    │  ├─ RateLimited              .retry_after
    │  ├─ ClusterNotFound
    │  ├─ NoCapacity
    │  ├─ BidTooLow
    │  └─ OperationUnsupported     .unsupported: the field or argument the server's schema lacks
    ├─ OutcomeUnknown              .client_token: a mutation that may have happened
    ├─ BidCeilingReached           .ceiling .minimum_bid .last_bid
    ├─ SpendLimitReached           .limit .committed .requested: refused before anything was sent
    ├─ NotStarted                  an item of `fan_out` that was not started after too many failures
    └─ WaitTimedOut                .last_seen; also TimeoutError

No error holds the API key or an environment value of a cluster. Every error can be pickled, and written as JSON:
``error.to_json()``, and back by ``TensorOneError.from_json(text)``; pydantic reads and writes the same form.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from ._data import error_form
from ._data.portable_error import picklable, rebuilt, schema, validated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic_core import CoreSchema

__all__ = [
    "AuthenticationError",
    "BidCeilingReached",
    "BidTooLow",
    "ClusterNotFound",
    "ConfigurationError",
    "ConnectionFailed",
    "InvalidArgument",
    "NoCapacity",
    "OperationUnsupported",
    "OutcomeUnknown",
    "QueryError",
    "RateLimited",
    "RequestTimedOut",
    "SpendLimitReached",
    "TensorOneError",
    "UnexpectedResponse",
    "WaitTimedOut",
]


class _Common(TypedDict, total=False):
    operation: str | None
    attempts: int
    retryable: bool | None
    billing: str | None
    ledger: Sequence[Any]


class _Answer(_Common, total=False):
    errors: Sequence[Mapping[str, Any]]
    data: Any
    status_code: int
    request_id: str | None


class TensorOneError(Exception):
    """Base of all errors of this package.

    Attributes:
        operation: Name of the GraphQL operation; None if none was under way. The message names the call.
        attempts: How many requests were made for it; 0 if nothing was sent.
        retryable: Whether making the same call again, later, is safe and may succeed.
        billing: What may run and cost money because of this error, as text; None if nothing.
        ledger: What ``spot.acquire`` or ``spot.recover`` had tried before, in order; empty for a single request.
    """

    _retryable = False

    def __init__(  # noqa: PLR0913 - all of them keywords
        self,
        message: str,
        *,
        operation: str | None = None,
        attempts: int = 0,
        retryable: bool | None = None,
        billing: str | None = None,
        ledger: Sequence[Any] = (),
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.attempts = attempts
        self.retryable = self._retryable if retryable is None else retryable
        self.billing = billing
        self.ledger: tuple[Any, ...] = tuple(ledger)

    def _repr_html_(self) -> str:
        """How a notebook shows the error as a value: what happened, what is billed, whether to call again."""
        said = [f"<b>{type(self).__name__}</b>: {escape(str(self))}"]
        said += [f"billed: {escape(self.billing)}"] if self.billing else []
        said += ["the same call may succeed later, and is safe to repeat"] if self.retryable else []
        return f"<p>{'<br>'.join(said)}</p>"

    @property
    def repeatable(self) -> bool:
        """Whether making the same call again, by this process or another one, is right.

        That is so where it is `retryable`, and also after an `OutcomeUnknown` whose token the caller gave: the
        repeated call looks for that token first. For a durable engine's retries.
        """
        return self.retryable

    def to_json(self) -> str:
        """The error as text: type, words, fields and cause; environment values are masked."""
        return json.dumps(error_form.written(self))

    @staticmethod
    def from_json(text: str) -> TensorOneError:
        """The error that `to_json` wrote, of its own type and with its fields.

        Raises:
            InvalidArgument: The text is not one of these.
        """
        try:
            error = validated(TensorOneError, json.loads(text))
        except ValueError as error:
            raise InvalidArgument("text", f"is not an error as to_json writes it: {error}") from error
        return error

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> CoreSchema:
        return schema(cls)

    def __reduce__(self) -> tuple[Callable[..., BaseException], tuple[object, ...]]:
        # Exceptions are rebuilt from positional arguments alone; ours have keywords, and a cause to keep.
        return rebuilt, (type(self), self.args, self.__dict__, picklable(self.__cause__))


def reworded(error: TensorOneError, words: str, **changed: Any) -> TensorOneError:
    """A copy with other words, and other attributes where given: several callers may share one error."""
    return rebuilt(type(error), (words, *error.args[1:]), {**error.__dict__, **changed}, error.__cause__)


class ConfigurationError(TensorOneError):
    """The client is configured wrongly: a missing key, a bad URL, a use outside its lifetime."""


class InvalidArgument(TensorOneError, ValueError):
    """An argument is invalid; nothing that bills was sent.

    Attributes:
        field: Name of the argument or of the field of a spec.
    """

    def __init__(self, field: str, problem: str, **common: Unpack[_Common]) -> None:
        super().__init__(f"{field}: {problem}", **common)
        self.field = field


class ConnectionFailed(TensorOneError):
    """No response; nothing was sent, or the operation is safe to repeat."""

    _retryable = True


class RequestTimedOut(ConnectionFailed, TimeoutError):
    """No response in time; nothing was sent, or the operation is safe to repeat."""


class UnexpectedResponse(TensorOneError):
    """The response is not GraphQL, or does not have the schema's shape.

    Attributes:
        status_code: HTTP status.
        excerpt: The first few hundred characters of the body.
        request_id: The server's id of the request, for its support, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        excerpt: str = "",
        request_id: str | None = None,
        **common: Unpack[_Common],
    ) -> None:
        super().__init__(message, **common)
        self.status_code = status_code
        self.excerpt = excerpt
        self.request_id = request_id


class QueryError(TensorOneError):
    """The server returned errors; they are kept word for word.

    Attributes:
        errors: The entries of the response's ``errors``, as received (`message`, `path`, `extensions`, …).
        data: The response's ``data``, which may hold part of a result; environment values are removed.
        status_code: HTTP status.
        request_id: The server's id of the request, for its support, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        data: Any = None,
        status_code: int = 200,
        request_id: str | None = None,
        **common: Unpack[_Common],
    ) -> None:
        super().__init__(message, **common)
        self.errors = list(errors)
        self.data = data
        self.status_code = status_code
        self.request_id = request_id


class AuthenticationError(QueryError):
    """The API key is missing, wrong, expired, or lacks the right to do this."""


class RateLimited(QueryError):
    """The account sent too many requests; nothing was done.

    Attributes:
        retry_after: Seconds the server asks to wait, or None if it did not say.
    """

    _retryable = True

    def __init__(self, message: str, *, retry_after: float | None = None, **common: Unpack[_Answer]) -> None:
        super().__init__(message, **common)
        self.retry_after = retry_after


class ClusterNotFound(QueryError):
    """The account has no such cluster: it never existed, or was terminated."""


class NoCapacity(QueryError):
    """No machine fits now, and nothing was rented; another GPU type or a later attempt may succeed."""

    _retryable = True


class BidTooLow(QueryError):
    """The bid is below the market's minimum, and nothing was rented."""


class OperationUnsupported(QueryError):
    """The server's schema lacks something that this operation uses: regenerate the SDK.

    Attributes:
        unsupported: The field, argument or type that the server does not know, if it said.
    """

    def __init__(self, message: str, *, unsupported: str | None = None, **common: Unpack[_Answer]) -> None:
        super().__init__(message, **common)
        self.unsupported = unsupported


class OutcomeUnknown(TensorOneError):
    """A mutation was sent, its response was lost, and whether it happened could not be found out.

    Attributes:
        client_token: The token in the environment of the cluster that may exist; look it up with
            ``client.clusters.find(client_token)``. None for operations that carry no token.
        token_given: Whether the caller gave that token, so that the same call again looks for it first.
    """

    token_given = False

    def __init__(self, message: str, *, client_token: str | None = None, **common: Unpack[_Common]) -> None:
        super().__init__(message, **common)
        self.client_token = client_token

    @property
    def repeatable(self) -> bool:
        """Whether the same call again is right: it is if the caller gave the token."""
        return self.retryable or self.token_given


class BidCeilingReached(TensorOneError):
    """The market asks more than the ceiling of the bidding policy.

    Attributes:
        ceiling: The policy's ceiling, US dollars per GPU and hour.
        minimum_bid: The market's latest minimum bid, US dollars per GPU and hour, or None if unknown.
        last_bid: The last bid made, US dollars per GPU and hour, or None if none was made.
    """

    def __init__(
        self,
        message: str,
        *,
        ceiling: float,
        minimum_bid: float | None = None,
        last_bid: float | None = None,
        **common: Unpack[_Common],
    ) -> None:
        super().__init__(message, **common)
        self.ceiling = ceiling
        self.minimum_bid = minimum_bid
        self.last_bid = last_bid


class SpendLimitReached(TensorOneError):
    """A rental or resume would exceed `max_hourly_spend`; it was not sent.

    Attributes:
        limit: US dollars per hour that are allowed.
        committed: US dollars per hour of the clusters that run already or are being rented.
        requested: US dollars per hour that this would add; None if its price is unknown.
    """

    def __init__(
        self,
        message: str,
        *,
        limit: float,
        committed: float,
        requested: float | None = None,
        **common: Unpack[_Common],
    ) -> None:
        super().__init__(message, **common)
        self.limit = limit
        self.committed = committed
        self.requested = requested


class WaitTimedOut(TensorOneError, TimeoutError):
    """A wanted state was not reached in time; the cluster is left as it is.

    Attributes:
        last_seen: The cluster as last seen, or None if it was never seen.
    """

    _retryable = True

    def __init__(self, message: str, *, last_seen: Any = None, **common: Unpack[_Common]) -> None:
        super().__init__(message, **common)
        self.last_seen = last_seen


# As a traceback shows them, and a pickle names them. Only what has no annotations of its own can be moved so: those of
# a dataclass are looked up in the module that it names.
for _name in __all__:
    globals()[_name].__module__ = "tensorone"
