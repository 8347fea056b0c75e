"""Questions to a schema, typed: graphql-core's own attributes are `Unknown` to a strict type checker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    TypeInfo,
    TypeInfoVisitor,
    Undefined,
    Visitor,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    print_ast,
    visit,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from graphql import (
        FieldNode,
        FragmentDefinitionNode,
        GraphQLAbstractType,
        GraphQLField,
        GraphQLInputField,
        GraphQLNamedType,
        GraphQLSchema,
        GraphQLType,
        Node,
        OperationDefinitionNode,
        TypeNode,
        VariableDefinitionNode,
    )


# They steer the generator and are not part of the server's schema.
CLIENT_DIRECTIVES = frozenset({"idempotent"})

_STANDARD = frozenset({"Boolean", "Float", "ID", "Int", "String"})


def output_fields(type_: GraphQLNamedType) -> Mapping[str, GraphQLField]:
    """The fields of an object or interface; none of anything else."""
    return type_.fields if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) else {}


def input_fields(type_: GraphQLNamedType) -> Mapping[str, GraphQLInputField]:
    """The fields of an input object; none of anything else."""
    return type_.fields if isinstance(type_, GraphQLInputObjectType) else {}


def key(node: FieldNode) -> str:
    """The key under which a field is answered: its alias, or its name."""
    return node.alias.value if node.alias else node.name.value


def root_name(schema: GraphQLSchema, operation: OperationDefinitionNode) -> str:
    """The type that a valid operation starts from."""
    root = schema.get_root_type(operation.operation)
    return root.name if root else ""


def type_of(holder: Any) -> GraphQLType:
    """The type of a field or argument."""
    return cast("GraphQLType", holder.type)


def named_type(holder: Any) -> GraphQLNamedType:
    """The type of a field or argument, without what wraps it."""
    return get_named_type(type_of(holder))


def is_nullable(holder: Any) -> bool:
    """Whether a field or argument may be null."""
    return not isinstance(type_of(holder), GraphQLNonNull)


def is_composite(parent: GraphQLNamedType, name: str) -> bool:
    """Whether a field of a type has fields of its own."""
    return not name.startswith("__") and is_composite_type(named_type(output_fields(parent)[name]))


def possible_types(schema: GraphQLSchema, type_: GraphQLNamedType) -> list[GraphQLNamedType]:
    """The objects that a value of a type can be."""
    if not is_abstract_type(type_):
        return [type_]
    return sorted(schema.get_possible_types(cast("GraphQLAbstractType", type_)), key=lambda each: each.name)


def reachable_inputs(types: Iterable[GraphQLNamedType]) -> list[GraphQLNamedType]:
    """The input objects that values of some types can hold."""
    found: dict[str, GraphQLNamedType] = {}
    waiting = list(types)
    while waiting:
        type_ = waiting.pop()
        if isinstance(type_, GraphQLInputObjectType) and type_.name not in found:
            found[type_.name] = type_
            waiting += [named_type(field) for field in input_fields(type_).values()]
    return list(found.values())


def used_types(
    schema: GraphQLSchema, operations: Iterable[OperationDefinitionNode], fragments: Iterable[FragmentDefinitionNode]
) -> dict[str, Node]:
    """The enums, inputs and scalars that become part of a package, each with an operation or fragment that uses it."""
    found: dict[str, Node] = {}
    for operation in operations:
        for variable in operation.variable_definitions:
            found |= {type_.name: variable for type_ in _held(schema, variable) if type_.name not in found}
    for definition in (*operations, *fragments):
        for owner, node in owned_fields(schema, definition):
            field = output_fields(schema.type_map[owner]).get(node.name.value) if owner else None
            if field and not is_composite_type(named_type(field)):
                found.setdefault(named_type(field).name, node)
    return found


def _held(schema: GraphQLSchema, variable: VariableDefinitionNode) -> list[GraphQLNamedType]:
    """The type of a variable, and those of everything inside it."""
    named = schema.type_map[print_ast(variable.type).strip("[]!")]
    return [named, *(named_type(field) for each in reachable_inputs([named]) for field in input_fields(each).values())]


def loose_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, atoms: Collection[str]
) -> dict[str, TypeNode]:
    """The variables that can hold JSON, with their types: those that reach a scalar of the server's own.

    Args:
        schema: What knows the types.
        operation: Whose variables.
        atoms: Scalars whose values are never mappings.
    """
    found: dict[str, TypeNode] = {}
    for node in operation.variable_definitions:
        if any(
            isinstance(type_, GraphQLScalarType) and type_.name not in _STANDARD | {*atoms}
            for type_ in _held(schema, node)
        ):
            found[node.variable.name.value] = node.type
    return found


def wrong_defaults(schema: GraphQLSchema) -> list[GraphQLError]:
    """Defaults that are not values of their types: graphql-core silently drops them."""
    return [
        GraphQLError(f"The default of {name} is not a valid {type_of(holder)}.", holder.ast_node.default_value)
        for name, holder in _with_defaults(schema)
        if holder.ast_node and holder.ast_node.default_value and holder.default_value is Undefined
    ]


def _with_defaults(schema: GraphQLSchema) -> Iterator[tuple[str, Any]]:
    """Arguments and fields of inputs."""
    for type_ in schema.type_map.values():
        yield from ((f"{type_.name}.{name}", field) for name, field in input_fields(type_).items())
        for name, field in output_fields(type_).items():
            yield from ((f"{type_.name}.{name}({each}:)", argument) for each, argument in field.args.items())
    for directive in schema.directives:
        yield from ((f"@{directive.name}({each}:)", argument) for each, argument in directive.args.items())


def enums_of_outputs(schema: GraphQLSchema) -> set[str]:
    """The enums that an answer can hold."""
    named = (named_type(field) for type_ in schema.type_map.values() for field in output_fields(type_).values())
    return {type_.name for type_ in named if isinstance(type_, GraphQLEnumType)}


def owned_fields(schema: GraphQLSchema, definition: Node) -> Iterator[tuple[str, FieldNode]]:
    """Every field that a definition selects, with the name of the type it belongs to."""
    info = TypeInfo(schema)
    found: list[tuple[str, FieldNode]] = []
    visit(definition, TypeInfoVisitor(info, _Owners(info, found)))
    return iter(found)


class _Owners(Visitor):
    def __init__(self, info: TypeInfo, found: list[tuple[str, FieldNode]]) -> None:
        super().__init__()
        self._info = info
        self._found = found

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent = self._info.get_parent_type()
        self._found.append((parent.name if parent else "", node))
