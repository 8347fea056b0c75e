"""What the package shows, and what may import what inside it."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import public_api
import pytest

import tensorone

SOURCE = Path(tensorone.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    for path in SOURCE.rglob("*.py")
    if path.name != "__init__.py" and "emulator" not in path.parts
)

# Decisions: they import nothing that waits, sends or rents.
PURE = {
    *("_redaction", "_json", "_graphql.arguments", "_graphql.batch", "_graphql.decoding", "_graphql.failed_attempt"),
    *("_graphql.calls", "_graphql.extension_values"),
    *("_graphql.probing", "_graphql.rate_limiter", "_graphql.retry", "_graphql.server_errors"),
    *("_session.cluster_status", "_session.token_and_expiry", "_market.bidding", "_market.own_bids"),
    *("_market.volume_price", "_clusters.changes", "_clusters.reconcile"),
    *("_recovery.actions", "_recovery.leave", "_recovery.plan_resume", "_recovery.policy"),
    *("_spot.backoff", "_spot.candidates", "_spot.terms"),
    *("_fleet.backoff", "_fleet.events", "_fleet.giving_up", "_fleet.saved_state", "_fleet.state", "_fleet.step"),
}
WAITING = {"anyio", "httpx", "_http.transport", "_graphql.request_queue", "_graphql.executor"}


def file_of(module: str) -> Path:
    """Where a module of the facade is."""
    return SOURCE.joinpath(*module.split(".")).with_suffix(".py")


def imports(path: Path, *, at_run_time: bool = True) -> set[str]:
    """What a file imports: modules of the facade by their dotted names, others by their top names."""
    found: set[str] = set()
    wing = ".".join(path.relative_to(SOURCE).parent.parts) if path.is_relative_to(SOURCE) else ""
    for node in _statements(ast.parse(path.read_text()), at_run_time=at_run_time):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {_name(node, alias.name, wing) for alias in node.names}
    return found


def _name(node: ast.ImportFrom, name: str, wing: str) -> str:
    package, _, rest = (node.module or "").partition(".")
    if node.level == 0 and package != "tensorone":
        return package
    whole = ".".join(filter(None, (wing, node.module) if node.level else (rest,)))
    return whole if whole in MODULES else ".".join(filter(None, (whole, name)))


def _statements(tree: ast.AST, *, at_run_time: bool):
    for child in ast.iter_child_nodes(tree):
        typing_only = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if not (typing_only and at_run_time):
            yield child
            yield from _statements(child, at_run_time=at_run_time)


def users_of(module: str, **options: bool) -> set[str]:
    """The modules of the facade that import a module."""
    return {name for name in MODULES if module in imports(file_of(name), **options)}


def test_one_module_knows_httpx_and_one_the_generated_package():
    """Each foreign thing comes in by the wing that is its door."""
    assert users_of("httpx") == {f"_http.{room}" for room in ("connections", "foreign_errors", "request", "transport")}
    assert users_of("aiohttp") == users_of("httpx_aiohttp") == {"_http.aiohttp_pool"}
    assert users_of("httpcore") == {"_http.single_connection"}
    assert users_of("tensorone_graphql", at_run_time=False) == {"_generated"}


def test_nobody_imports_an_event_loop():
    """The SDK runs on anyio alone; its emulator leaves the loop to its server."""
    for path in SOURCE.rglob("*.py"):
        assert not imports(path, at_run_time=False) & {"asyncio", "trio"}, path


def test_decisions_do_not_await():
    """Pure modules import nothing that waits, sends or rents."""
    for name in PURE:
        assert not imports(file_of(name)) & WAITING, name
        assert "async def" not in file_of(name).read_text(), name


def test_the_generated_package_is_a_leaf():
    """It does no input or output and knows nothing of the facade."""
    package = importlib.import_module("tensorone_graphql")
    for path in Path(package.__path__[0]).glob("*.py"):
        foreign = imports(path, at_run_time=False) - set(sys.stdlib_module_names) - {"pydantic", "pydantic_core"}
        tops = {name.partition(".")[0] for name in foreign} - {"typing_extensions"}
        assert all((Path(package.__path__[0]) / f"{name}.py").exists() for name in tops)


def test_every_module_of_every_package_imports():
    """Lazily imported modules have no surprise in store."""
    for name in ("tensorone_graphql", "tensorone"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)


def test_the_public_interface_is_what_it_was():
    """No public name, signature or field changes by accident; `public_api.py` says how to change one on purpose."""
    assert public_api.lines() == Path(public_api.__file__).with_suffix(".txt").read_text().splitlines()


def test_all_is_sorted_complete_and_documented():
    """`__all__` is what the modules offer, and every name has a docstring."""
    assert tensorone.__all__ == sorted(tensorone.__all__)
    offered = {"__version__"}
    for name in MODULES:
        offered |= set(getattr(importlib.import_module(f"tensorone.{name}"), "__all__", ()))
    internal = {name for name in offered if name.endswith("Input")}
    assert set(tensorone.__all__) == offered - internal - {"GraphQLClient"}
    for name in set(tensorone.__all__) - {"__version__"}:
        assert inspect.getdoc(getattr(tensorone, name)), name


def test_every_public_coroutine_says_what_it_raises():
    """Arguments, errors and the source of each operation are in its docstring."""
    for space in (
        tensorone.Clusters,
        tensorone.Spot,
        tensorone.GpuTypes,
        tensorone.Accounts,
        tensorone.Templates,
        tensorone.Endpoints,
    ):
        for name, method in inspect.getmembers(space, inspect.iscoroutinefunction):
            text = inspect.getdoc(method) or ""
            assert "Raises:" in text, name
            assert len(inspect.signature(method).parameters) == 1 or "Args:" in text, name


def test_importing_the_package_leaves_the_extras_alone():
    """Neither the emulator's server nor the generator is needed to use the SDK."""
    code = (
        "import sys, tensorone; "
        "print(sorted({'ariadne', 'uvicorn', 'starlette', 'graphql', 'ariadne_codegen', 'trio'} & sys.modules.keys()))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_the_version_is_one():
    """The package, its metadata and the changelog agree on what this is."""
    assert version("tensorone") == tensorone.__version__


def test_names_are_looked_up_when_they_are_asked_for():
    """The import alone brings no httpx; every name is listed, and a wrong one is refused as by any module."""
    code = "import sys, tensorone; print('httpx' in sys.modules, 'pydantic' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
    assert set(tensorone.__all__) <= set(dir(tensorone))
    with pytest.raises(AttributeError, match="has no attribute 'Tensor1'"):
        _ = tensorone.Tensor1
