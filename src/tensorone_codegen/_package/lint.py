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
from tensorone_codegen._schema import CLIENT_DIRECTIVES, input_fields, output_fields, reachable_inputs, used_types

from .collisions import MODULES, collisions, same

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from graphql import Node, OperationDefinitionNode, SelectionSetNode

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
        visitor = _Fragments(info)
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
    """Fragments that the models cannot follow."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.problems: list[str] = []
        # Any, since the types in it are partly unknown to a type checker.
        self._info: Any = info
        self._fields: list[set[str]] = []

    def enter_selection_set(self, node: SelectionSetNode, *_: object) -> None:
        self._fields.append(
            {each.name.value for each in node.selections if isinstance(each, FieldNode)} - {"__typename"}
        )

    def leave_selection_set(self, *_: object) -> None:
        self._fields.pop()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        if node.name.value in ("__schema", "__type"):
            self.problems.append(
                f"{place(node)}: {node.name.value} asks for the schema itself, and a package has no models of it:"
                " leave it out; python -m tensorone_codegen pull reads a server's schema"
            )

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        self._directives(node)

    def enter_inline_fragment(self, node: InlineFragmentNode, *_: object) -> None:
        self._directives(node)
        if not getattr(node, "type_condition", None):
            self.problems.append(f"{place(node)}: an inline fragment without a type: write its fields without it")
            return
        parent, own = self._info.get_parent_type(), self._info.get_type()
        if isinstance(own, GraphQLInterfaceType) and parent is not own and is_abstract_type(parent):
            for name in sorted(self._fields[-1] - own.fields.keys()):
                self.problems.append(
                    f"{place(node)}: ... on {own.name} stands beside {name}, which {own.name} does not have:"
                    " write a fragment on each type instead"
                )

    def _directives(self, node: FragmentSpreadNode | InlineFragmentNode) -> None:
        for directive in node.directives:
            text = print_ast(directive)
            self.problems.append(f"{place(directive)}: {text} on a fragment: put it on the fields themselves")
