"""Syntax trees of what calls: operations as constants, the client's methods, the package's `__init__`."""

from __future__ import annotations

import ast
import textwrap
from typing import TYPE_CHECKING, TypeAlias

from graphql import OperationType

from tensorone_codegen import _names
from tensorone_codegen._names import classes

from . import documents
from .models import from_elsewhere, name_of, with_import

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from graphql import OperationDefinitionNode

    from tensorone_codegen.runtime.operation import RootField


Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def add_operation(
    module: ast.Module, name: str, operation: OperationDefinitionNode, fields: Sequence[RootField], probe: str
) -> None:
    """Appends the constant that describes an operation."""
    marked = any(directive.name.value == "idempotent" for directive in operation.directives)
    result = _names.class_name(name)
    code = (
        f"{_names.constant(name)}: Operation[{result}] = Operation("
        f"name={name!r}, kind={operation.operation.value!r}, "
        f"document={documents.document(operation, fields)!r}, "
        f"fields=({''.join(f'{field!r},' for field in fields)}), "
        f"result={result}, idempotent={marked or operation.operation is OperationType.QUERY}, probe={probe!r})"
    )
    with_import(module, "operation", ["Group", "Operation", "RootField", "Slot"])
    module.body += _without_empty_types(ast.parse(code)).body


def _without_empty_types(module: ast.Module) -> ast.Module:
    """Leaves out the types of slots that have none, which are nearly all."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            node.keywords = [each for each in node.keywords if each.arg != "type" or ast.unparse(each.value) != "''"]
    return module


def method(definition: Function, operation: OperationDefinitionNode, text: str) -> Function:
    """Replaces the body of a method, and makes all arguments but the first keywords."""
    variables = next(node.value for node in definition.body if isinstance(node, ast.AnnAssign) and node.value)
    variables = _Serialized().visit(variables)
    definition.args = _arguments(definition.args, operation)
    name = operation.name.value if operation.name else ""
    definition.body = [
        *([ast.Expr(ast.Constant(_indented(text)))] if text else []),
        ast.ImportFrom(_names.method(name), [ast.alias(_names.constant(name))], 1),
        *ast.parse(f"return await self._execute({_names.constant(name)}, {ast.unparse(variables)})").body,
    ]
    return definition


class _Serialized(ast.NodeTransformer):
    """Leaves to the base client what a scalar's own function may be called with: ariadne-codegen calls it with all."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        return ast.Call(ast.Attribute(ast.Name("self"), "_serialized"), [node.func, *node.args], [])


def _arguments(given: ast.arguments, operation: OperationDefinitionNode) -> ast.arguments:
    """The argument that is most needed can be given by position, the others by name alone."""
    this, *rest = given.args
    optional = {each.arg for each in rest[len(rest) - len(given.defaults) :]}
    for node in operation.variable_definitions:
        argument = next(each for each in rest if each.arg == _names.argument(node.variable.name.value))
        # ariadne-codegen asks for what cannot be null, also when it need not be given.
        if node.default_value is not None and argument.arg not in optional and argument.annotation:
            argument.annotation = ast.parse(f"Union[{ast.unparse(argument.annotation)}, UnsetType]", mode="eval").body
            optional.add(argument.arg)
    order = [_names.argument(node.variable.name.value) for node in operation.variable_definitions]
    rest.sort(key=lambda each: (each.arg in optional, order.index(each.arg)))
    defaults = [ast.Name("UNSET") if each.arg in optional else None for each in rest]
    return ast.arguments(
        posonlyargs=[],
        args=[this, *rest[:1]],
        defaults=[value for value in defaults[:1] if value],
        kwonlyargs=rest[1:],
        kw_defaults=list[ast.expr | None](defaults[1:]),
    )


def _indented(text: str) -> str:
    """A docstring of several lines, as it stands inside a method."""
    first, *rest = text.strip().split("\n")
    if not rest:
        return first
    return first + "\n" + textwrap.indent("\n".join(rest), " " * 8) + "\n" + " " * 8


def client_module(module: ast.Module, elsewhere: Mapping[str, str]) -> ast.Module:
    """Moves the imports of models out of the way of those who only import the client."""
    others = from_elsewhere(module, elsewhere)
    with_import(module, "typing", ["Union"], level=0)
    with_import(module, "base_model", ["UNSET", "UnsetType"])
    imports = [node for node in module.body if isinstance(node, ast.ImportFrom)]
    now = [node for node in imports if not _is_lazy(node)]
    later = [*filter(_is_lazy, imports), *others]
    module.body = [
        ast.ImportFrom("__future__", [ast.alias("annotations")], 0),
        ast.ImportFrom("typing", [ast.alias("TYPE_CHECKING")], 0),
        *now,
        *([ast.If(ast.Name("TYPE_CHECKING"), list[ast.stmt](later), [])] if later else []),
        *classes(module),
    ]
    for name in ast.walk(module):
        if isinstance(name, ast.Name):
            name.id = name.id.strip('"')
    return module


def _is_lazy(node: ast.ImportFrom) -> bool:
    return node.level == 1 and node.module not in {"base_client", "base_model", "operation"}


def init_module(module: ast.Module, modules: Mapping[str, ast.Module], real: Mapping[str, str]) -> ast.Module:
    """An `__init__` that imports on first use; its `__getattr__` is hidden from type checkers.

    Where the schema has a type of the same name as one of the package's own, the type is what it offers.
    """
    where = {"UNSET": "base_model", "Executor": "base_client", "Operation": "operation"}
    for node in module.body:
        if isinstance(node, ast.ImportFrom):
            where |= dict.fromkeys(_kept(node, modules, real), node.module or "")
    for name, each in modules.items():
        where |= dict.fromkeys([*_constants(each), *_defined(each)], name)
    imports = "\n".join(
        f"    from .{source} import {', '.join(sorted(name for name in where if where[name] == source))}"
        for source in sorted(set(where.values()))
    )
    code = _INIT.format(imports=imports, where=dict(sorted(where.items())), all=sorted(where))
    if "TYPE_CHECKING" in where:
        # No type of a schema begins with two underscores; type checkers then read both branches.
        code = code.replace(_CHECKED, f"{_CHECKED} as __checked").replace("if TYPE_CHECKING:", "if __checked:")
    return ast.parse(code)


def _kept(node: ast.ImportFrom, modules: Mapping[str, ast.Module], real: Mapping[str, str]) -> Iterator[str]:
    """The names of an import that its module still defines."""
    source = modules.get(node.module or "")
    names = [real.get(alias.name, alias.name) for alias in node.names]
    defined = names if source is None else _defined(source)
    return (name for name in names if name in defined)


def _defined(module: ast.Module) -> list[str]:
    """The classes of a module, and an operation that is another name of a fragment."""
    others = [(node.targets[0], node.value) for node in module.body if isinstance(node, ast.Assign)]
    names = [
        (each.id, value.id) for each, value in others if isinstance(each, ast.Name) and isinstance(value, ast.Name)
    ]
    # A second name by which only annotations know a class has underscores at its end.
    return [each.name for each in classes(module)] + [each for each, other in names if each.rstrip("_") != other]


def _constants(module: ast.Module) -> list[str]:
    """The operations of a module."""
    return [name_of(node) for node in module.body if isinstance(node, ast.AnnAssign)]


_CHECKED = "from typing import TYPE_CHECKING"
_INIT = """
'Operations and types, generated from a GraphQL schema.\\n\\nPYTEST_DONT_REWRITE: it may be imported before pytest.\\n'
from typing import TYPE_CHECKING

if TYPE_CHECKING:
{imports}
else:
    from .lazy_imports import importer as __importer

    __getattr__, __dir__ = __importer(__name__, {where})

__all__ = {all}
"""
