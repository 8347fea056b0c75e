"""What a response means: one table from status, code and words to the error tree. Pure.

Whatever the table does not know stays a plain `QueryError`: a wrong guess about money is worse than none.
The sibling API says "pod" where this one may say "cluster"; both are understood. Where the words come from is
listed in docs/emulator.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tensorone._errors import (
    AuthenticationError,
    BidTooLow,
    ClusterNotFound,
    NoCapacity,
    OperationUnsupported,
    QueryError,
    RateLimited,
)
from tensorone._json import as_object

if TYPE_CHECKING:
    from collections.abc import Mapping


OK, UNAUTHORIZED, FORBIDDEN, TOO_MANY_REQUESTS = 200, 401, 403, 429


# The server failed somewhere inside, perhaps after it had acted.
INTERNAL_CODES = frozenset({"INTERNAL_SERVER_ERROR"})


@dataclass(frozen=True, slots=True)
class Row:
    """Words of the server, or a code, and what they mean."""

    kind: type[QueryError]
    words: str = ""
    codes: frozenset[str] = frozenset()

    def matches(self, message: str, code: str) -> bool:
        """Whether this row speaks of such an entry."""
        return code in self.codes or bool(self.words and re.search(self.words, message, re.IGNORECASE))


TABLE = (
    Row(AuthenticationError, codes=frozenset({"UNAUTHENTICATED", "FORBIDDEN", "UNAUTHORIZED"})),
    Row(AuthenticationError, r"^(unauthorized|unauthenticated|forbidden|not authenticated|not authorized)\b"),
    Row(RateLimited, codes=frozenset({"RATE_LIMITED", "TOO_MANY_REQUESTS"})),
    Row(ClusterNotFound, codes=frozenset({"POD_NOT_FOUND", "CLUSTER_NOT_FOUND"})),
    Row(ClusterNotFound, r"\b(pod|cluster) not found\b"),
    Row(NoCapacity, r"no longer any instances available|no instances currently available"),
    Row(NoCapacity, r"machine does not have the resources to deploy"),
    Row(NoCapacity, r"not enough free gpus on the host"),
    Row(BidTooLow, r"\bbid\b.{0,60}\b(below|lower than|less than|too low|at least)\b"),
    Row(OperationUnsupported, codes=frozenset({"GRAPHQL_VALIDATION_FAILED"})),
    Row(OperationUnsupported, r"^cannot query field\b|^unknown (argument|type)\b|is not defined by type"),
    Row(OperationUnsupported, r"^schema is not configured (to execute|for)\b"),  # it has no mutations at all
)

_NAMES = re.compile(
    r"""(?:cannot\ query\ field|unknown\ argument|unknown\ type|^field)\s+["'“](?P<name>[\w.]+)["'”]""",
    re.IGNORECASE | re.VERBOSE,
)


def error_class(errors: list[Mapping[str, Any]], status: int) -> type[QueryError]:
    """The class of error that the entries and the HTTP status stand for."""
    if status == UNAUTHORIZED or (status == FORBIDDEN and not errors):
        return AuthenticationError
    if status == TOO_MANY_REQUESTS:
        return RateLimited
    for entry in errors:
        for row in TABLE:
            if row.matches(message_of(entry), code_of(entry)):
                return row.kind
    return AuthenticationError if status == FORBIDDEN else QueryError


def may_have_acted(errors: list[Mapping[str, Any]], status: int) -> bool:
    """Whether the server may have acted although it answered with errors."""
    return status >= 500 or any(code_of(entry) in INTERNAL_CODES for entry in errors)  # noqa: PLR2004 - HTTP's server errors


def message_of(entry: Mapping[str, Any]) -> str:
    """The words of one entry of `errors`; servers are known to leave them out."""
    message = entry.get("message")
    return message if isinstance(message, str) else ""


def code_of(entry: Mapping[str, Any]) -> str:
    """`extensions.code` of one entry, or nothing."""
    code = (as_object(entry.get("extensions")) or {}).get("code")
    return code if isinstance(code, str) else ""


def unsupported_name(errors: list[Mapping[str, Any]]) -> str | None:
    """The field, argument or type that the server says it does not know."""
    for entry in errors:
        if found := _NAMES.search(message_of(entry)):
            return found["name"]
    return None
