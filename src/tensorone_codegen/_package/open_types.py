"""Lets an answer hold an object of a type that is newer than the package: on the syntax trees of generated models."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tensorone_codegen._names import classes

from .models import fields, name_of, with_import

if TYPE_CHECKING:
    from collections.abc import Iterator


def accept_newer_types(module: ast.Module, interfaces: frozenset[str]) -> None:
    """Accepts any type name in an answer, also one that the package does not know.

    What stands for an interface stands for new types of it too; a union gets a class for them.
    """
    visitor = _Opened({class_def.name: class_def for class_def in classes(module)}, interfaces)
    visitor.visit(module)
    last = max((index for index, node in enumerate(module.body) if isinstance(node, ast.ClassDef)), default=0)
    module.body[last + 1 : last + 1] = visitor.added
    for class_def in classes(module):
        for field in fields(class_def):
            if interfaces & set(_named_types(field)):
                field.annotation = ast.Name("str")
    with_import(module, "base_model", ["newer_than"])
    with_import(module, "secret_values", ["secret"])
    with_import(module, "typing", ["Annotated"], level=0)
    with_import(module, "pydantic", ["Field"], level=0)


class _Opened(ast.NodeTransformer):
    """Adds to each choice of classes one for all other types.

    The names of the types distinguish the classes. pydantic's own discriminator is removed, since it accepts only names
    that it knows.
    """

    def __init__(self, known: dict[str, ast.ClassDef], interfaces: frozenset[str]) -> None:
        self._known = known
        self._interfaces = interfaces
        self.added: list[ast.stmt] = []

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        self.generic_visit(node)
        if isinstance(node.value, ast.Call):
            node.value.keywords = [each for each in node.value.keywords if each.arg != "discriminator"]
            node.value = node.value if node.value.keywords else None
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Subscript(
                ast.Name("Annotated"), ast.Tuple([ast.Subscript(ast.Name("Union")) as choice, ast.Call()])
            ):
                return choice
            case ast.Subscript(ast.Name("Union"), ast.Tuple(members)):
                node.slice = ast.Tuple(self._with_rest(list(dict.fromkeys(map(_unquoted, members)))))
                return node
            case _:
                return node

    def _with_rest(self, members: list[str]) -> list[ast.expr]:
        """The members of a choice; the last one accepts all other types."""
        types = {name: self._types(name) for name in members}
        closed = [name for name in members if self._interfaces.isdisjoint(types[name])]
        known = [each for name in closed for each in types[name]]
        rest = next((name for name in members if name not in closed), "")
        if not rest:
            rest = _free(f"{members[0].removesuffix(types[members[0]][0])}Other", self._known)
            self._known[rest] = _other(rest)
            self.added.append(self._known[rest])
        for field in fields(self._known[rest]):
            if name_of(field) == "typename__":
                field.annotation = _annotated(known)
        return [ast.Name(f'"{name}"') for name in (*closed, rest)]

    def _types(self, name: str) -> list[str]:
        """The types that a class stands for."""
        return next(types for types in map(list, map(_named_types, fields(self._known[name]))) if types)


def _free(name: str, taken: dict[str, ast.ClassDef]) -> str:
    return _free(f"{name}_", taken) if name in taken else name


def _other(name: str) -> ast.ClassDef:
    """A class for types of a union that the package does not know."""
    text = f'''
class {name}(BaseModel):
    """Of a type that is newer than this package."""

    typename__: str = Field(validation_alias="__typename", serialization_alias="__typename")
'''
    (class_def,) = classes(ast.parse(text))
    return class_def


def _annotated(known: list[str]) -> ast.expr:
    """Any name but some."""
    call = ast.Call(ast.Name("newer_than"), [ast.Constant(each) for each in known], [])
    return ast.Subscript(ast.Name("Annotated"), ast.Tuple([ast.Name("str"), call]))


def _named_types(field: ast.AnnAssign) -> Iterator[str]:
    """The type names that a `__typename` field accepts."""
    match field.annotation:
        case ast.Subscript(ast.Name("Literal"), ast.Tuple(names)):
            yield from map(_unquoted, names)
        case ast.Subscript(ast.Name("Literal"), name):
            yield _unquoted(name)
        case _:
            pass


def _unquoted(node: ast.expr) -> str:
    return ast.unparse(node).strip("\"'")
