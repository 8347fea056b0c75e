"""Asks a live server which of our operations it would take, without executing any of them.

A server validates a whole document and executes the one operation that `operationName` picks.
So our operation stands behind a harmless query, which comes first and is the one that is named;
should a server pick ours all the same, `@skip(if: true)` on its root fields leaves it nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from graphql import ArgumentNode, FieldNode, Node, ObjectFieldNode, Source, Visitor, parse, visit

from . import _probe_text
from ._documents import Cutter
from ._errors import CodegenError
from ._remote import errors_of, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import OperationDefinitionNode

    from ._remote import Server
    from ._sources import Project

Verdict = Literal["accepted", "refused", "unknown"]

HARMLESS = _probe_text.HARMLESS
# No server has it: one that takes it does not validate what it does not execute.
NONSENSE = f"{HARMLESS} query Nonsense{{thisFieldDoesNotExist @skip(if:true)}}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server says to one operation.

    Attributes:
        operation: Its name.
        verdict: Whether it would be taken; unknown if the server does not say.
        reasons: What is said against it, each with the field or argument that it is about.
    """

    operation: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()


def probe(project: Project, server: Server) -> list[Answer]:
    """Asks for each operation in turn.

    Raises:
        CodegenError: The server does not even answer the harmless query.
    """
    alone = server.ask(HARMLESS, "Probe")
    if not _is_harmless(alone):
        raise CodegenError(f"{server.url}: answers no query at all: {words(alone) or alone}")
    blind = _is_harmless(server.ask(NONSENSE, "Probe"))
    return [_blind(node) if blind else _ask(project, node, server) for node in project.operations]


def _blind(node: OperationDefinitionNode) -> Answer:
    return Answer(_name(node), "unknown", ("the server does not validate what it does not execute",))


def _ask(project: Project, node: OperationDefinitionNode, server: Server) -> Answer:
    text = document(project, node)
    answer = server.ask(text, "Probe")
    if _is_harmless(answer):
        return Answer(_name(node), "accepted")
    # What is executed was validated before: what fails then says nothing about our operation.
    return Answer(_name(node), "unknown" if answer.get("data") else "refused", tuple(_reasons(text, answer)))


def _is_harmless(answer: dict[str, Any]) -> bool:
    """Whether the harmless query was answered, and nothing else."""
    data = answer.get("data")
    return isinstance(data, dict) and "__typename" in data and not answer.get("errors")


def _name(node: OperationDefinitionNode) -> str:
    return node.name.value if node.name else ""


def document(project: Project, node: OperationDefinitionNode) -> str:
    """What is asked about one operation."""
    fields = Cutter(project.schema, project.fragments).root_fields(node)
    return _probe_text.text(project.schema, node, fields)


def _reasons(text: str, answer: dict[str, Any]) -> Iterator[str]:
    for error in errors_of(answer):
        message = str(error.get("message", error))
        where = {_path(text, place) for place in error.get("locations") or ()} - {""}
        yield f"{', '.join(sorted(where))}: {message}" if where else message


def _path(text: str, place: Any) -> str:
    """The field or argument of a document at a place that an error names."""
    try:
        visitor = _At(int(place["column"]) - 1)
    except (KeyError, TypeError, ValueError):
        return ""
    visit(parse(Source(text)), visitor)
    return ".".join(visitor.path)


class _At(Visitor):
    """The names of the nodes round a place."""

    def __init__(self, offset: int) -> None:
        super().__init__()
        self._offset = offset
        self.path: list[str] = []

    def enter(self, node: Node, *_: Any) -> None:
        holds = node.loc and node.loc.start <= self._offset < node.loc.end
        if holds and isinstance(node, ArgumentNode | FieldNode | ObjectFieldNode):
            self.path.append(node.name.value)
