"""Changes to the syntax trees of generated models, each for one hook of the plugin."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tensorone_codegen._names import classes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence


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


def from_elsewhere(module: ast.Module, elsewhere: Mapping[str, str]) -> list[ast.stmt]:
    """Replaces imports from the same package: of names that another package has, from there; those that are used."""
    for node in module.body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            node.names = [alias for alias in node.names if alias.name not in elsewhere]
    module.body = [node for node in module.body if not isinstance(node, ast.ImportFrom) or node.names]
    used = {node.id.strip('"') for node in ast.walk(module) if isinstance(node, ast.Name)}
    return [ast.ImportFrom(elsewhere[name], [ast.alias(name)], 0) for name in sorted(used & elsewhere.keys())]


def missing(modules: Mapping[str, ast.Module], source: str) -> list[str]:
    """The names that modules import from another one, which does not define them."""
    defined = {class_def.name for class_def in classes(modules[source])} if source in modules else set[str]()
    imports = [node for module in modules.values() for node in module.body if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in imports if node.level and node.module == source for alias in node.names}
    return sorted(names - defined)


def documented(class_def: ast.ClassDef, text: str | None) -> ast.ClassDef:
    """Gives a class a docstring, in the place of a lone `pass` if there is one."""
    if text:
        body = [node for node in class_def.body if not isinstance(node, ast.Pass)]
        class_def.body = [ast.Expr(ast.Constant(text)), *body]
    return class_def


def describe(class_def: ast.ClassDef, texts: Mapping[str, str | None]) -> None:
    """Puts a string under each member of which there is something to say."""
    body: list[ast.stmt] = []
    for node in class_def.body:
        body.append(node)
        if text := texts.get(_target(node)):
            body.append(ast.Expr(ast.Constant(text)))
    class_def.body = body


def _target(node: ast.stmt) -> str:
    """What a line of a class gives a value or a type to."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    target = targets[0]
    return target.id if isinstance(target, ast.Name) else ""


def split_alias(field: ast.AnnAssign) -> None:
    """Replaces `alias` by its two halves: type checkers regard `alias` as the only keyword."""
    if isinstance(field.value, ast.Call):
        field.value.keywords = [half for keyword in field.value.keywords for half in _halves(keyword)]


def _halves(keyword: ast.keyword) -> list[ast.keyword]:
    if keyword.arg != "alias":
        return [keyword]
    return [ast.keyword(name, keyword.value) for name in ("validation_alias", "serialization_alias")]


def separate(module: ast.Module) -> None:
    """Lets each input in a field of another one be validated by its own class, and be built when it is first used."""
    for class_def in classes(module):
        for field in fields(class_def):
            field.annotation = _Alone().visit(field.annotation)
    module.body = [node for node in module.body if not isinstance(node, ast.Expr)]


class _Alone(ast.NodeTransformer):
    """Marks the inputs in an annotation, which are what is quoted there."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if not node.id.startswith('"'):
            return node
        return ast.Subscript(ast.Name("Annotated"), ast.Tuple([node, ast.Name("validated_alone")]))


def build(module: ast.Module) -> None:
    """Builds all models at the end of their module."""
    module.body = [node for node in module.body if not isinstance(node, ast.Expr)]
    for class_def in classes(module):
        module.body += ast.parse(f"{class_def.name}.model_rebuild()").body


def hide(field: ast.AnnAssign, mark: str = "secret") -> None:
    """Keeps a field out of reprs, and its values out of everything that is written."""
    if not isinstance(field.value, ast.Call):
        default = [] if field.value is None else [ast.keyword("default", field.value)]
        field.value = ast.Call(ast.Name("Field"), [], default)
    field.value.keywords.append(ast.keyword("repr", ast.Constant(value=False)))
    field.annotation = ast.Subscript(ast.Name("Annotated"), ast.Tuple([field.annotation, ast.Name(mark)]))


def open_to_classes(field: ast.AnnAssign) -> None:
    """Lets a scalar with functions of its own be of a class that pydantic knows nothing of."""
    field.annotation = _WithFunctions().visit(field.annotation)


class _WithFunctions(ast.NodeTransformer):
    """Marks the types that stand beside a function which reads or writes them."""

    def visit_Tuple(self, node: ast.Tuple) -> ast.Tuple:
        self.generic_visit(node)
        calls = [ast.unparse(each.func) for each in node.elts if isinstance(each, ast.Call)]
        if {"BeforeValidator", "PlainSerializer"}.intersection(calls):
            node.elts.insert(1, ast.Name("of_any_class"))
        return node


def collapse(module: ast.Module, keep: Collection[str] = ()) -> None:
    """Removes classes that are nothing but another name of a fragment."""
    others: dict[str, str] = {}
    for node in module.body:
        if isinstance(node, ast.ClassDef) and len(node.bases) == 1 and isinstance(node.body[0], ast.Pass):
            others[node.name] = ast.unparse(node.bases[0])
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            others[_target(node)] = node.value.id
    others = {name: other for name, other in others.items() if name not in keep}
    remove(module, others)
    _Renamed(others).visit(module)


def remove(module: ast.Module, names: Collection[str]) -> None:
    """Removes classes and other names with what is done to them."""
    module.body = [node for node in module.body if _defined(node) not in names]


def _defined(node: ast.stmt) -> str:
    """The name that a statement defines, or whose `model_rebuild()` it calls."""
    if isinstance(node, ast.ClassDef):
        return node.name
    call = node.value if isinstance(node, ast.Expr) else None
    function = call.func if isinstance(call, ast.Call) else None
    owner = function.value if isinstance(function, ast.Attribute) else None
    return owner.id if isinstance(owner, ast.Name) else _target(node)


class _Renamed(ast.NodeTransformer):
    """Replaces names, quoted ones in annotations too."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        quoted = node.id.startswith('"')
        name = self._names.get(node.id.strip('"'), node.id.strip('"'))
        node.id = f'"{name}"' if quoted else name
        return node
