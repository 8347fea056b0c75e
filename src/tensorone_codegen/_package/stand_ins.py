"""Other names for types of the schema while ariadne-codegen runs: for those that its modules import themselves.

An enum may be called `Optional` or `int`. ariadne-codegen would write one name for both, and nobody could tell them
apart afterwards. So such a type has a name of its own until every import of that name has another one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLScalarType,
    NamedTypeNode,
    Source,
    TypeDefinitionNode,
    TypeExtensionNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from tensorone_codegen import _names

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from graphql import GraphQLSchema, NameNode, Node, OperationDefinitionNode, TypeNode


def stand_ins(schema: GraphQLSchema, types: Collection[str]) -> dict[str, str]:
    """The types that need another name, each with that name.

    Args:
        schema: Its enums, inputs and scalars become names of Python.
        types: Names of Python that modules import for scalars.
    """
    imported = {*_names.OF_MODULES, *_names.BUILTINS, *types}
    return {
        name: _unused(f"{name}OfSchema", schema.type_map)
        for name, type_ in schema.type_map.items()
        if (isinstance(type_, GraphQLEnumType | GraphQLInputObjectType) and name in imported)
        or (isinstance(type_, GraphQLScalarType) and name == _names.UPLOAD)
    }


def _unused(name: str, taken: Collection[str]) -> str:
    return _unused(f"{name}_", taken) if name in taken else name


def renamed(text: str, names: Mapping[str, str]) -> str:
    """GraphQL in which some types have other names; comments and lines stay where they are."""
    if not names:
        return text
    visitor = _Places(names)
    visit(parse(Source(text)), visitor)
    places = {node.loc.start: node for node in visitor.found if node.loc}
    for start, node in sorted(places.items(), reverse=True):
        text = text[:start] + names[node.value] + text[start + len(node.value) :]
    return text


class _Places(Visitor):
    """Where types are named."""

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__()
        self._names = names
        self.found: list[NameNode] = []

    def enter(self, node: Node, *_: object) -> None:
        if isinstance(node, NamedTypeNode | TypeDefinitionNode | TypeExtensionNode) and node.name.value in self._names:
            self.found.append(node.name)


def restored(operation: OperationDefinitionNode, names: Mapping[str, str]) -> OperationDefinitionNode:
    """An operation whose variables have their types' own names again; changes the operation."""
    visitor = _Places({stand_in: name for name, stand_in in names.items()})
    visit(operation, visitor)
    for node in visitor.found:
        node.value = next(name for name, stand_in in names.items() if stand_in == node.value)
    return operation


def own_names(types: Mapping[str, TypeNode], real: Mapping[str, str]) -> dict[str, str]:
    """Types as they are written, with their own names."""
    texts = {variable: print_ast(type_) for variable, type_ in types.items()}
    return {name: re.sub(r"\w+", lambda found: real.get(found[0], found[0]), text) for name, text in texts.items()}
