"""What of a schema the operations of a project use, and where. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    NonNullTypeNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    print_ast,
    visit,
)

from tensorone_codegen._project.extended import reached_fragments
from tensorone_codegen._schema import input_fields, named_type, reachable_inputs, root_name

from .changes import left_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLSchema, Node

    from tensorone_codegen._project.sources import Project


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
    sure = _sure(project)
    direct = {name: _Direct(project.schema, sure).of(node) for name, node in project.fragments.items()}
    found: dict[str, list[Use]] = defaultdict(list)
    for operation in project.operations:
        name = operation.name.value if operation.name else ""
        own = _Direct(project.schema, sure).of(operation)
        reached = reached_fragments(operation, project.fragments)
        for model, part in (("", own), *((fragment, direct[fragment]) for fragment in reached)):
            for coordinate, nodes in part.found.items():
                found[coordinate] += (Use(name, model, node) for node in nodes)
    return found


def _sure(project: Project) -> set[str]:
    """The variables that always have a value; in fragments their operation is not known."""
    nodes = [node for operation in project.operations for node in operation.variable_definitions]
    unsure = {
        node.variable.name.value
        for node in nodes
        if node.default_value is None and not isinstance(node.type, NonNullTypeNode)
    }
    return {node.variable.name.value for node in nodes} - unsure


class _Direct(Visitor):
    """What one definition uses itself: each coordinate with the nodes that do."""

    def __init__(self, schema: GraphQLSchema, sure: set[str]) -> None:
        super().__init__()
        self._schema = schema
        self._sure = sure
        # Any, since the types in it are partly unknown to a type checker.
        self._info: Any = TypeInfo(schema)
        self._field = ""
        self.found: dict[str, list[Node]] = defaultdict(list)

    def of(self, definition: Node) -> _Direct:
        """Reads a definition."""
        visit(definition, TypeInfoVisitor(self._info, self))
        return self

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        self._add(node, root_name(self._schema, node))

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self._field = f"{_named(self._info.get_parent_type())}.{node.name.value}"
        if not node.name.value.startswith("__"):
            # Whoever reads an enum may wait for any of its values.
            self._add(node, self._field, *self._all_of(_named(self._info.get_type())))
            self._leaves_out(node, self._info.get_field_def(), self._field)

    def enter_argument(self, node: Any, *_: Any) -> None:
        directive = self._info.get_directive()
        holder = f"@{directive.name}" if directive else self._field
        self._add(node, f"{holder}({node.name.value}:)")
        # The definition of a variable covers all of it.
        if not isinstance(node.value, VariableNode):
            self._add(node, _named(self._info.get_input_type()))

    def enter_directive(self, node: Any, *_: Any) -> None:
        self._add(node, f"@{node.name.value}")
        self._leaves_out(node, self._schema.get_directive(node.name.value), f"@{node.name.value}")

    def enter_object_value(self, node: Any, *_: Any) -> None:
        type_ = self._schema.get_type(_named(self._info.get_input_type()))
        given = self._given(node.fields)
        names = [name for name in (input_fields(type_) if type_ else ()) if name not in given]
        self._add(node, *(left_out(f"{_named(type_)}.{name}") for name in names))

    def enter_object_field(self, node: Any, *_: Any) -> None:
        self._add(node, f"{_named(self._info.get_parent_input_type())}.{node.name.value}")

    def enter_enum_value(self, node: Any, *_: Any) -> None:
        enum = _named(self._info.get_input_type())
        self._add(node, enum, f"{enum}.{node.value}")

    def enter_variable_definition(self, node: Any, *_: Any) -> None:
        # A caller may give every field and every value, or leave it out.
        name = _named(print_ast(node.type))
        type_ = self._schema.get_type(name)
        for each in [each.name for each in reachable_inputs([type_] if type_ else [])] or [name]:
            self._add(node, *self._all_of(each))

    def enter_inline_fragment(self, node: Any, *_: Any) -> None:
        self._condition(node)

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: Any) -> None:
        self._condition(node)

    def _condition(self, node: Any) -> None:
        if node.type_condition:
            self._add(node, node.type_condition.name.value)

    def _leaves_out(self, node: Any, definition: Any, coordinate: str) -> None:
        """The arguments that are not given, or by a variable that need not be."""
        given = self._given(node.arguments)
        names = [name for name in (definition.args if definition else ()) if name not in given]
        self._add(node, *(left_out(f"{coordinate}({name}:)") for name in names))

    def _given(self, nodes: Any) -> set[str]:
        """The names of the arguments or fields that are given for certain."""
        return {
            node.name.value
            for node in nodes
            if not isinstance(node.value, VariableNode) or node.value.name.value in self._sure
        }

    def _all_of(self, name: str) -> Iterator[str]:
        """A type with what a caller may give of it, or an answer hold."""
        yield name
        type_ = self._schema.get_type(name)
        if isinstance(type_, GraphQLEnumType):
            yield from (f"{name}.{value}" for value in type_.values)
        for each, field in input_fields(type_).items() if type_ else ():
            yield from (f"{name}.{each}", left_out(f"{name}.{each}"))
            if not input_fields(named_type(field)):
                yield from self._all_of(named_type(field).name)

    def _add(self, node: Node, *coordinates: str) -> None:
        for coordinate in coordinates:
            self.found[coordinate].append(node)


def _named(type_: object) -> str:
    """The name of a type, without what wraps it."""
    return str(type_).strip("[]!")
