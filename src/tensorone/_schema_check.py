"""Asks the server which operations it would still take, without executing any; for a nightly job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic_core import to_json

from ._errors import OperationUnsupported, QueryError
from ._json import as_object
from ._transport import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._executor import Executor
    from ._operations import RootField

__all__ = ["OperationCheck"]

HARMLESS = "query Probe{__typename}"
# No server has it: one that takes it does not validate what it does not execute.
NONSENSE = f"{HARMLESS} query Nonsense{{thisFieldDoesNotExist @skip(if:true)}}"


class Probed(Protocol):
    """A generated operation, ours or a user's own."""

    @property
    def name(self) -> str:
        """Its name."""
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
        verdict: "accepted"; "refused", which the operation would be too, as `OperationUnsupported`; or "unknown",
            where the server does not say.
        unsupported: The field or argument that the server lacks, if it named one.
        reasons: What it says against it, in its own words.
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
    await _ask(executor, HARMLESS)  # whatever stands against this stands against everything, and is raised
    if await _takes(executor, NONSENSE):
        reasons = ("the server does not validate what it does not execute",)
        return [OperationCheck(operation=each.name, verdict="unknown", reasons=reasons) for each in operations]
    return [await _checked(executor, each) for each in operations]


async def _takes(executor: Executor, document: str) -> bool:
    try:
        await _ask(executor, document)
    except QueryError as error:
        if error.retryable:
            raise
        return False
    return True


async def _checked(executor: Executor, operation: Probed) -> OperationCheck:
    try:
        await _ask(executor, operation.probe)
    except QueryError as error:
        if error.retryable:
            raise
        # What is executed was validated before: what fails then says nothing about our operation.
        return OperationCheck(
            operation=operation.name,
            verdict="unknown" if as_object(error.data) else "refused",
            unsupported=error.unsupported if isinstance(error, OperationUnsupported) else None,
            reasons=tuple(str(entry.get("message", "")) for entry in error.errors),
        )
    return OperationCheck(operation=operation.name, verdict="accepted")


async def _ask(executor: Executor, document: str) -> None:
    probe = _Document(document)
    body = to_json({"query": document, "operationName": probe.name})
    await executor.send(probe, body, {}, Delivery())
