"""Asks a server what it would accept without executing any of it, and interprets its responses. Pure.

A server validates a whole document and executes the one operation that `operationName` picks.
So what is asked about stands behind a harmless query, which comes first and is the one that is named.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

from tensorone._data.json import as_object
from tensorone._errors import OperationUnsupported, QueryError

from . import server_errors

if TYPE_CHECKING:
    from collections.abc import Mapping


Verdict = Literal["accepted", "refused", "unknown"]


# What is said of an operation, and why.
Said = tuple[Verdict, tuple[str, ...]]

HARMLESS = "query Probe{__typename}"

BLIND = "the server does not validate what it does not execute"

_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})


# Words of refusals with the same status that say nothing about the schema: a key, a limit.
_OTHER_WORDS = re.compile(r"api.?key|\btoken\b|complex|depth|limit|quota|too (many|large|deep)|credit", re.IGNORECASE)


# Words of validation as servers of several makes write them, graphql-js and those that follow it first.
_WORDS = re.compile(
    r"""^(cannot\ query\ field | unknown\ (argument|directive|field|fragment|type)\b
         | value\ .+\ does\ not\ exist\ in | expected\ (value\ of\ )?type | \w+\ cannot\ represent
         | field\ .+\ (is\ required|was\ not\ provided|have\ a\ selection|has\ no\ subfields)
         | schema\ is\ not\ configured | the\ \w+\ operation\ is\ not\ supported)
      | \ is\ not\ defined\ by\ type | does(n't|\ not)\ exist\ on\ (the\ )?type | not\ found\ in\ type
      | validation[ -]?(error|failed)""",
    re.IGNORECASE | re.VERBOSE,
)


def control(kind: str) -> str:
    """A document that every validating server refuses: nobody has such a field.

    Servers do not validate the fields of a root type that they lack, so each kind of operation needs its own.
    """
    return f"{HARMLESS} {kind} Nonsense{{thisFieldDoesNotExist @skip(if:true)}}"


def verdict(errors: list[Mapping[str, Any]], status: int, data: object) -> Verdict:
    """What errors in the place of an answer to the harmless query say of what stands behind it.

    An outage, a limit and a wrong key say nothing; and what was executed was validated before.
    """
    kind = server_errors.error_class(errors, status)
    if as_object(data):
        return "unknown"
    if kind is OperationUnsupported:
        return "refused"
    if kind is not QueryError or server_errors.may_have_acted(errors, status):
        return "unknown"
    said = [server_errors.message_of(entry) for entry in errors]
    if any(map(_WORDS.search, said)):
        return "refused"
    return "refused" if status in _REFUSED and not any(map(_OTHER_WORDS.search, said)) else "unknown"


def standing(kind: str, controls: Mapping[str, Said]) -> Said | None:
    """What the controls say of all operations of a kind; None if they let a server's verdict be believed.

    Args:
        kind: Query or mutation.
        controls: What came of the control of each kind; where that of queries was not refused, no other counts.
    """
    said, reasons = controls["query"]
    if said == "accepted":
        return "unknown", (BLIND,)
    if said == "refused":
        said, reasons = controls[kind]
    if said == "accepted":
        return "refused", (f"the server accepts no {kind} at all",)
    return None if said == "refused" else ("unknown", reasons)
