"""Refuses what ariadne-codegen would silently turn into something wrong."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLScalarType,
    InlineFragmentNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    is_abstract_type,
    print_ast,
    visit,
)

from tensorone_codegen import _names
from tensorone_codegen._errors import CodegenError
from tensorone_codegen._project.locations import place
from tensorone_codegen._schema import (
    CLIENT_DIRECTIVES,
    input_fields,
    output_fields,
    possible_types,
    reachable_inputs,
    used_types,
)

from .collisions import MODULES, collisions, same

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from graphql import GraphQLNamedType, Node, OperationDefinitionNode, SelectionSetNode

    from tensorone_codegen._project.settings import Settings
    from tensorone_codegen._project.sources import Project


def lint(project: Project, settings: Settings) -> None:
    """Checks a valid project.

    Raises:
        CodegenError: Holds everything that is wrong, one line each, with its place and what to do.
    """
    used = used_types(project.schema, project.operations, project.fragments.values())
    problems = [*_secrets(project, settings.secret), *_enums(project, used), *_types(project, settings, used)]
    for operation in project.operations:
        problems += [*_operation(operation), *_variables(operation), *_inputs(project, operation)]
    for definition in (*project.operations, *project.fragments.values()):
        info = TypeInfo(project.schema)
        visitor = _Fragments(project, info)
        visit(definition, TypeInfoVisitor(info, visitor))
        problems += visitor.problems
    # What is wrong so far would only be reported a second time, as a collision.
    problems = problems or list(collisions(project, settings.scalar_types, settings.ariadne["client_name"]))
    if problems:
        raise CodegenError("\n".join(dict.fromkeys(problems)))


def _secrets(project: Project, secret: Iterable[str]) -> Iterator[str]:
    for coordinate in secret:
        owner, _, name = coordinate.partition(".")
        type_ = project.schema.type_map.get(owner)
        if type_ is None or name not in {**output_fields(type_), **input_fields(type_)}:
            yield f"pyproject.toml: secret: the schema has no field {coordinate}"


def _enums(project: Project, used: Collection[str]) -> Iterator[str]:
    for name, type_ in project.schema.type_map.items():
        values = type_.values if isinstance(type_, GraphQLEnumType) and name in used else {}
        for value, other, member in same(values, _names.member):
            where = f"{place(type_.ast_node)}: enum {name}"
            yield f"{where}: {other} and {value} both become the member {member}: leave one out"


def _types(project: Project, settings: Settings, used: Mapping[str, Node]) -> Iterator[str]:
    """Types that cannot be a part of a package."""
    modules = MODULES | {_names.method(node.name.value) for node in project.operations if node.name}
    for name, node in used.items():
        kind = project.schema.type_map[name]
        if name == _names.UPLOAD and name not in settings.ariadne["scalars"]:
            yield (
                f"{place(node)}: this needs the scalar Upload, and files cannot be sent: leave it out, or map Upload"
                ' to a type that you send instead: [tool.ariadne-codegen.scalars] Upload = { type = "str" }'
            )
        elif isinstance(kind, GraphQLScalarType):
            continue
        elif keyword.iskeyword(name):
            yield f"{place(node)}: the type {name} is used here, and no Python class can have that name: leave it out"
        elif name in modules:
            yield (
                f"{place(node)}: the type {name} is used here, and the package has a module {name}: leave it out,"
                " or rename the operation if the module is its own"
            )


def _operation(operation: OperationDefinitionNode) -> Iterator[str]:
    if operation.name is None:
        yield f"{place(operation)}: the operation has no name: give it one"
    if operation.operation is OperationType.SUBSCRIPTION:
        yield f"{place(operation)}: subscriptions are not supported: leave it out"
    for directive in operation.directives:
        if directive.name.value not in CLIENT_DIRECTIVES:
            yield f"{place(directive)}: @{directive.name.value} on an operation would not be sent: put it on its fields"


def _variables(operation: OperationDefinitionNode) -> Iterator[str]:
    definitions = {node.variable.name.value: node for node in operation.variable_definitions}
    for name, other, argument in same(definitions, _names.argument):
        yield f"{place(definitions[name])}: ${other} and ${name} both become {argument}: rename one"
    for name, node in definitions.items():
        argument = _names.argument(name)
        if argument == "self" or not argument.isidentifier():
            yield f"{place(node)}: ${name} cannot be an argument called {argument!r}: rename it"


def _inputs(project: Project, operation: OperationDefinitionNode) -> Iterator[str]:
    """Inputs that cannot be a model."""
    types = [project.schema.type_map[print_ast(node.type).strip("[]!")] for node in operation.variable_definitions]
    for type_ in reachable_inputs(types):
        where, attributes = f"{place(operation)}: the input {type_.name} has", input_fields(type_)
        advice = "write its fields as variables of their own"
        for name, other, attribute in same(attributes, _names.attribute):
            yield f"{where} {other} and {name}, and both become {attribute}: {advice}"


class _Fragments(Visitor):
    """Fragments that the models cannot follow.

    Attributes:
        problems: What is wrong, with its place and what to do.
    """

    def __init__(self, project: Project, info: TypeInfo) -> None:
        super().__init__()
        self.problems: list[str] = []
        self._project = project
        # Any, since the types in it are partly unknown to a type checker.
        self._info: Any = info
        self._selections: list[SelectionSetNode] = []
        self._inside: list[str] = [""]  # the interface or union of an inline fragment, where directly inside one

    def enter_selection_set(self, node: SelectionSetNode, *_: object) -> None:
        self._selections.append(node)

    def leave_selection_set(self, *_: object) -> None:
        self._selections.pop()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        self._inside.append("")
        if node.name.value in ("__schema", "__type"):
            self.problems.append(
                f"{place(node)}: {node.name.value} asks for the schema itself, and a package has no models of it:"
                " leave it out; python -m tensorone_codegen pull reads a server's schema"
            )

    def leave_field(self, *_: object) -> None:
        self._inside.pop()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        self._directives(node)
        name = node.name.value
        parent, own = self._info.get_parent_type(), self._of_fragment(name)
        if self._inside[-1] and (own.name != self._inside[-1] or self._narrows(name)):
            self._misplaced(node, f"...{name}", self._inside[-1])
        elif _are_interfaces(parent, own) and not self._possible(parent) <= self._possible(own):
            self._lost(node, f"...{name}", parent)

    def enter_inline_fragment(self, node: InlineFragmentNode, *_: object) -> None:
        self._directives(node)
        self._inside.append("")
        if not getattr(node, "type_condition", None):
            self.problems.append(f"{place(node)}: an inline fragment without a type: write its fields without it")
            return
        parent, own = self._info.get_parent_type(), self._info.get_type()
        if self._inside[-2] and own.name != self._inside[-2]:
            self._misplaced(node, f"... on {own.name}", self._inside[-2])
        elif isinstance(own, GraphQLInterfaceType) and parent is not own and is_abstract_type(parent):
            self._beside(node, parent, own)
        if is_abstract_type(own):
            self._inside[-1] = own.name

    def leave_inline_fragment(self, *_: object) -> None:
        self._inside.pop()

    def _beside(self, node: InlineFragmentNode, parent: GraphQLNamedType, own: GraphQLInterfaceType) -> None:
        """An interface in a selection on another type: what else is selected there, and is not in it."""
        nodes = self._selections[-1].selections
        fields = {each.name.value for each in nodes if isinstance(each, FieldNode)} - {"__typename"}
        for name in sorted(fields - own.fields.keys()):
            self.problems.append(
                f"{place(node)}: ... on {own.name} stands beside {name}, which {own.name} does not have:"
                " write a fragment on each type instead"
            )
        named = {each.type_condition.name.value for each in nodes if isinstance(each, InlineFragmentNode)}
        if isinstance(parent, GraphQLInterfaceType) and not self._possible(parent) & self._possible(own) <= named:
            self._lost(node, f"... on {own.name}", parent)

    def _misplaced(self, node: FragmentSpreadNode | InlineFragmentNode, what: str, outer: str) -> None:
        self.problems.append(
            f"{place(node)}: {what} stands inside ... on {outer}, and its fields would be left out:"
            " write it beside that"
        )

    def _lost(self, node: FragmentSpreadNode | InlineFragmentNode, what: str, parent: GraphQLNamedType) -> None:
        self.problems.append(
            f"{place(node)}: {what} stands in a selection on the interface {parent.name}, and its fields would be left"
            " out: write a fragment on each type instead"
        )

    def _directives(self, node: FragmentSpreadNode | InlineFragmentNode) -> None:
        for directive in node.directives:
            text = print_ast(directive)
            self.problems.append(f"{place(directive)}: {text} on a fragment: put it on the fields themselves")

    def _of_fragment(self, name: str) -> GraphQLNamedType:
        return self._project.schema.type_map[self._project.fragments[name].type_condition.name.value]

    def _narrows(self, name: str) -> bool:
        """Whether a fragment holds others that are about other types."""
        return any(other != self._of_fragment(name).name for other in self._conditions(self._project.fragments[name]))

    def _conditions(self, node: Any) -> Iterable[str]:
        for each in node.selection_set.selections:
            if isinstance(each, FragmentSpreadNode):
                yield self._of_fragment(each.name.value).name
                yield from self._conditions(self._project.fragments[each.name.value])
            elif isinstance(each, InlineFragmentNode) and getattr(each, "type_condition", None):
                yield each.type_condition.name.value
                yield from self._conditions(each)

    def _possible(self, type_: GraphQLNamedType) -> set[str]:
        return {each.name for each in possible_types(self._project.schema, type_)}


def _are_interfaces(*types: object) -> bool:
    return all(isinstance(each, GraphQLInterfaceType) for each in types)
