"""A generated package whose schema and fragments another one uses."""

from __future__ import annotations

import ast
from importlib import resources
from typing import TYPE_CHECKING

from graphql import (
    REMOVE,
    DirectiveNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    Source,
    Visitor,
    VisitorAction,
    build_schema,
    lexicographic_sort_schema,
    parse,
    print_ast,
    print_type,
    visit,
)

from tensorone_codegen import _names
from tensorone_codegen._errors import CodegenError
from tensorone_codegen._names import classes
from tensorone_codegen._schema import input_fields, named_type, reachable_inputs

from .locations import parsed, place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

    from graphql import DocumentNode, GraphQLNamedType, GraphQLSchema, Node


TYPES = ("enums", "input_types")


class Extended:
    """What there is to use of an installed package.

    Attributes:
        schema: Its schema.
        secret: `Type.field` of what it masks.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        try:
            files = resources.files(package)
            self.schema = (files / "schema.graphql").read_text(encoding="utf-8")
            document = parsed(
                Source((files / "fragments.graphql").read_text(encoding="utf-8"), f"{package}/fragments.graphql")
            )
            self.secret = _lines(files / "secret.txt")
            self._types = {name: f"{package}.{module}" for module in TYPES for name in _defined(files, module)}
        except (ModuleNotFoundError, FileNotFoundError):
            raise CodegenError(f"pyproject.toml: extends: {package} is not an installed, generated package") from None
        self._fragments = _fragments(document)

    def fragments_for(self, document: DocumentNode) -> list[FragmentDefinitionNode]:
        """Those that a document uses and does not define, and those that they use, by name.

        Raises:
            CodegenError: The document defines one that is there too; a third might mean either.
        """
        for name, node in _fragments(document).items():
            if name in self._fragments:
                raise CodegenError(f"{place(node)}: {self._package} has a fragment {name} too: rename it, or use that")
        return list(reached_fragments(document, self._fragments).values())

    def shared(self, schema: GraphQLSchema, fragments: list[FragmentDefinitionNode]) -> dict[str, str]:
        """The classes that need not be generated again, and their modules.

        Those of some fragments, and those of enums and inputs that are the same in both schemas.
        """
        known, here = _bare(build_schema(self.schema)), _bare(schema)
        same = {name for name in known.keys() & here.keys() if known[name] == here[name]}
        types = {
            name: module
            for name, module in self._types.items()
            if name in same and _held_by(schema.type_map[name]) <= same
        }
        return types | {_names.class_name(node.name.value): f"{self._package}.fragments" for node in fragments}


def _bare(schema: GraphQLSchema) -> dict[str, str]:
    """The types without what makes no difference to a class: words, order and deprecations."""
    types = lexicographic_sort_schema(schema).type_map.items()
    return {name: print_ast(visit(parse(print_type(type_)), _Bare())) for name, type_ in types}


class _Bare(Visitor):
    def enter(self, node: Node, *_: object) -> VisitorAction:
        if isinstance(node, DirectiveNode) and node.name.value == "deprecated":
            return REMOVE
        if getattr(node, "description", None):
            node.description = None
        return None


def _held_by(type_: GraphQLNamedType) -> set[str]:
    """The types that an input can hold."""
    return {named_type(field).name for each in reachable_inputs([type_]) for field in input_fields(each).values()}


def _lines(file: Traversable) -> tuple[str, ...]:
    return tuple(file.read_text(encoding="utf-8").split()) if file.is_file() else ()


def _defined(files: Traversable, module: str) -> list[str]:
    """The classes of a module that is only read."""
    file = files / f"{module}.py"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return [class_def.name for class_def in classes(ast.parse(text))]


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def reached_fragments(node: Node, fragments: Mapping[str, FragmentDefinitionNode]) -> dict[str, FragmentDefinitionNode]:
    """Those of some fragments that a node spreads, and those that they spread, by name."""
    found: dict[str, FragmentDefinitionNode] = {}
    waiting = _spreads(node)
    while waiting:
        name = waiting.pop()
        if name in fragments and name not in found:
            found[name] = fragments[name]
            waiting |= _spreads(found[name])
    return dict(sorted(found.items()))


def _spreads(node: Node) -> set[str]:
    visitor = _Spreads()
    visit(node, visitor)
    return visitor.names


class _Spreads(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        self.names.add(node.name.value)
