"""A new schema in the order and the words of the old one, so that a diff shows what changed and no more. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar, cast

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    OperationTypeDefinitionNode,
    SchemaDefinitionNode,
    Source,
    StringValueNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from tensorone_codegen._project.locations import parsed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import Node


N = TypeVar("N", bound="Node")


# At the end of a description: how well the line is known, as in "Id of the cluster. [seed]".
MARK = re.compile(r"\[[a-z0-9]+\]\s*$")


def merged(old: str, new: str, name: str = "the old schema") -> str:
    """The text of `new`, arranged as `old`.

    What both have keeps its place; what only `new` has follows, in its order. A description that ends with a mark of
    evidence stays, as does one of which the new schema has none. The comment at the top stays; no other does.

    Raises:
        CodegenError: `old`, which comes from a file of this name, cannot be read.
    """
    document, known = parse(new), parsed(Source(old, name))
    header = _header(old, known)
    known = _folded(known)
    visit(document, _OneLine())
    definitions = (*_kept_roots(known, document), *document.definitions)
    arranged = _arranged(known.definitions, definitions)
    return header + print_ast(DocumentNode(definitions=arranged)) + "\n"


def _header(text: str, document: DocumentNode) -> str:
    """What stands above the first definition: comments and empty lines."""
    start = document.definitions[0].loc if document.definitions else None
    return text[: start.start] if start else f"{text.rstrip()}\n\n".lstrip("\n")


def _folded(document: DocumentNode) -> DocumentNode:
    """Each `extend …` in the definition that it extends: a schema that is printed has none."""
    whole: dict[str, DefinitionNode] = {}
    for node in sorted(document.definitions, key=lambda node: node.kind.endswith("_extension")):
        first = whole.setdefault(_key(node), node)
        for name in first.keys if first is not node else ():
            value = getattr(first, name)
            if isinstance(value, tuple):
                setattr(first, name, (*value, *getattr(node, name, ())))
    return DocumentNode(definitions=tuple(whole.values()))


def _kept_roots(old: DocumentNode, new: DocumentNode) -> list[DefinitionNode]:
    """The old `schema { … }`, if the new text has none and means the same."""
    if any(isinstance(node, SchemaDefinitionNode) for node in new.definitions):
        return []
    names = {_key(node) for node in new.definitions}
    roots = {(each.lower(), each) for each in ("Query", "Mutation", "Subscription") if each in names}
    return [
        node
        for node in old.definitions
        if isinstance(node, SchemaDefinitionNode)
        and {(each.operation.value, each.type.name.value) for each in node.operation_types} == roots
    ]


def _arranged(old: Sequence[N], new: Sequence[N]) -> tuple[N, ...]:
    """The new nodes: first those that are old too, in the old order."""
    found = {_key(node): node for node in new}
    known = {_key(node): node for node in old}
    kept = [name for name in known if name in found]
    for name in kept:
        _adopt(known[name], found[name])
    return tuple(found[name] for name in [*kept, *(name for name in found if name not in known)])


def _key(node: Node) -> str:
    """What makes a node the same in two schemas: its name, and for a directive that it is one."""
    if isinstance(node, OperationTypeDefinitionNode):
        return node.operation.value
    name = getattr(node, "name", node)
    return ("@" if isinstance(node, DirectiveDefinitionNode) else "") + str(getattr(name, "value", ""))


def _adopt(old: Node, new: Node) -> None:
    """Arranges all lists of a node, and takes over its description."""
    for name in new.keys:
        value = getattr(new, name)
        if isinstance(value, tuple):
            before = cast("tuple[Node, ...]", getattr(old, name, ()))
            setattr(new, name, _arranged(before, cast("tuple[Node, ...]", value)))
        elif name == "description":
            setattr(new, name, _better(getattr(old, name, None), value))


def _better(old: StringValueNode | None, new: StringValueNode | None) -> StringValueNode | None:
    stays = old and (new is None or old.value == new.value or MARK.search(old.value))
    return old if stays else new


class _OneLine(Visitor):
    """Writes descriptions of one line as one line."""

    def enter_string_value(self, node: StringValueNode, *_: object) -> None:
        node.block = "\n" in node.value
