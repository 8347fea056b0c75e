"""Small changes of Python syntax trees, each for one hook of the plugin."""

from __future__ import annotations

import ast
import textwrap
from typing import TYPE_CHECKING

from ariadne_codegen.utils import str_to_pascal_case, str_to_snake_case
from graphql import OperationType

from . import _documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from graphql import OperationDefinitionNode

    from .runtime.operation import RootField

# Modules whose names a client's signatures use, and which need not be there when it is imported.
LAZY = frozenset({"enums", "fragments", "input_types"})


def classes(module: ast.Module) -> list[ast.ClassDef]:
    """The classes of a module."""
    return [node for node in module.body if isinstance(node, ast.ClassDef)]


def fields(class_def: ast.ClassDef) -> Iterator[ast.AnnAssign]:
    """The fields of a model."""
    return (node for node in class_def.body if isinstance(node, ast.AnnAssign))


def name_of(field: ast.AnnAssign) -> str:
    """The Python name of a field."""
    return field.target.id if isinstance(field.target, ast.Name) else ""


def with_import(module: ast.Module, name: str, names: Sequence[str], *, level: int = 1) -> ast.Module:
    """Adds an import; unused ones are removed when the module is formatted."""
    module.body.insert(0, ast.ImportFrom(name, [ast.alias(each) for each in names], level))
    return module


def documented(class_def: ast.ClassDef, text: str | None) -> ast.ClassDef:
    """Gives a class a docstring, in the place of a lone `pass` if there is one."""
    if text and not ast.get_docstring(class_def):
        body = [node for node in class_def.body if not isinstance(node, ast.Pass)]
        class_def.body = [ast.Expr(ast.Constant(text)), *body]
    return class_def


def describe_fields(class_def: ast.ClassDef, texts: Mapping[str, str]) -> None:
    """Puts a string under each field of which there is something to say."""
    body: list[ast.stmt] = []
    for node in class_def.body:
        body.append(node)
        if isinstance(node, ast.AnnAssign) and (text := texts.get(name_of(node).rstrip("_"))):
            body.append(ast.Expr(ast.Constant(text)))
    class_def.body = body


def split_alias(field: ast.AnnAssign) -> None:
    """Replaces `alias` by its two halves: type checkers take `alias` for the only keyword."""
    if isinstance(field.value, ast.Call):
        halves = []
        for keyword in field.value.keywords:
            names = ("validation_alias", "serialization_alias") if keyword.arg == "alias" else (keyword.arg,)
            halves += [ast.keyword(name, keyword.value) for name in names]
        field.value.keywords = halves


def hide(field: ast.AnnAssign) -> None:
    """Keeps a field out of reprs."""
    if not isinstance(field.value, ast.Call):
        default = [] if field.value is None else [ast.keyword("default", field.value)]
        field.value = ast.Call(ast.Name("Field"), [], default)
    field.value.keywords.append(ast.keyword("repr", ast.Constant(value=False)))


def collapse(module: ast.Module) -> None:
    """Removes classes that are nothing but another name of a fragment."""
    others = {}
    body: list[ast.stmt] = []
    for node in module.body:
        if isinstance(node, ast.ClassDef) and len(node.bases) == 1 and isinstance(node.body[0], ast.Pass):
            others[node.name] = ast.unparse(node.bases[0])
        elif (
            isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and isinstance(node.targets[0], ast.Name)
        ):
            others[node.targets[0].id] = node.value.id
        else:
            body.append(node)
    module.body = [node for node in body if _rebuilt(node) not in others]
    _Renamed(others).visit(module)


def _rebuilt(node: ast.stmt) -> str | None:
    """The model whose `model_rebuild()` a statement calls."""
    call = node.value if isinstance(node, ast.Expr) else None
    function = call.func if isinstance(call, ast.Call) else None
    owner = function.value if isinstance(function, ast.Attribute) else None
    return owner.id if isinstance(owner, ast.Name) else None


class _Renamed(ast.NodeTransformer):
    """Replaces names, quoted ones in annotations too."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        quoted = node.id.startswith('"')
        name = self._names.get(node.id.strip('"'), node.id.strip('"'))
        node.id = f'"{name}"' if quoted else name
        return node


def add_operation(module: ast.Module, operation: OperationDefinitionNode, fields_: Sequence[RootField]) -> None:
    """Appends the constant that describes an operation."""
    name = operation.name.value if operation.name else ""
    marked = any(directive.name.value == "idempotent" for directive in operation.directives)
    result = str_to_pascal_case(name)
    code = (
        f"{constant(name)}: Operation[{result}] = Operation("
        f"name={name!r}, kind={operation.operation.value!r}, "
        f"document={_documents.document(operation, fields_)!r}, "
        f"fields=({''.join(f'{field!r},' for field in fields_)}), "
        f"result={result}, idempotent={marked or operation.operation is OperationType.QUERY})"
    )
    with_import(module, "operation", ["Group", "Operation", "RootField", "Slot"])
    module.body += ast.parse(code).body


def constant(operation_name: str) -> str:
    """The name of an operation's constant."""
    return str_to_snake_case(operation_name).upper()


def client_method(
    method: ast.FunctionDef | ast.AsyncFunctionDef, operation_name: str, text: str
) -> ast.FunctionDef | ast.AsyncFunctionDef:
    """Replaces the body of a method, and makes all arguments but the first keywords."""
    variables = next(node.value for node in method.body if isinstance(node, ast.AnnAssign) and node.value)
    arguments = method.args
    defaults: list[ast.expr | None] = [None] * (len(arguments.args) - len(arguments.defaults)) + arguments.defaults
    arguments.kwonlyargs, arguments.args = arguments.args[2:], arguments.args[:2]
    arguments.kw_defaults, arguments.defaults = defaults[2:], [value for value in defaults[:2] if value is not None]
    arguments.kwarg = None
    name = constant(operation_name)
    method.body = [
        *([ast.Expr(ast.Constant(_indented(text)))] if text else []),
        ast.ImportFrom(str_to_snake_case(operation_name), [ast.alias(name)], 1),
        *ast.parse(f"return await self._execute({name}, {ast.unparse(variables)})").body,
    ]
    return method


def _indented(text: str) -> str:
    """A docstring of several lines, as it stands inside a method."""
    first, *rest = text.strip().split("\n")
    if not rest:
        return first
    return first + "\n" + textwrap.indent("\n".join(rest), " " * 8) + "\n" + " " * 8


def client_module(module: ast.Module) -> ast.Module:
    """Moves the imports of models out of the way of those who only import the client."""
    imports = [node for node in module.body if isinstance(node, ast.ImportFrom)]
    rest = [node for node in module.body if isinstance(node, ast.ClassDef)]
    now = [node for node in imports if not _is_lazy(node)]
    later = [node for node in imports if _is_lazy(node)]
    guard = [ast.If(ast.Name("TYPE_CHECKING"), list[ast.stmt](later), [])] if later else []
    future = ast.ImportFrom("__future__", [ast.alias("annotations")], 0)
    typing = ast.ImportFrom("typing", [ast.alias("TYPE_CHECKING")], 0)
    module.body = [future, typing, *now, *guard, *rest]
    for name in ast.walk(module):
        if isinstance(name, ast.Name):
            name.id = name.id.strip('"')
    return module


def _is_lazy(node: ast.ImportFrom) -> bool:
    return node.level == 1 and node.module not in {"base_client", "base_model", "operation"}


def init_module(module: ast.Module, modules: Mapping[str, ast.Module]) -> ast.Module:
    """An `__init__` that imports on first use; its `__getattr__` is hidden from type checkers."""
    where = {
        name: node.module or ""
        for node in module.body
        if isinstance(node, ast.ImportFrom)
        for name in _kept(node, modules)
    }
    for name, each in modules.items():
        where |= dict.fromkeys(_constants(each), name)
    imports = "\n".join(
        f"    from .{source} import {', '.join(sorted(name for name in where if where[name] == source))}"
        for source in sorted(set(where.values()))
    )
    code = INIT.format(imports=imports, where=dict(sorted(where.items())), all=sorted(where))
    return ast.parse(code)


def _kept(node: ast.ImportFrom, modules: Mapping[str, ast.Module]) -> Iterator[str]:
    """The names of an import that are still there after `collapse`."""
    source = modules.get(node.module or "")
    defined = None if source is None else {class_def.name for class_def in classes(source)}
    return (alias.name for alias in node.names if defined is None or alias.name in defined)


def _constants(module: ast.Module) -> list[str]:
    """The operations of a module."""
    return [name_of(node) for node in module.body if isinstance(node, ast.AnnAssign)]


INIT = '''
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
{imports}
else:
    _WHERE = {where}

    def __getattr__(name):
        """Imports a name on first use."""
        if name not in _WHERE:
            raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
        value = getattr(importlib.import_module(f".{{_WHERE[name]}}", __name__), name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted(__all__)

__all__ = {all}
'''
