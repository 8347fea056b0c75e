"""Many reads in one request, under an alias each, and what to ask for after such a request failed. Pure."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from tensorone._data.dataclass import dataclass
from tensorone._data.json import as_array
from tensorone._errors import (
    AuthenticationError,
    ClusterNotFound,
    QueryError,
    UnexpectedResponse,
)
from tensorone._generated import pricing_one, reading_one

from . import arguments, server_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tensorone._errors import TensorOneError
    from tensorone._generated import Cluster, PricedGpuType

    from .operation import Operation


T = TypeVar("T")

READS_PER_REQUEST = 50  # servers are known to refuse more than 100 root fields

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


def pricing(pairs: Sequence[tuple[str, int]]) -> Query[dict[str, list[PricedGpuType | None] | None]]:
    """The query that reads the prices of these GPU types and numbers, the n-th under the alias ``c<n>``."""
    return many(pricing_one(), [{"id": each, "gpuCount": count} for each, count in pairs])


# What several reads in one request are called.
PLURALS: Mapping[str, str] = {
    "GetCluster": "GetClusters",
    "GetClusterPorts": "GetPortsOfClusters",
    "GetGpuType": "GetGpuTypes",
}


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
