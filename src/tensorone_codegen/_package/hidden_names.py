"""Gives imports another name where a name of the schema would hide them: on the syntax trees of generated modules.

Two kinds of names hide an import. A type of the schema can have its name: an enum `Field`. And a field of a class
hides everything of its name in the annotations below it: `date: Optional[date] = None` is of type None.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias

from tensorone_codegen import _names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def uncover(module: ast.Module, real: Mapping[str, str]) -> None:
    """Gives what is hidden another name, then the types that had a stand-in their own.

    Args:
        module: Changed in place.
        real: The types' own names, by their stand-ins.
    """
    members, names = set(_members(module)), _all_names(module)
    own = {real[name] for name in names & real.keys()}
    taken = names | members | own
    imported = {alias.name for node in _names.imports(module) for alias in node.names}
    defined = {class_def.name for class_def in _names.classes(module)}
    hidden = {name for name in names if real.get(name, name) in members or (name not in real and name in own)}
    others = _others(hidden, real, taken)
    _rename_imports(module, {name: others[name] for name in hidden & imported})
    _rename_builtins(module, {name: others[name] for name in (hidden & _names.BUILTINS) - imported - defined})
    _rename_classes(module, {name: others[name] for name in hidden & defined})
    _restore(module, real)


def _members(module: ast.Module) -> Iterator[str]:
    """The fields and methods of all classes."""
    for class_def in _names.classes(module):
        for node in class_def.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                yield node.target.id
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name
                yield from _called_arguments(node)


def _called_arguments(function: Function) -> Iterator[str]:
    """The arguments whose names are also those of functions by which they are serialised."""
    called = {node.id for node in _functions(function)}
    return (each.arg for each in (*function.args.args, *function.args.kwonlyargs) if each.arg in called)


def _functions(function: Function) -> list[ast.Name]:
    """The functions that the body of a method reads from its module: the first of `_serialized(function, value)`."""
    calls = [node for statement in function.body for node in ast.walk(statement) if isinstance(node, ast.Call)]
    first = [node.args[0] for node in calls if ast.unparse(node.func) == "self._serialized"]
    return [node for node in first if isinstance(node, ast.Name)]


def _all_names(module: ast.Module) -> set[str]:
    """Every name that a module reads, imports or defines at its top."""
    reader = _Names()
    reader.visit(module)
    return reader.found | {each.name for each in ast.walk(module) if isinstance(each, ast.alias | ast.ClassDef)}


def _others(names: Iterable[str], real: Mapping[str, str], taken: set[str]) -> dict[str, str]:
    """Another name for each of some, which nothing else has."""
    others: dict[str, str] = {}
    for name in sorted(names):
        other = f"{real.get(name, name)}_"
        while other in taken:
            other += "_"
        taken.add(other)
        others[name] = other
    return others


def _rename_imports(module: ast.Module, others: Mapping[str, str]) -> None:
    for node in _names.imports(module):
        for alias in node.names:
            alias.asname = others.get(alias.name, alias.asname)
    _Renamed(others).visit(module)


def _rename_builtins(module: ast.Module, others: Mapping[str, str]) -> None:
    _Renamed(others).visit(module)
    if others:
        first = module.body[0]
        at = 1 if isinstance(first, ast.ImportFrom) and first.module == "__future__" else 0
        aliases = [ast.alias(name, other) for name, other in sorted(others.items())]
        module.body.insert(at, ast.ImportFrom("builtins", aliases, 0))


def _rename_classes(module: ast.Module, others: Mapping[str, str]) -> None:
    """Gives a class that is hidden a second name, under which its fields are annotated."""
    bodies = [statement for class_def in _names.classes(module) for statement in class_def.body]
    for statement in bodies:
        _Renamed(others).visit(statement)
    last = max((index for index, node in enumerate(module.body) if isinstance(node, ast.ClassDef)), default=0)
    module.body[last + 1 : last + 1] = [
        ast.Assign([ast.Name(other)], ast.Name(name), lineno=0) for name, other in sorted(others.items())
    ]


def _restore(module: ast.Module, real: Mapping[str, str]) -> None:
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            bare = node.id.strip('"')
            head, dot, rest = bare.partition(".")
            node.id = node.id.replace(bare, real.get(head, head) + dot + rest)
        elif isinstance(node, ast.ClassDef | ast.alias):
            node.name = real.get(node.name, node.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # In the one place where ariadne-codegen writes a class as a text, `globals()["Order"]`.
            node.value = real.get(node.value, node.value)


class _Reader(ast.NodeTransformer):
    """Visits the names that are read from the module: no fields, no arguments, and no texts of a `Literal`."""

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        self._visit_function(node)
        return node

    def _visit_function(self, node: Function) -> None:
        for argument in (*node.args.args, *node.args.kwonlyargs):
            argument.annotation = self.visit(argument.annotation) if argument.annotation else None
        node.args.defaults = list(map(self.visit, node.args.defaults))
        node.args.kw_defaults = [self.visit(each) if each else None for each in node.args.kw_defaults]
        node.returns = self.visit(node.returns) if node.returns else None
        for name in _functions(node):
            self.visit(name)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        node.annotation = self.visit(node.annotation)
        node.value = self.visit(node.value) if node.value else None
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.Assign:
        node.value = self.visit(node.value)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.Subscript:
        is_literal = isinstance(node.value, ast.Name) and node.value.id.startswith("Literal")
        node.value = self.visit(node.value)
        node.slice = node.slice if is_literal else self.visit(node.slice)
        return node


class _Names(_Reader):
    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_Name(self, node: ast.Name) -> ast.Name:
        self.found.add(node.id.strip('"').partition(".")[0])
        return node


class _Renamed(_Reader):
    """Replaces names, quoted ones too."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        bare = node.id.strip('"')
        head, dot, rest = bare.partition(".")
        if head in self._names:
            node.id = node.id.replace(bare, self._names[head] + dot + rest)
        return node
