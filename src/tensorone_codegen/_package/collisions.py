"""Names that would become the same class, module or attribute; of two, one would be lost."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    InlineFragmentNode,
    is_abstract_type,
    print_ast,
)

from tensorone_codegen import _names
from tensorone_codegen._project.locations import place
from tensorone_codegen._schema import is_composite, key, named_type, output_fields, possible_types, root_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from graphql import ExecutableDefinitionNode, GraphQLNamedType, SelectionSetNode

    from tensorone_codegen._project.sources import Project


MODULES = frozenset(
    {"base_client", "base_model", "client", "enums", "fragments", "input_types"}
    | {"lazy_imports", "open_enum", "operation", "secret_values"}
)


# Names that generated modules import, and those that Python keeps for itself.
TAKEN = frozenset({"False", "None", "True"}) | _names.OF_MODULES


def collisions(project: Project, types: Collection[str], client: str) -> Iterator[str]:
    """Everything in a project that would be lost, with its place and what to do.

    Args:
        project: Schema and operations.
        types: Names of types that modules import for scalars.
        client: Name of the class of the client.
    """
    names = _Names(project, types)
    yield from names.reserve_client(client)
    for fragment in project.fragments.values():
        yield from names.reserve(fragment, "fragment", fragment.name.value)
    for operation in project.operations:
        yield from names.reserve(operation, "operation", operation.name.value if operation.name else "")
        yield from names.reserve_module(operation)
    for operation in project.operations:
        yield from _Selections(project, names, operation).problems(root_name(project.schema, operation))
    for fragment in project.fragments.values():
        yield from _Selections(project, names, fragment).problems(fragment.type_condition.name.value)


class _Names:
    """The classes and modules of one package."""

    def __init__(self, project: Project, types: Collection[str]) -> None:
        self._taken = dict.fromkeys({*TAKEN, *types}, "a name that Python or the package uses") | {
            name: f"the type {name} of the schema"
            for name, type_ in project.schema.type_map.items()
            if isinstance(type_, GraphQLEnumType | GraphQLInputObjectType)
        }
        self._modules = {name: f"the module {name}.py" for name in MODULES}

    def reserve_client(self, name: str) -> Iterator[str]:
        """Gives the client its name, unless it is another's."""
        if name in self._taken:
            yield f"pyproject.toml: client_name {name} is {self._taken[name]} too: give the client another name"
        self._taken[name] = "the client, by client_name in pyproject.toml"

    def reserve(self, node: Any, kind: str, name: str) -> Iterator[str]:
        """Gives a class its name, unless another has it."""
        yield from self._reserve(node, f"{kind} {name} becomes the class", _names.class_name(name), self._taken)

    def reserve_module(self, node: Any) -> Iterator[str]:
        """Gives the constant and the module of an operation their names, unless others have them."""
        name = node.name.value
        constant, module = _names.constant(name), _names.method(name)
        if constant == _names.class_name(name):
            yield f"{place(node)}: operation {name} becomes the class and the constant {constant}: rename it"
            return
        yield from self._reserve(node, f"operation {name} becomes the constant", constant, self._taken)
        yield from self._reserve(node, f"operation {name} becomes the module", module, self._modules)

    def _reserve(self, node: Any, what: str, python: str, taken: dict[str, str]) -> Iterator[str]:
        if not python.isidentifier():
            yield f"{place(node)}: {what} {python!r}, which is not a Python name: rename it"
        elif python in taken:
            yield f"{place(node)}: {what} {python}, as does {taken[python]}: rename it"
        else:
            taken[python] = f"what stands at {place(node)}"


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
        fields: dict[str, list[tuple[FieldNode, str]]] = defaultdict(list)
        for node, source in self._fields(selection, owner, ""):
            fields[key(node)].append((node, source))
        for name, other, attribute in same(fields, _names.attribute):
            yield f"{place(fields[name][0][0])}: {other} and {name} both become {attribute}: give one an alias"
        for name, found in fields.items():
            if is_composite(owner, found[0][0].name.value):
                yield from self._nested(name, found, owner, path)

    def _nested(
        self, name: str, found: list[tuple[FieldNode, str]], owner: GraphQLNamedType, path: tuple[str, ...]
    ) -> Iterator[str]:
        node = found[0][0]
        if len({print_ast(each.selection_set) for each, _ in found if each.selection_set}) > 1:
            sources = " and ".join(dict.fromkeys(source or "directly" for _, source in found))
            yield (
                f"{place(node)}: {name} is selected more than once ({sources}), and only one selection would be kept:"
                " select it once, with all its fields"
            )
        own = next((each for each, source in found if not source), None)
        if own and own.selection_set:
            yield from self._named((*path, name), own)
            field = output_fields(owner)[own.name.value]
            yield from self._walk(own.selection_set, named_type(field), (*path, name))

    def _named(self, path: tuple[str, ...], node: FieldNode) -> Iterator[str]:
        name = "".join(map(_names.class_name, path))
        taken = self._paths.setdefault(name, path)
        if taken != path:
            here, there = ".".join(path[1:]), ".".join(taken[1:])
            yield f"{place(node)}: {there} and {here} both become the class {name}: give one an alias"
        elif node.selection_set and not _is_fragment(node.selection_set):
            yield from self._names.reserve(node, "selection", name)

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


def same(names: Iterable[str], python: Callable[[str], str]) -> Iterator[tuple[str, str, str]]:
    """Names that become the same Python name as one before them, with both."""
    seen: dict[str, str] = {}
    for name in names:
        if seen.setdefault(python(name), name) != name:
            yield name, seen[python(name)], python(name)


def _is_fragment(selection: SelectionSetNode) -> bool:
    """Whether a selection is nothing but a fragment, and so has no class of its own."""
    return len(selection.selections) == 1 and isinstance(selection.selections[0], FragmentSpreadNode)
