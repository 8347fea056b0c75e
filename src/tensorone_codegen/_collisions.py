"""Names that would become the same class, module or attribute; of two, one would be lost."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ariadne_codegen.utils import str_to_pascal_case, str_to_snake_case
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    InlineFragmentNode,
    is_abstract_type,
    print_ast,
)

from ._schema import is_composite, named_type, output_fields, possible_types, root_name
from ._sources import place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import ExecutableDefinitionNode, GraphQLNamedType, SelectionSetNode

    from ._sources import Project

MODULES = frozenset(
    {"base_client", "base_model", "client", "enums", "fragments", "input_types", "open_enum", "operation"}
)
# Classes that generated modules import.
CLASSES = frozenset(
    {"Annotated", "Any", "BeforeValidator", "Enum", "Field", "Literal", "Optional", "PlainSerializer", "Union"}
    | {"BaseClient", "BaseModel", "Executor", "Group", "InputModel", "OpenEnum", "Operation", "RootField", "Slot"}
)


def collisions(project: Project) -> Iterator[str]:
    """Everything in a project that would be lost, with its place and what to do."""
    names = _Names(project)
    for fragment in project.fragments.values():
        yield from names.take(fragment, "fragment", fragment.name.value)
    for operation in project.operations:
        yield from names.take(operation, "operation", operation.name.value if operation.name else "")
        yield from names.take_module(operation)
    for operation in project.operations:
        yield from _Selections(project, names, operation).problems(root_name(project.schema, operation))
    for fragment in project.fragments.values():
        yield from _Selections(project, names, fragment).problems(fragment.type_condition.name.value)


class _Names:
    """The classes and modules of one package."""

    def __init__(self, project: Project) -> None:
        self._classes = dict.fromkeys(CLASSES, "a class that the package imports") | {
            name: f"the type {name} of the schema"
            for name, type_ in project.schema.type_map.items()
            if isinstance(type_, GraphQLEnumType | GraphQLInputObjectType)
        }
        self._modules = {name: f"the module {name}.py" for name in MODULES}

    def take(self, node: Any, kind: str, name: str) -> Iterator[str]:
        """Gives a class its name, unless another has it."""
        class_name = str_to_pascal_case(name)
        owner = self._classes.setdefault(class_name, f"the {kind} at {place(node)}")
        if owner != f"the {kind} at {place(node)}":
            yield f"{place(node)}: {kind} {name} becomes the class {class_name}, as does {owner}: rename it"

    def take_module(self, node: Any) -> Iterator[str]:
        """Gives the module of an operation its name, unless another has it."""
        name = str_to_snake_case(node.name.value)
        owner = self._modules.setdefault(name, f"the operation at {place(node)}")
        if owner != f"the operation at {place(node)}":
            yield f"{place(node)}: operation {node.name.value} becomes {name}.py, as does {owner}: rename it"


class _Selections:
    """The classes that one operation or fragment becomes."""

    def __init__(self, project: Project, names: _Names, definition: ExecutableDefinitionNode) -> None:
        self._project = project
        self._names = names
        self._definition = definition
        self._paths: dict[str, tuple[str, ...]] = {}

    def problems(self, type_name: str) -> Iterator[str]:
        """What would be lost of it."""
        name = self._definition.name.value if self._definition.name else ""
        yield from self._walk(self._definition.selection_set, self._project.schema.type_map[type_name], (name,))

    def _walk(self, selection: SelectionSetNode, type_: GraphQLNamedType, path: tuple[str, ...]) -> Iterator[str]:
        """One class for each type that the value can have."""
        for owner in possible_types(self._project.schema, type_):
            yield from self._class(selection, owner, (*path, owner.name) if is_abstract_type(type_) else path)

    def _class(self, selection: SelectionSetNode, owner: GraphQLNamedType, path: tuple[str, ...]) -> Iterator[str]:
        attributes: dict[str, str] = {}
        nested: dict[str, list[tuple[FieldNode, str]]] = defaultdict(list)
        for node, source in self._fields(selection, owner, ""):
            key = node.alias.value if node.alias else node.name.value
            attribute = str_to_snake_case(key)
            if attributes.setdefault(attribute, key) != key:
                yield f"{place(node)}: {attributes[attribute]} and {key} both become {attribute}: give one an alias"
            if is_composite(owner, node.name.value):
                nested[key].append((node, source))
        for key, found in nested.items():
            yield from self._nested(key, found, owner, path)

    def _nested(
        self, key: str, found: list[tuple[FieldNode, str]], owner: GraphQLNamedType, path: tuple[str, ...]
    ) -> Iterator[str]:
        node = found[0][0]
        if len({print_ast(each.selection_set) for each, _ in found if each.selection_set}) > 1:
            sources = " and ".join(dict.fromkeys(source or "directly" for _, source in found))
            yield (
                f"{place(node)}: {key} is selected more than once ({sources}), and only one selection would be kept:"
                " select it once, with all its fields"
            )
        own = next((each for each, source in found if not source), None)
        if own and own.selection_set:
            yield from self._named((*path, key), own)
            field = output_fields(owner)[own.name.value]
            yield from self._walk(own.selection_set, named_type(field), (*path, key))

    def _named(self, path: tuple[str, ...], node: FieldNode) -> Iterator[str]:
        name = "".join(map(str_to_pascal_case, path))
        taken = self._paths.setdefault(name, path)
        if taken != path:
            here, there = ".".join(path[1:]), ".".join(taken[1:])
            yield f"{place(node)}: {there} and {here} both become the class {name}: give one an alias"
        elif node.selection_set and not _is_fragment(node.selection_set):
            yield from self._names.take(node, "selection", name)

    def _fields(
        self, selection: SelectionSetNode, owner: GraphQLNamedType, source: str
    ) -> Iterator[tuple[FieldNode, str]]:
        """The fields that one type has of a selection, and through which fragment."""
        for node in selection.selections:
            if isinstance(node, FieldNode):
                yield node, source
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._project.fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value, owner):
                    yield from self._fields(fragment.selection_set, owner, f"by fragment {node.name.value}")
            elif isinstance(node, InlineFragmentNode) and self._applies(node.type_condition.name.value, owner):
                yield from self._fields(node.selection_set, owner, source)

    def _applies(self, condition: str, owner: GraphQLNamedType) -> bool:
        return owner in possible_types(self._project.schema, self._project.schema.type_map[condition])


def _is_fragment(selection: SelectionSetNode) -> bool:
    """Whether a selection is nothing but a fragment, and so has no class of its own."""
    return len(selection.selections) == 1 and isinstance(selection.selections[0], FragmentSpreadNode)
