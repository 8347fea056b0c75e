"""What of a schema the operations of a project use, and where. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    print_ast,
    visit,
)

from ._schema import input_fields, named_type, reachable_inputs, root_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLNamedType, GraphQLSchema, Node

    from ._sources import Project


@dataclass(frozen=True, slots=True)
class Use:
    """One place where an operation uses something.

    Attributes:
        operation: Name of the operation.
        model: The fragment in which the place is; empty if it is in the operation itself.
        node: The place.
    """

    operation: str
    model: str
    node: Node

    @property
    def field(self) -> str:
        """The field, argument, variable or fragment that stands there."""
        named: Any = getattr(self.node, "name", None) or getattr(self.node, "variable", None)
        return print_ast(named or self.node).partition("{")[0].strip()


def uses(project: Project) -> dict[str, list[Use]]:
    """All uses, by coordinate, in the order of the operations."""
    direct = {name: _Direct(project.schema).of(node) for name, node in project.fragments.items()}
    found: dict[str, list[Use]] = defaultdict(list)
    for operation in project.operations:
        name = operation.name.value if operation.name else ""
        own = _Direct(project.schema).of(operation)
        parts = [("", own), *((fragment, direct[fragment]) for fragment in _reached(own.spreads, direct))]
        for model, part in parts:
            for coordinate, nodes in part.found.items():
                found[coordinate] += (Use(name, model, node) for node in nodes)
    return found


def _reached(names: set[str], direct: dict[str, _Direct]) -> list[str]:
    """The fragments that are used, and those that they use."""
    reached: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= direct[name].spreads - reached
    return sorted(reached)


class _Direct(Visitor):
    """What one definition uses itself: each coordinate with the nodes that do."""

    def __init__(self, schema: GraphQLSchema) -> None:
        super().__init__()
        self._schema = schema
        # Any, since the types that it tells are partly unknown to a type checker.
        self._info: Any = TypeInfo(schema)
        self._field = ""
        self.found: dict[str, list[Node]] = defaultdict(list)
        self.spreads: set[str] = set()

    def of(self, definition: Node) -> _Direct:
        """Reads a definition."""
        visit(definition, TypeInfoVisitor(self._info, self))
        return self

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        self._add(node, root_name(self._schema, node))

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self._field = f"{_named(self._info.get_parent_type())}.{node.name.value}"
        if not node.name.value.startswith("__"):
            self._add(node, self._field, _named(self._info.get_type()))

    def enter_argument(self, node: Any, *_: Any) -> None:
        directive = self._info.get_directive()
        holder = f"@{directive.name}" if directive else self._field
        self._add(node, f"{holder}({node.name.value}:)")
        # Of a variable the definition tells all.
        if not isinstance(node.value, VariableNode):
            self._add(node, _named(self._info.get_input_type()))

    def enter_directive(self, node: Any, *_: Any) -> None:
        self._add(node, f"@{node.name.value}")

    def enter_object_field(self, node: Any, *_: Any) -> None:
        self._add(node, f"{_named(self._info.get_parent_input_type())}.{node.name.value}")

    def enter_enum_value(self, node: Any, *_: Any) -> None:
        enum = _named(self._info.get_input_type())
        self._add(node, enum, f"{enum}.{node.value}")

    def enter_variable_definition(self, node: Any, *_: Any) -> None:
        # A caller may give every field and every value.
        type_ = self._schema.type_map[_named(print_ast(node.type))]
        for each in reachable_inputs([type_]) or [type_]:
            self._add(node, *self._all_of(each))

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self.spreads.add(node.name.value)

    def enter_inline_fragment(self, node: Any, *_: Any) -> None:
        self._condition(node)

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: Any) -> None:
        self._condition(node)

    def _condition(self, node: Any) -> None:
        self._add(node, node.type_condition.name.value)

    def _all_of(self, type_: GraphQLNamedType) -> Iterator[str]:
        yield type_.name
        if isinstance(type_, GraphQLEnumType):
            yield from (f"{type_.name}.{value}" for value in type_.values)
        for name, field in input_fields(type_).items():
            yield f"{type_.name}.{name}"
            if not input_fields(named_type(field)):
                yield from self._all_of(named_type(field))

    def _add(self, node: Node, *coordinates: str) -> None:
        for coordinate in coordinates:
            self.found[coordinate].append(node)


def _named(type_: object) -> str:
    """The name of a type, without what wraps it."""
    return str(type_).strip("[]!")
