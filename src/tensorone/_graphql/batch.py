"""Many reads in one request, under an alias each, and what to ask for after such a request failed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

from pydantic_core import to_json

from tensorone._errors import (
    AuthenticationError,
    ClusterNotFound,
    QueryError,
    RequestTimedOut,
    UnexpectedResponse,
)
from tensorone._generated import pricing_one, reading_one
from tensorone._json import as_array, as_object

from . import arguments, decoding, server_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tensorone._errors import TensorOneError
    from tensorone._generated import Cluster, PricedGpuType

    from .failed_attempt import FailedAttempt
    from .operation import Operation


T = TypeVar("T")

READS_PER_REQUEST = 50  # servers are known to refuse more than 100 root fields

PATIENCE, SLOWER = 0.1, 2.0  # a shared request may take so many seconds, and so many times what a read alone takes
GROWTH = 8  # requests in time until they may grow

Ids = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A root field whose arguments are literals already."""

    key: str
    name: str
    arguments: tuple[str, ...]
    selection: tuple[str, ...]
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Query(Generic[T]):
    """An operation put together at run time; always a query, so that it may be split and asked again."""

    name: str
    fields: tuple[Field, ...]
    result: type[T]
    kind: Literal["query"] = "query"
    idempotent: bool = True

    @property
    def document(self) -> str:
        """Its text; the same in both styles of arguments, since no variable is left."""
        return arguments.document(self, {})


def reading(ids: Ids) -> Query[dict[str, Cluster | None]]:
    """The query that reads these clusters, the n-th under the alias ``c<n>``."""
    return many(reading_one(), [{"clusterId": each} for each in ids])


def pricing(ids: Ids, gpu_count: int) -> Query[dict[str, list[PricedGpuType | None] | None]]:
    """The query that reads the prices of these GPU types, the n-th under the alias ``c<n>``."""
    return many(pricing_one(), [{"id": each, "gpuCount": gpu_count} for each in ids])


# What several reads in one request are called.
PLURALS: Mapping[str, str] = {"GetCluster": "GetClusters", "GetGpuType": "GetGpuTypes"}


def many(operation: Operation[Any], variables: Sequence[Mapping[str, arguments.Tree]]) -> Query[dict[str, Any]]:
    """The query that does a read of one field for each of these variables, the n-th under the alias ``c<n>``."""
    (one,) = operation.fields
    # Rendered once where nothing in it varies from one to the next.
    fixed = all(isinstance(piece, str) for piece in one.selection) and (arguments.pieces(one.selection, {}),)
    fields = (
        Field(
            f"c{index}",
            one.name,
            (arguments.pieces(one.arguments, each),),
            fixed or (arguments.pieces(one.selection, each),),
        )
        for index, each in enumerate(variables)
    )
    return Query(PLURALS[operation.name], tuple(fields), _results(operation.result))  # type: ignore[arg-type]  # mypy holds a type for unhashable


@cache
def _results(result: type[Any]) -> type[dict[str, Any]]:
    (field,) = result.model_fields.values()
    return dict[str, field.annotation]  # type: ignore[name-defined]  # a type made at run time


def found_one(operation: Operation[T], value: object) -> T:
    """The result of a read as if it had been alone, from the value under its alias."""
    model: Any = operation.result
    (name,) = model.model_fields
    result: T = model.model_construct(**{name: value})
    return result


def found(ids: Ids, data: Mapping[str, Cluster | None]) -> dict[str, Cluster | None]:
    """The clusters of a response by id; without those that the response leaves out."""
    return {cluster_id: data[alias] for alias, cluster_id in by_alias(ids).items() if alias in data}


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """What follows from a request that failed.

    Attributes:
        missing: The clusters that are not there.
        parts: What to fetch again.
        halved: Whether that is all of it, in two.
    """

    missing: Ids
    parts: tuple[Ids, ...]
    halved: bool = False


def retry_plan(error: TensorOneError, ids: Ids) -> RetryPlan | None:
    """What to do about a failed request for several clusters; None where smaller ones would fare no better.

    The response's partial data is not used: an error holds it with the environments blanked out.
    """
    if isinstance(error, UnexpectedResponse):
        return _halves(ids) if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else None
    if not isinstance(error, QueryError) or error.retryable:
        return None
    if blamed := _blamed(error.errors, ids):
        return _without(blamed, ids)
    return None if concerns_all(error) else _halves(ids)


def concerns_all(error: QueryError) -> bool:
    """Whether a refusal would be the same for each part of a request."""
    return isinstance(error, AuthenticationError) or getattr(error, "unsupported", None) is not None


def by_alias(ids: Ids) -> dict[str, str]:
    """The ids by the alias that each has in a request."""
    return {f"c{index}": cluster_id for index, cluster_id in enumerate(ids)}


def _halves(ids: Ids) -> RetryPlan:
    middle = len(ids) // 2
    return RetryPlan((), (ids[:middle], ids[middle:]), halved=True)


def _blamed(errors: Sequence[Mapping[str, Any]], ids: Ids) -> dict[str, list[Mapping[str, Any]]]:
    """The entries of `errors` that speak of one of the clusters, by its id."""
    aliases = by_alias(ids)
    blamed: dict[str, list[Mapping[str, Any]]] = {}
    for entry in errors:
        first = next(iter(as_array(entry.get("path")) or ()), None)
        if isinstance(first, str) and first in aliases:
            blamed.setdefault(aliases[first], []).append(entry)
    return blamed


def _without(blamed: Mapping[str, list[Mapping[str, Any]]], ids: Ids) -> RetryPlan:
    missing = tuple(each for each, entries in blamed.items() if _says_missing(entries))
    rest = tuple(each for each in ids if each not in blamed)
    alone = tuple((each,) for each in blamed if each not in missing)
    return RetryPlan(missing, ((rest,) if rest else ()) + alone)


def _says_missing(entries: list[Mapping[str, Any]]) -> bool:
    return all(server_errors.error_class([entry], server_errors.OK) is ClusterNotFound for entry in entries)


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
