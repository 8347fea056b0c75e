"""Asks the server which operations it would still take, without executing any; for a nightly job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic_core import to_json

from tensorone import _checks
from tensorone._data.dataclass import dataclass
from tensorone._delivery import Delivery
from tensorone._errors import AuthenticationError, OperationUnsupported, QueryError

from . import probing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .executor import Executor
    from .operation import RootField
    from .probing import Said

__all__ = ["OperationCheck"]


class Probed(Protocol):
    """A generated operation, ours or a user's own."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def kind(self) -> str:
        """Query or mutation."""
        ...

    @property
    def probe(self) -> str:
        """The document in which it can be validated and cannot run."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationCheck:
    """What the server says to one operation.

    Attributes:
        operation: Its name.
        verdict: "accepted"; "refused", which the operation would be too; or "unknown", where the server does not say:
            it does not validate what it does not execute, or failed in another way.
        unsupported: The field or argument that the server lacks, if it named one.
        reasons: Why it refuses, in its own words.
    """

    operation: str
    verdict: Literal["accepted", "refused", "unknown"]
    unsupported: str | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Document:
    """A document as an operation for the executor."""

    document: str
    name: str = "Probe"
    kind: Literal["query", "mutation"] = "query"
    fields: tuple[RootField, ...] = ()
    result: type[dict[str, Any]] = dict[str, Any]
    idempotent: bool = True


async def check_schema(executor: Executor, operations: Iterable[Probed]) -> list[OperationCheck]:
    """The loop behind `TensorOne.check_schema`."""
    asked = [*_checks.several("operations", operations)]
    for index, each in enumerate(asked):
        _checks.generated_operation(each, f"operations[{index}]", needs=("name", "kind", "probe"))
    if problem := await _ask(executor, probing.HARMLESS):
        raise problem  # whatever stands against this stands against everything
    controls = await _controls(executor, {each.kind for each in asked})
    return [await _checked(executor, each, probing.standing(each.kind, controls)) for each in asked]


async def _controls(executor: Executor, kinds: set[str]) -> dict[str, Said]:
    controls = {"query": _said(await _ask(executor, probing.control("query")))}
    if controls["query"][0] == "refused":
        for kind in sorted(kinds - {"query"}):
            controls[kind] = _said(await _ask(executor, probing.control(kind)))
    return controls


async def _checked(executor: Executor, operation: Probed, known: Said | None) -> OperationCheck:
    error = None if known else await _ask(executor, operation.probe)
    verdict, reasons = known or _said(error)
    unsupported = error.unsupported if isinstance(error, OperationUnsupported) and verdict == "refused" else None
    return OperationCheck(operation=operation.name, verdict=verdict, unsupported=unsupported, reasons=reasons)


def _said(error: QueryError | None) -> Said:
    if error is None:
        return "accepted", ()
    reasons = tuple(dict.fromkeys(str(entry.get("message", "")) for entry in error.errors))
    return probing.verdict(error.errors, error.status_code, error.data), reasons


async def _ask(executor: Executor, document: str) -> QueryError | None:
    """Why the server refuses a document, None if it accepts it; an outage, a limit or a wrong key is raised."""
    probe = _Document(document)
    body = to_json({"query": document, "operationName": probe.name})
    try:
        await executor.send(probe, body, {}, Delivery())
    except AuthenticationError:
        raise
    except QueryError as error:
        if error.retryable:
            raise
        return error
    return None
