"""Cuts operations at their variables and expands their fragments. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias, cast

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    VariableNode,
    print_ast,
)
from graphql.language.print_string import print_string

from tensorone_codegen._schema import CLIENT_DIRECTIVES, is_nullable, key, named_type, output_fields, root_name
from tensorone_codegen.runtime.operation import Group, Piece, RootField, Slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from graphql import (
        ArgumentNode,
        DirectiveNode,
        FragmentDefinitionNode,
        GraphQLNamedType,
        GraphQLSchema,
        InlineFragmentNode,
        OperationDefinitionNode,
        SelectionNode,
        SelectionSetNode,
        ValueNode,
    )


Pieces: TypeAlias = tuple[Piece, ...]
NO_TYPES: Mapping[str, str] = MappingProxyType({})


class Cutter:
    """Cuts operations against one schema and one set of fragments; none of these has directives."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._fragments = fragments
        self._defaults: dict[str, str] = {}
        self._types: Mapping[str, str] = {}

    def root_fields(
        self, operation: OperationDefinitionNode, types: Mapping[str, str] = NO_TYPES
    ) -> tuple[RootField, ...]:
        """The operation's root fields in pieces; root selections by fragment are expanded too.

        Args:
            operation: One of the schema.
            types: The types of those variables that can hold JSON.
        """
        self._types = types
        self._defaults = {
            definition.variable.name.value: _literal(definition.default_value)
            for definition in operation.variable_definitions
            if definition.default_value is not None
        }
        root = self._schema.type_map[root_name(self._schema, operation)]
        fields = (self._root_field(node, root) for node in self._fields_of(operation.selection_set))
        return tuple(dict.fromkeys(fields))

    def _fields_of(self, selection: SelectionSetNode) -> Iterable[FieldNode]:
        for node in selection.selections:
            if isinstance(node, FieldNode):
                yield node
            else:
                yield from self._fields_of(self._fragment(node)[1])

    def _root_field(self, node: FieldNode, root: GraphQLNamedType) -> RootField:
        name = node.name.value
        rest = self._directives(node.directives) + self._selection_of(node, root)
        return RootField(
            key=key(node),
            name=name,
            arguments=self._arguments(node.arguments),
            selection=_joined(rest),
            nullable=not name.startswith("__") and is_nullable(output_fields(root)[name]),
        )

    def _selection_of(self, node: FieldNode, parent: GraphQLNamedType) -> Pieces:
        if node.selection_set is None:
            return ()
        return self._selection(node.selection_set, named_type(output_fields(parent)[node.name.value]))

    def _selection(self, selection: SelectionSetNode, parent: GraphQLNamedType) -> Pieces:
        return _joined(("{", *_spaced(dict.fromkeys(self._items(selection, parent))), "}"))

    def _items(self, selection: SelectionSetNode, parent: GraphQLNamedType) -> Iterable[Pieces]:
        for node in selection.selections:
            if isinstance(node, FieldNode):
                yield self._item(node, parent)
            else:
                yield from self._spread(*self._fragment(node), parent)

    def _fragment(self, node: SelectionNode) -> tuple[str, SelectionSetNode]:
        """The type condition and the selection of a fragment."""
        fragment = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
        fragment = cast("FragmentDefinitionNode | InlineFragmentNode", fragment)
        return fragment.type_condition.name.value, fragment.selection_set

    def _item(self, node: FieldNode, parent: GraphQLNamedType) -> Pieces:
        prefix = f"{node.alias.value}:" if node.alias else ""
        return (
            prefix + node.name.value,
            *self._arguments(node.arguments),
            *self._directives(node.directives),
            *self._selection_of(node, parent),
        )

    def _spread(self, condition: str, selection: SelectionSetNode, parent: GraphQLNamedType) -> Iterable[Pieces]:
        """A fragment: dissolved where it says nothing, an inline fragment where it narrows."""
        if condition == parent.name:
            yield from self._items(selection, parent)
        else:
            yield (f"... on {condition}", *self._selection(selection, self._schema.type_map[condition]))

    def _arguments(self, arguments: Sequence[ArgumentNode]) -> Pieces:
        named = [(argument.name.value, argument.value) for argument in arguments]
        return (Group(_joined(self._named(named))),) if named else ()

    def _directives(self, directives: Sequence[DirectiveNode]) -> Pieces:
        return tuple(
            piece
            for node in directives
            if node.name.value not in CLIENT_DIRECTIVES
            for piece in (f" @{node.name.value}", *self._arguments(node.arguments))
        )

    def _named(self, named: Sequence[tuple[str, ValueNode]]) -> Pieces:
        """Arguments or fields of an input object; what is a variable vanishes with its name when it is not set."""
        pieces: list[Piece] = []
        for index, (name, value) in enumerate(named):
            before = f"{' ' if index else ''}{name}:"
            if isinstance(value, VariableNode):
                pieces.append(self._slot(value, before))
            else:
                pieces += (before, *self._value(value))
        return tuple(pieces)

    def _slot(self, value: VariableNode, before: str) -> Slot:
        name = value.name.value
        return Slot(name, before, self._defaults.get(name), self._types.get(name, ""))

    def _value(self, value: ValueNode) -> Pieces:
        if isinstance(value, VariableNode):
            return (self._slot(value, ""),)
        if isinstance(value, ListValueNode):
            return ("[", *_spaced(map(self._value, value.values)), "]")
        if isinstance(value, ObjectValueNode):
            return ("{", *self._named([(field.name.value, field.value) for field in value.fields]), "}")
        return (_literal(value),)


def document(operation: OperationDefinitionNode, fields: Iterable[RootField]) -> str:
    """The operation in standard form, with variables."""
    variables = " ".join(
        f"${definition.variable.name.value}:{print_ast(definition.type)}"
        + ("" if definition.default_value is None else f"={_literal(definition.default_value)}")
        for definition in operation.variable_definitions
    )
    name = operation.name.value if operation.name else ""
    head = f"{operation.operation.value} {name}" + (f"({variables})" if variables else "")
    directives = "".join(
        f" {print_ast(node)}" for node in operation.directives if node.name.value not in CLIENT_DIRECTIVES
    )
    return f"{head}{directives}{{{' '.join(map(_standard, fields))}}}"


def _standard(field: RootField) -> str:
    prefix = "" if field.key == field.name else f"{field.key}:"
    return prefix + field.name + _with_variables(field.arguments) + _with_variables(field.selection)


def _with_variables(pieces: Pieces) -> str:
    return "".join(_one_with_variables(piece) for piece in pieces)


def _one_with_variables(piece: Piece) -> str:
    if isinstance(piece, Slot):
        return f"{piece.before}${piece.variable}"
    if isinstance(piece, Group):
        return f"({_with_variables(piece.pieces)})"
    return piece


def _literal(value: ValueNode) -> str:
    """A constant on one line."""
    if isinstance(value, StringValueNode):
        return print_string(value.value)
    if isinstance(value, ListValueNode):
        return "[" + " ".join(map(_literal, value.values)) + "]"
    if isinstance(value, ObjectValueNode):
        return "{" + " ".join(f"{field.name.value}:{_literal(field.value)}" for field in value.fields) + "}"
    return print_ast(value)


def _spaced(items: Iterable[Pieces]) -> Pieces:
    """The items one after the other, a space between two."""
    return tuple(piece for index, item in enumerate(items) for piece in ((" ", *item) if index else item))


def _joined(pieces: Iterable[Piece]) -> Pieces:
    """The same pieces with neighbouring texts put together."""
    result: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and result and isinstance(result[-1], str):
            result[-1] += piece
        else:
            result.append(piece)
    return tuple(result)
