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
MODULES = sorted(path.stem for path in SOURCE.glob("_*.py") if path.stem != "__init__")

# Outermost first: a module may import what stands in a later line, and its neighbours in the same line.
LAYERS = [
    {"_client"},
    {"_clusters", "_spot"},
    {"_keep_running"},
    {"_fleet_rounds"},
    {"_recover"},
    {"_recovery"},
    {"_fleet_market"},
    {"_acquire_many"},
    {"_acquire"},
    {"_placing"},
    {"_fixed_price"},
    {"_quotes", "_gpu_types", "_account", "_templates", "_endpoints"},
    {"_batches", "_rental", "_resumption", "_waiting", "_watching", "_reap", "_lease", "_aftermath"},
    {"_streams"},
    {"_fan_out"},
    {"_workers", "_outcomes"},
    {"_session", "_schema_check"},
    {"_rounds"},
    {"_listing"},
    {"_spending"},
    {"_shared"},
    {"_executor"},
    {"_aliases"},
    {"_transport", "_throttle", "_verdict", "_decode", "_arguments", "_reconcile", "_inputs"},
    {"_lanes"},
    {"_pool", "_line"},
    {"_bodies"},
    {"_resume_plan", "_fleet", "_fleet_failures"},
    {"_candidates", "_holdings", "_ledger", "_leaving", "_pacing"},
    {"_own_bids"},
    {"_plans", "_fleet_state", "_fleet_events"},
    {"_bidding"},
    {"_probing", "_bills"},
    {"_classify", "_pace", "_retry", "_secrets", "_operations", "_specs", "_watch_events"},
    {"_markers", "_config"},
    {"_saved_state"},
    {"_checks", "_generated", "_no_spot", "_version"},
    {"_errors", "_json"},
]
PURE = {
    *(
        "_aliases",
        "_arguments",
        "_bidding",
        "_bills",
        "_candidates",
        "_classify",
        "_decode",
        "_fleet",
        "_fleet_events",
        "_fleet_failures",
        "_fleet_state",
        "_holdings",
        "_inputs",
        "_json",
        "_leaving",
    ),
    *("_markers", "_own_bids", "_pace", "_pacing", "_plans", "_probing", "_reconcile", "_resume_plan", "_retry"),
    *("_saved_state", "_secrets", "_verdict"),
    "_watch_events",
}


def imports(path: Path, *, at_run_time: bool = True) -> set[str]:
    """The modules that a file imports; `_name` for its siblings."""
    tree = ast.parse(path.read_text())
    found: set[str] = set()
    for node in _statements(tree, at_run_time=at_run_time):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} if node.module else {alias.name for alias in node.names}
    return found


def _statements(tree: ast.AST, *, at_run_time: bool):
    for child in ast.iter_child_nodes(tree):
        typing_only = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if not (typing_only and at_run_time):
            yield child
            yield from _statements(child, at_run_time=at_run_time)


def users_of(module: str, **options: bool) -> set[str]:
    """The modules of the facade that import a module."""
    return {name for name in MODULES if module in imports(SOURCE / f"{name}.py", **options)}


def test_every_module_has_its_layer():
    """A new module must say where it stands."""
    assert sorted(set().union(*LAYERS)) == MODULES


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_inwards_only(name):
    """A module imports from its own layer or from layers further in."""
    (level,) = [index for index, layer in enumerate(LAYERS) if name in layer]
    allowed = set().union(*LAYERS[level:])
    assert imports(SOURCE / f"{name}.py") & set(MODULES) <= allowed


def test_one_module_knows_httpx_and_one_the_generated_package():
    """Each foreign thing comes in by one door; httpx itself by two, since lanes are opened beside what they carry."""
    assert users_of("httpx") == {"_transport", "_lanes"}
    assert users_of("aiohttp") == users_of("httpx_aiohttp") == {"_pool"}
    assert users_of("httpcore") == {"_line"}
    assert users_of("tensorone_graphql", at_run_time=False) == {"_generated"}


def test_nobody_imports_an_event_loop():
    """The SDK runs on anyio alone; its emulator leaves the loop to its server."""
    for path in SOURCE.rglob("*.py"):
        assert not imports(path, at_run_time=False) & {"asyncio", "trio"}, path


def test_decisions_do_not_await():
    """Pure modules import nothing that waits, sends or rents."""
    for name in PURE:
        assert not imports(SOURCE / f"{name}.py") & {"anyio", "httpx", "_transport", "_throttle", "_executor"}, name
        assert "async def" not in (SOURCE / f"{name}.py").read_text(), name


def test_the_generated_package_is_a_leaf():
    """It does no input or output and knows nothing of the facade."""
    package = importlib.import_module("tensorone_graphql")
    for path in Path(package.__path__[0]).glob("*.py"):
        foreign = imports(path, at_run_time=False) - set(sys.stdlib_module_names) - {"pydantic", "pydantic_core"}
        assert all(
            name == "typing_extensions" or (Path(package.__path__[0]) / f"{name}.py").exists() for name in foreign
        )


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
