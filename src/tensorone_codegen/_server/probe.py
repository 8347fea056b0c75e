"""Asks a live server which of our operations it would accept, without executing any of them.

A server validates a whole document and executes the one operation that `operationName` picks.
So our operation stands behind a harmless query, which comes first and is the one that is named;
should a server pick ours all the same, `@skip(if: true)` on its root fields leaves it nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import ArgumentNode, FieldNode, Node, ObjectFieldNode, Source, Visitor, parse, visit

from tensorone._data.json import as_array, as_object
from tensorone._graphql import probing
from tensorone_codegen._errors import CodegenError
from tensorone_codegen._package import probe_document
from tensorone_codegen._package.documents import Cutter

from .answers import message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import OperationDefinitionNode

    from tensorone._graphql.probing import Said, Verdict
    from tensorone_codegen._project.sources import Project

    from .answers import Reply
    from .remote import Server


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is said against an operation.

    Attributes:
        message: In the server's words.
        fields: The fields or arguments that it is about, each with those that it lies in: `make.input.price`.
    """

    message: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{', '.join(self.fields)}: {self.message}" if self.fields else self.message


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server says to one operation.

    Attributes:
        operation: Its name.
        verdict: Whether it would be accepted; unknown if the server does not say.
        reasons: What is said against it.
    """

    operation: str
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()


def probe(project: Project, server: Server) -> list[Answer]:
    """Asks for each operation in turn.

    Raises:
        CodegenError: The server does not even answer the harmless query.
    """
    alone = server.ask(probing.HARMLESS, "Probe")
    if not _is_harmless(alone):
        raise CodegenError(f"{server.url} answers no query at all: {alone.words or 'its answer is another'}")
    controls = _controls(server, {node.operation.value for node in project.operations})
    return [_answer(project, node, server, controls) for node in project.operations]


def _controls(server: Server, kinds: set[str]) -> dict[str, Said]:
    controls = {"query": _said(server.ask(probing.control("query"), "Probe"))}
    if controls["query"][0] == "refused":
        for kind in sorted(kinds - {"query"}):
            controls[kind] = _said(server.ask(probing.control(kind), "Probe"))
    return controls


def _answer(project: Project, node: OperationDefinitionNode, server: Server, controls: dict[str, Said]) -> Answer:
    name = node.name.value if node.name else ""
    if known := probing.standing(node.operation.value, controls):
        return Answer(name, known[0], tuple(map(Reason, known[1])))
    text = document(project, node)
    reply = server.ask(text, "Probe")
    return Answer(name, _said(reply)[0], tuple(dict.fromkeys(_reasons(text, reply))))


def _said(reply: Reply) -> Said:
    if _is_harmless(reply):
        return "accepted", ()
    return probing.verdict(list(reply.errors), reply.status, reply.data), reply.messages


def _is_harmless(reply: Reply) -> bool:
    """Whether the harmless query was answered, and nothing else."""
    return "__typename" in (as_object(reply.data) or {}) and not reply.errors


def document(project: Project, node: OperationDefinitionNode) -> str:
    """What is asked about one operation."""
    fields = Cutter(project.schema, project.fragments).root_fields(node)
    return probe_document.text(project.schema, node, fields)


def _reasons(text: str, reply: Reply) -> Iterator[Reason]:
    for error in reply.errors:
        places = {_path(text, place) for place in as_array(error.get("locations")) or ()}
        yield Reason(message(error), tuple(sorted(places - {""})))


def _path(text: str, place: Any) -> str:
    """The field or argument of a document at a place that an error names."""
    column = (as_object(place) or {}).get("column")
    if not isinstance(column, int):
        return ""
    visitor = _At(column - 1)
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
