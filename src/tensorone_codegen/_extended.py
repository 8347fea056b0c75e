"""A generated package whose schema and fragments another one uses."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from graphql import FragmentDefinitionNode, FragmentSpreadNode, Source, Visitor, parse, visit

from ._errors import CodegenError

if TYPE_CHECKING:
    from graphql import DocumentNode, Node


class Extended:
    """What there is to use of an installed package."""

    def __init__(self, package: str) -> None:
        try:
            files = resources.files(package)
            self.schema = (files / "schema.graphql").read_text(encoding="utf-8")
            document = parse(Source((files / "fragments.graphql").read_text(encoding="utf-8"), package))
        except (ModuleNotFoundError, FileNotFoundError):
            raise CodegenError(f"pyproject.toml: extends: {package} is not an installed, generated package") from None
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def fragments_for(self, document: DocumentNode) -> list[FragmentDefinitionNode]:
        """Those that a document uses and does not define, and those that they use, by name."""
        own = {node.name.value for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        found: dict[str, FragmentDefinitionNode] = {}
        waiting = spreads(document)
        while waiting:
            name = waiting.pop()
            if name in self._fragments and name not in own | found.keys():
                found[name] = self._fragments[name]
                waiting |= spreads(found[name])
        return [found[name] for name in sorted(found)]


def spreads(node: Node) -> set[str]:
    """The fragments that a node names."""
    visitor = _Spreads()
    visit(node, visitor)
    return visitor.names


class _Spreads(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        self.names.add(node.name.value)
