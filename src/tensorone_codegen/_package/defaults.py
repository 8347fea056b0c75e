"""Defaults of the fields of inputs, written as values of their types."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, cast

from graphql import (
    ConstListValueNode,
    ConstObjectFieldNode,
    ConstObjectValueNode,
    EnumValueNode,
    GraphQLEnumType,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    Visitor,
    visit,
)

from tensorone_codegen import _names
from tensorone_codegen._schema import input_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import ConstValueNode, GraphQLSchema


def spell_out(schema: GraphQLSchema) -> None:
    """Writes each default as ariadne-codegen reads it, which takes a default as it stands; changes the schema.

    GraphQL lets `5` stand for `[5]` and for the ID "5", and a name in JSON for a text.
    """
    for type_ in schema.type_map.values():
        for field in input_fields(type_).values():
            if field.ast_node and field.ast_node.default_value:
                field.ast_node.default_value = spelt_out(field.ast_node.default_value, _of(field, "type"))


def _of(found: Any, name: str) -> object:
    """A part of what graphql-core has no types for."""
    return getattr(found, name, None)


def spelt_out(node: ConstValueNode, type_: object) -> ConstValueNode:
    """A valid default with nothing left to be inferred from its type; JSON has none."""
    kind, inner = type(type_), _of(type_, "of_type")
    if issubclass(kind, GraphQLNonNull):
        return spelt_out(node, inner)
    if issubclass(kind, GraphQLList) and not isinstance(node, ListValueNode | NullValueNode):
        return spelt_out(ConstListValueNode(values=(node,)), type_)
    if isinstance(node, ListValueNode):
        return ConstListValueNode(values=tuple(spelt_out(each, inner) for each in node.values))
    if isinstance(node, ObjectValueNode):
        return ConstObjectValueNode(fields=tuple(_fields(node, type_)))
    is_text = isinstance(node, EnumValueNode) and not isinstance(type_, GraphQLEnumType)
    is_id = isinstance(node, IntValueNode) and type_ is GraphQLID
    return StringValueNode(value=getattr(node, "value", "")) if is_text or is_id else node


def _fields(node: ObjectValueNode, type_: object) -> Iterator[ConstObjectFieldNode]:
    types: Mapping[str, object] = input_fields(type_) if isinstance(type_, GraphQLInputObjectType) else {}
    for each in node.fields:
        value = cast("ConstValueNode", each.value)  # of a constant, a constant
        type_of_field = _of(types[each.name.value], "type") if types else None
        yield ConstObjectFieldNode(name=each.name, value=spelt_out(value, type_of_field))


def set_default(field: ast.AnnAssign, default: ConstValueNode) -> None:
    """Corrects a default: enum values in it, objects in lists, and objects that are JSON."""
    values = _EnumValues()
    visit(default, values)
    field.value = field.value and _Defaults(values.found).visit(field.value)


class _EnumValues(Visitor):
    """The enum values of a default, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def enter_enum_value(self, node: EnumValueNode, *_: object) -> None:
        self.found.append(node.value)


class _Defaults(ast.NodeTransformer):
    """Writes a default again; its enum values are in the same order, and ariadne-codegen has them as dotted names."""

    def __init__(self, values: list[str]) -> None:
        self._values = values
        self._in_object = 0
        self._in_list = 0

    def visit_List(self, node: ast.List) -> ast.List:
        self._in_list += 1
        self.generic_visit(node)
        self._in_list -= 1
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.Dict:
        self._in_object += 1
        self.generic_visit(node)
        self._in_object -= 1
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Call(keywords=[ast.keyword("default_factory", ast.Lambda(body=item))]) if self._in_list:
                return item
            case ast.Call(ast.Attribute(ast.Subscript(slice=ast.Constant(""))), [item]):
                return item
            case _:
                return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        kind, dot, _ = node.id.partition(".")
        if not dot:
            return node
        value = self._values.pop(0)
        return ast.Constant(value) if self._in_object else ast.Name(f"{kind}.{_names.member(value)}")
