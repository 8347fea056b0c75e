"""Refuses operations from which ariadne-codegen would, without a word, make wrong classes."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ariadne_codegen.utils import str_to_pascal_case, str_to_snake_case
from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, is_enum_type, is_input_object_type

from ._documents import field_type, is_composite
from ._errors import CodegenError
from ._sources import place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLNamedType, Node, SelectionSetNode

    from ._sources import Project

MODULES = frozenset(
    {"base_client", "base_model", "client", "enums", "fragments", "input_types", "open_enum", "operation"}
)


def lint(project: Project) -> None:
    """Raises one error with all that is wrong, each with its place and what to do."""
    problems = [*_names(project), *_enums(project)]
    for operation in project.operations:
        root = project.schema.get_root_type(operation.operation)
        if operation.name and root:
            problems += _Classes(project).check(operation.selection_set, root, operation.name.value)
    for fragment in project.fragments.values():
        parent = project.schema.type_map[fragment.type_condition.name.value]
        problems += _Classes(project).check(fragment.selection_set, parent, fragment.name.value)
    if problems:
        raise CodegenError("\n".join(dict.fromkeys(problems)))


def _names(project: Project) -> Iterator[str]:
    """Names that would become the same class or module."""
    taken = {
        name: f"type {name} of the schema"
        for name, type_ in project.schema.type_map.items()
        if is_enum_type(type_) or is_input_object_type(type_)
    }
    for fragment in project.fragments.values():
        name = fragment.name.value
        if name in taken:
            yield f"{place(fragment)}: fragment {name} has the name of {taken[name]}: rename it"
        taken[name] = f"a fragment ({place(fragment)})"
    for operation in project.operations:
        if operation.name is None:
            yield f"{place(operation)}: the operation has no name: give it one"
            continue
        name = str_to_pascal_case(operation.name.value)
        module = str_to_snake_case(operation.name.value)
        if module in MODULES:
            yield f"{place(operation)}: operation {name} would overwrite the module {module}.py: rename it"
        if name in taken:
            yield f"{place(operation)}: operation {name} has the name of {taken[name]}: rename it"
        taken[name] = f"an operation ({place(operation)})"


def _enums(project: Project) -> Iterator[str]:
    for name, type_ in project.schema.type_map.items():
        if is_enum_type(type_) and "mro" in type_.values:
            yield f"enum {name}: a value called mro cannot be a member of a Python class"


class _Classes:
    """The classes that come of one operation or fragment."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._paths: dict[str, tuple[str, ...]] = {}

    def check(self, selection: SelectionSetNode, parent: GraphQLNamedType, name: str) -> list[str]:
        """What is wrong with a selection and all below it."""
        return list(self._walk(selection, parent, (name,)))

    def _walk(self, selection: SelectionSetNode, parent: GraphQLNamedType, path: tuple[str, ...]) -> Iterator[str]:
        sources: dict[str, dict[str, Node]] = defaultdict(dict)
        attributes: dict[str, str] = {}
        for node, source, owner in self._fields(selection, parent, "directly"):
            key = node.alias.value if node.alias else node.name.value
            attribute = str_to_snake_case(key)
            if attributes.setdefault(attribute, key) != key:
                yield f"{place(node)}: {attributes[attribute]} and {key} both become {attribute}: give one an alias"
            if not is_composite(owner, node.name.value):
                continue
            sources[key][source] = node
            if source == "directly" and node.selection_set:
                yield from self._named((*path, key), node)
                yield from self._walk(node.selection_set, field_type(owner, node.name.value), (*path, key))
        for key, found in sources.items():
            if len(found) > 1:
                yield (
                    f"{place(next(iter(found.values())))}: {key} is selected {' and '.join(found)}, and only one of them"
                    " would be kept: select it once, in one fragment"
                )

    def _named(self, path: tuple[str, ...], node: Node) -> Iterator[str]:
        name = "".join(map(str_to_pascal_case, path))
        if self._paths.setdefault(name, path) != path:
            yield (
                f"{place(node)}: {'.'.join(path[1:])} and {'.'.join(self._paths[name][1:])} would both become the class"
                f" {name}: give one an alias"
            )

    def _fields(
        self, selection: SelectionSetNode, parent: GraphQLNamedType, source: str
    ) -> Iterator[tuple[FieldNode, str, GraphQLNamedType]]:
        """The fields of a selection with where they come from and the type they belong to."""
        for node in selection.selections:
            if isinstance(node, FieldNode):
                yield node, source, parent
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._project.fragments[node.name.value]
                owner = self._project.schema.type_map[fragment.type_condition.name.value]
                yield from self._fields(fragment.selection_set, owner, f"by fragment {node.name.value}")
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                owner = self._project.schema.type_map[condition.name.value] if condition else parent
                yield from self._fields(node.selection_set, owner, source)
