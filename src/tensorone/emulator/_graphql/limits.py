"""Upper bounds for the size of a request, checked before validation: its cost may be quadratic in the document."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Upper bounds.

    Attributes:
        body: Bytes of the request.
        tokens: Tokens of the document.
        depth: Selections nested in one another.
        root_fields: Fields at the root of one operation, each alias counted.
        fields: Fields of the document with every fragment expanded where it is spread.
        same_key: Fields of the document, as written, that share a response key.
    """

    body: int = 1 << 20
    tokens: int = 10_000
    depth: int = 12
    root_fields: int = 100
    fields: int = 5_000
    same_key: int = 300

    def excess(self, document: DocumentNode) -> str | None:
        """Which limit the document exceeds, and by how much; None if none."""
        measure = _Measure(document)
        sizes = [measure.of(operation.selection_set) for operation in operations(document)]
        roots = [sum(1 for _ in root_fields(document, operation)) for operation in operations(document)]
        checks = (
            ("root fields", max(roots, default=0), self.root_fields),
            ("fields", sum(size.fields for size in sizes), self.fields),
            ("nested selections", max((size.depth for size in sizes), default=0), self.depth),
            ("fields under one response key", max(measure.keys.values(), default=0), self.same_key),
        )
        return next(
            (f"{count} {what}, at most {most} are allowed" for what, count, most in checks if count > most), None
        )


def operations(document: DocumentNode) -> list[OperationDefinitionNode]:
    """The operations of a document."""
    return [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]


def root_fields(document: DocumentNode, operation: OperationDefinitionNode) -> Iterator[FieldNode]:
    """The fields at the root of an operation, including those in fragments; each fragment once, as in execution."""
    waiting: list[SelectionNode] = list(operation.selection_set.selections)
    fragments = _fragments(document)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, FieldNode):
            yield node
        elif (inner := _inner(node, fragments)) is not None:
            waiting[:0] = inner.selections


@dataclass(frozen=True, slots=True)
class _Size:
    fields: int = 0
    depth: int = 0


class _Measure:
    """Sizes with fragments expanded; each fragment is measured once, a cycle counts as 0: validation refuses it."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = _fragments(document)
        self._known: dict[str, _Size] = {}
        self.keys: Counter[str] = Counter()

    def of(self, selections: SelectionSetNode | None) -> _Size:
        sizes = [self._node(node) for node in selections.selections] if selections else []
        return _Size(sum(size.fields for size in sizes), max((size.depth for size in sizes), default=0))

    def _node(self, node: SelectionNode) -> _Size:
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        if isinstance(node, FieldNode):
            self.keys[(node.alias or node.name).value] += 1
            inner = self.of(node.selection_set)
            return _Size(inner.fields + 1, inner.depth + 1)
        return self.of(_inner(node, {}))

    def _fragment(self, name: str) -> _Size:
        if name not in self._known:
            self._known[name] = _Size()
            fragment = self._fragments.get(name)
            self._known[name] = self.of(fragment.selection_set if fragment else None)
        return self._known[name]


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def _inner(node: SelectionNode, fragments: dict[str, FragmentDefinitionNode]) -> SelectionSetNode | None:
    """The selections of an inline fragment, or of a spread, whose fragment is removed: it counts once."""
    if isinstance(node, FragmentSpreadNode):
        fragment = fragments.pop(node.name.value, None)
        return fragment.selection_set if fragment else None
    return getattr(node, "selection_set", None)
