"""What a failed request that reads share says about each of them, and how many may share one. Pure."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import to_json

from tensorone._data.json import as_array, as_object
from tensorone._errors import AuthenticationError, RequestTimedOut
from tensorone._graphql import decoding
from tensorone._graphql.batch import READS_PER_REQUEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tensorone._graphql.failed_attempt import FailedAttempt


PATIENCE, SLOWER = 0.1, 2.0  # a shared request may take so many seconds, and so many times what a read alone takes
GROWTH = 8  # requests in time until they may grow


def lone_answers(failed: FailedAttempt, key: str, count: int) -> list[tuple[int, bytes] | None]:
    """A response to several reads as one response for each, status and body; None where it says nothing about a read.

    Args:
        failed: The response, which is not a success as a whole.
        key: The response key of a read that is alone.
        count: How many reads it is about.
    """
    if (answer := _answer(failed)) is None:
        return [None] * count
    status, data, errors = answer
    aliases = [f"c{index}" for index in range(count)]
    own: dict[str, list[Mapping[str, Any]]] = {alias: [] for alias in aliases}
    for entry in errors:
        first, *rest = as_array(entry.get("path")) or [None]
        if isinstance(first, str) and first in own:
            own[first].append({**entry, "path": [key, *rest]})
    blamed = sum(map(len, own.values()))
    found: list[tuple[int, bytes] | None] = []
    for alias, entries in own.items():
        value = data.get(alias)
        if entries:
            found.append((status, to_json({"data": {key: value}, "errors": entries})))
        elif value is not None or (alias in data and blamed == len(errors)):
            found.append((HTTPStatus.OK, to_json({"data": {key: value}})))
        else:  # null proves nothing where some error may be the reason
            found.append(None)
    return found


def headers(failed: FailedAttempt) -> list[tuple[bytes, bytes]]:
    """Those that the responses for each read have: the server's id of the request."""
    request_id = failed.details.get("request_id")
    return [(b"x-request-id", request_id.encode())] if request_id else []


def _answer(failed: FailedAttempt) -> tuple[int, Mapping[str, Any], Sequence[Mapping[str, Any]]] | None:
    details = failed.details
    status = details.get("status_code", HTTPStatus.OK)
    if "errors" in details:
        return status, as_object(details["data"]) or {}, details["errors"]
    if status != HTTPStatus.OK or "excerpt" not in details:
        return None
    try:  # one read of a shape that the schema does not promise spoils none of the others
        data, errors, _ = decoding.parts(details["excerpt"])
    except decoding.ShapeError:
        return None
    return status, as_object(data) or {}, errors


class Smaller(NamedTuple):
    """The requests to send in place of one that failed as a whole.

    Attributes:
        size: Reads in each at most; 0 where smaller ones would fare no better.
        too_many: Whether the number of reads may be why it failed.
    """

    size: int
    too_many: bool = False


def smaller(failed: FailedAttempt, count: int) -> Smaller:
    """What to send after a request for so many reads failed, and the response says nothing about any of them."""
    if issubclass(failed.kind, RequestTimedOut):
        return Smaller(1)  # one of the reads may be what holds up the others
    if failed.passing or not failed.sent or failed.kind is AuthenticationError or failed.details.get("unsupported"):
        return Smaller(0)
    if "excerpt" in failed.details and failed.details["status_code"] != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Smaller(1)
    return Smaller((count + 1) // 2, too_many=True)


class BatchSize:
    """How many reads share a request that need not wait: fewer after one that took much longer than a read alone.

    After a slow one, one read goes by itself, since under load a read alone is slow too. Reads that wait for their
    turn anyway lose nothing by going together, so this is not about them.

    Attributes:
        most: How many.
    """

    def __init__(self) -> None:
        self.most = READS_PER_REQUEST
        self._alone: float | None = None  # seconds that the latest read by itself took; forgotten after a decision
        self._compare = False  # whether the next read is to go by itself
        self._in_time = 0  # answers to so many reads since the number changed

    def leaves(self) -> bool:
        """A request leaves now; whether it should be for one read."""
        compare, self._compare = self._compare, False
        return compare

    def answered(self, count: int, seconds: float) -> None:
        """A request for so many reads was answered after so long."""
        if count == 1:
            self._alone = seconds
        elif seconds > PATIENCE:
            if self._alone is None:
                self._compare = True
                return
            if seconds > (limit := PATIENCE + SLOWER * self._alone):
                self.too_many(count, share=limit / seconds)
                self._alone = None
                return
        if count >= self.most:
            self._in_time += 1
            if self._in_time == GROWTH:
                self.most, self._in_time = min(READS_PER_REQUEST, self.most + self.most // 4 + 1), 0

    def too_many(self, count: int, share: float = 1.0) -> None:
        """So many were refused, or slow; half as many might do, or this share."""
        self.most, self._in_time = min(self.most, (count + 1) // 2, max(1, int(count * share))), 0


class Halves:
    """The two halves of a request that was refused: were both accepted, its size was the problem."""

    def __init__(self) -> None:
        self.size = 0
        self._accepted = 0

    def both_accepted(self, count: int, *, accepted: bool) -> bool:
        """Notes that one with so many reads ended; whether both were accepted now."""
        self.size = max(self.size, count)
        self._accepted += accepted
        return self._accepted == 2  # noqa: PLR2004 - both
