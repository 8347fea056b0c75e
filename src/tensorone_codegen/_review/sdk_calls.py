"""Which calls of the SDK run which generated operations: read from its source, nothing of it is imported.

It is a reading of names, not of types: what follows from the few that the SDK gives its shared objects is written
below, and what it finds is compared with what the calls do in its tests.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tensorone_codegen import _names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping


# The generated package of which there is a facade, and that facade.
PACKAGE, FACADE = "tensorone_graphql", "tensorone"


# Objects that it passes round under these names; to be given one is not to use all of it.
_SHARED = {
    "session": "_session.session.Session",
    "_session": "_session.session.Session",
    "spending": "_session.spending.Spending",
}


_LISTING = "_session.session.Session.listing"


def calls(package: str, operations: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The calls, such as `clusters.deploy`, that run each operation; none for a package that is not the SDK's."""
    if package != PACKAGE:
        return {}
    spec = find_spec(FACADE)
    root = Path(spec.origin).parent if spec and spec.origin else Path()
    paths = {path: path.relative_to(root).with_suffix("").parts for path in root.rglob("*.py")}
    sources = {".".join(parts): path.read_text(encoding="utf-8") for path, parts in paths.items() if _private(parts)}
    return calls_in(sources, operations)


def _private(parts: tuple[str, ...]) -> bool:
    """Whether it is a module of the facade itself: neither the package's `__init__` nor the emulator."""
    return parts[0].startswith("_") and parts[-1] != "__init__"


def calls_in(sources: Mapping[str, str], operations: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The same for the modules of a facade, by dotted name; none if someone is in the middle of writing one. Pure."""
    try:
        modules = {name: ast.parse(text) for name, text in sources.items()}
    except SyntaxError:
        return {}
    facade = _Facade(modules, set(map(_names.method, operations)))
    found: dict[str, list[str]] = defaultdict(list)
    for call, start in facade.calls():
        for method in facade.runs(start):
            found[method].append(call)
    return {each: tuple(found[_names.method(each)]) for each in operations}


class _Facade:
    def __init__(self, modules: Mapping[str, ast.Module], operations: set[str]) -> None:
        self._operations = operations
        self._imports = {module: _imports(tree.body, module) for module, tree in modules.items()}
        self._defined = {f"{module}.{name}": node for module, tree in modules.items() for name, node in _defined(tree)}

    def calls(self) -> Iterator[tuple[str, str]]:
        """Each public method of a namespace of the client, and where it is defined."""
        for name, value in _attributes(self._defined["_client.client.TensorOne"]):
            made = _last(value.func) if isinstance(value, ast.Call) else ""
            owner = self._imports["_client.parts"].get(made, "")
            methods = [each for each in self._defined if each.startswith(f"{owner}.")] if owner else []
            for each in methods:
                method = each.rpartition(".")[2]
                if not (name.startswith("_") or method.startswith("_")):
                    yield f"{name}.{method}", each

    def runs(self, start: str) -> set[str]:
        """The generated methods that a definition runs, by itself or by what it uses."""
        seen: set[str] = set()
        waiting = {start}
        while waiting:
            name = waiting.pop()
            seen.add(name)
            waiting |= set(self._used(name)) - seen
        return seen & self._operations

    def _used(self, name: str) -> Iterator[str]:
        if name not in self._defined:
            return
        node = self._defined[name]
        module = next(each for each in self._imports if name.startswith(f"{each}."))
        owner = name.removeprefix(f"{module}.").partition(".")[0]
        names = self._imports[module] | _imports(ast.walk(node), module)
        for each in ast.walk(node):
            if isinstance(each, ast.Name):
                yield self._named(each.id, module, names)
            elif isinstance(each, ast.Attribute):
                yield from self._of(_last(each.value), each.attr, f"{module}.{owner}", names)

    def _named(self, name: str, module: str, names: Mapping[str, str]) -> str:
        if name.isupper() and name.lower() in self._operations:
            return name.lower()
        return names.get(name, _LISTING if name == "listing" else f"{module}.{name}")

    def _of(self, holder: str, name: str, owner: str, names: Mapping[str, str]) -> Iterator[str]:
        """What `holder.name` is."""
        if holder == "graphql" and name in self._operations:
            yield name
        elif holder == "self":
            yield f"{owner}.{name}"
        elif name not in _SHARED:
            yield f"{_SHARED.get(holder) or names.get(holder, '')}.{name}"


def _imports(nodes: Iterable[ast.AST], module: str) -> dict[str, str]:
    """What stands for which module of the facade, or for what of it; not what is imported for type checkers alone."""
    return {
        alias.asname or alias.name: f"{home}.{alias.name}".lstrip(".")
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (home := _home(node, module)) is not None
        for alias in node.names
    }


def _home(node: ast.ImportFrom, module: str) -> str | None:
    """Where a module imports from, within the facade; None for what is foreign to it."""
    named = node.module or ""
    if node.level == 0:
        return named.removeprefix(FACADE).lstrip(".") if named.partition(".")[0] == FACADE else None
    return ".".join(filter(None, (*module.split(".")[: -node.level], named)))


def _defined(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Functions, classes, methods, and what is given to attributes."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name, node
            yield from ((f"{node.name}.{name}", value) for name, value in _attributes(node))
            yield from ((f"{node.name}.{name}", each) for name, each in _functions(node))
    yield from _functions(tree)


def _functions(node: ast.Module | ast.ClassDef) -> Iterator[tuple[str, ast.AST]]:
    return ((each.name, each) for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))


def _attributes(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What a class gives to attributes of its objects."""
    for each in ast.walk(node):
        target = each.targets[0] if isinstance(each, ast.Assign) else None
        if isinstance(each, ast.Assign) and isinstance(target, ast.Attribute) and _last(target.value) == "self":
            yield target.attr, each.value


def _last(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
