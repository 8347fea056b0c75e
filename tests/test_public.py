"""What the package shows, and how its rooms are built."""

import ast
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
import re
import subprocess
import sys
import typing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import public_api
import pytest
from pydantic import TypeAdapter

import tensorone
import tensorone.emulator
import tensorone.events
import tensorone.fleet
import tensorone_codegen

SOURCE = Path(tensorone.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    for path in SOURCE.rglob("*.py")
    if path.name != "__init__.py" and "emulator" not in path.parts
)

# Decisions: they neither wait nor send. What may import what is held by the contracts in pyproject.toml.
PURE = {
    *(
        "_redaction",
        "_data.json",
        "_data.rows",
        "_data.error_form",
        "_graphql.arguments",
        "_graphql.batch",
        "_graphql.decoding",
    ),
    "_graphql.failed_attempt",
    *("_graphql.calls", "_graphql.extension_values"),
    *("_rate.learned_rate", "_rate.rise", "_rate.token_bucket"),
    *("_graphql.probing", "_graphql.rate_limiter", "_graphql.retry", "_graphql.server_errors"),
    *("_events.cleanup", "_events.event", "_events.keys", "_events.loops", "_events.rentals", "_events.requests"),
    *("_fleet.words", "_session.cluster_status", "_session.shared_request", "_session.token_and_expiry"),
    *("_market.bidding", "_market.own_bids"),
    *("_market.volume_price", "_clusters.changes", "_clusters.reconcile"),
    *("_recovery.actions", "_recovery.failures", "_recovery.leave", "_recovery.plan_resume", "_recovery.policy"),
    *("_spot.backoff", "_spot.candidates", "_spot.request", "_spot.search_state", "_spot.terms"),
    *("_fleet.bookkeeping", "_fleet.changes", "_fleet.events", "_fleet.giving_up", "_fleet.look", "_fleet.member"),
    *("_fleet._store.lines", "_fleet._store.store"),
    *("_fleet.observations", "_fleet.replacements", "_fleet.spec", "_fleet.state", "_fleet.step"),
}


@pytest.mark.parametrize("name", sorted(PURE))
def test_decisions_do_not_await(name):
    """A decision has neither a coroutine nor an event loop's clock."""
    text = SOURCE.joinpath(*name.split(".")).with_suffix(".py").read_text()
    assert "async def" not in text
    assert "anyio" not in re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE)


@pytest.mark.parametrize("package", [tensorone, tensorone.emulator, tensorone_codegen])
def test_a_wing_says_what_it_is(package):
    """Each wing's `__init__` is a docstring of two sentences, and no code."""
    wings = list(Path(package.__file__).parent.glob("_*/__init__.py"))
    for path in wings:
        (node,) = ast.parse(path.read_text()).body
        assert isinstance(node, ast.Expr), path
        assert len(re.findall(r"\.(?:\s|$)", node.value.value)) == 2, path
    assert len(wings) >= 4


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/design.md"])
def test_the_rooms_that_a_page_names_exist(page):
    """A room that was renamed is renamed in the pages too."""
    text = (Path(__file__).parents[1] / page).read_text()
    named = set(re.findall(r"`(?:[a-z_]+[/.])*(_[a-z]+)[/.]([a-z_]+?)(?:\.py)?`", text))
    wings = [(wing, room) for wing, room in named if (SOURCE / wing).is_dir()]
    elsewhere = [SOURCE / "emulator", Path(tensorone_codegen.__file__).parent]
    missing = [
        f"{wing}/{room}"
        for wing, room in wings
        if not any((root / wing / f"{room}.py").exists() for root in (SOURCE, *elsewhere))
    ]
    assert len(wings) >= 5
    assert missing == []


def test_rooms_are_small():
    """No wing has more than 15 rooms, and no room more than 300 lines but those that are mostly docstrings."""
    for wing in Path(tensorone.__file__).parent.rglob("_*/"):
        if wing.name != "__pycache__":
            assert len([path for path in wing.glob("*.py") if path.name != "__init__.py"]) <= 15, wing
    for name in MODULES:
        path = SOURCE.joinpath(*name.split(".")).with_suffix(".py")
        documented = name.startswith(("_namespaces.", "_errors", "_client"))
        assert documented or len(path.read_text().splitlines()) <= 300, name


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
    """`__all__` lists what the modules export, and every name has a docstring."""
    assert tensorone.__all__ == sorted(tensorone.__all__)
    offered = {"__version__"}
    for name in MODULES:
        # A package without an underscore has names of its own, and `parts` those that a client needs.
        if name.startswith("_") and name != "_client.parts":
            offered |= set(getattr(importlib.import_module(f"tensorone.{name}"), "__all__", ()))
    internal = {name for name in offered if name.endswith("Input")} | {"ClusterCost", "ClusterType"}
    events, fleet = set(tensorone.events.__all__), set(tensorone.fleet.__all__)
    assert not events & set(tensorone.__all__)
    assert set(tensorone.__all__) | events | fleet == offered - internal - {"GraphQLClient"}


@pytest.mark.parametrize("package", public_api.PACKAGES)
def test_a_public_package_lists_and_documents_its_names(package):
    """Each package that users import has a sorted `__all__`, and each name in it a docstring."""
    found = importlib.import_module(package)
    assert found.__all__ == sorted(found.__all__)
    for name in set(found.__all__) - {"__version__"}:
        assert inspect.getdoc(getattr(found, name)), name


def test_every_public_coroutine_says_what_it_raises():
    """Arguments, errors and the source of each operation are in its docstring."""
    for space in (
        tensorone.Clusters,
        tensorone.Spot,
        tensorone.GpuTypes,
        tensorone.Accounts,
        tensorone.Templates,
        tensorone.Endpoints,
        tensorone.Fleets,
    ):
        for name, method in inspect.getmembers(space, inspect.iscoroutinefunction):
            text = inspect.getdoc(method) or ""
            assert "Raises:" in text, name
            assert len(inspect.signature(method).parameters) == 1 or "Args:" in text, name


def test_importing_the_package_leaves_the_extras_alone():
    """The SDK works without the emulator's server and the generator."""
    code = (
        "import sys, tensorone; "
        "extras = {'ariadne', 'opentelemetry', 'uvicorn', 'starlette', 'graphql', 'ariadne_codegen', 'trio'}; "
        "print(sorted(extras & sys.modules.keys()))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_a_guess_gets_a_hint():
    """The emulator is a package of its own; a spec shows its keywords."""
    code = "try:\n    from tensorone import Emulator\nexcept ImportError as error:\n    print(error)\n"
    code += "import tensorone\ntry:\n    tensorone.emulator\nexcept AttributeError as error:\n    print(error)\n"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "from tensorone.emulator import Emulator" in found
    assert "import tensorone.emulator first" in found
    keywords = inspect.signature(tensorone.ClusterSpec).parameters
    assert "image_name" in keywords
    assert "given" not in keywords


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module, names in tensorone._ELSEWHERE.items() for name in names.split()],
)
def test_a_name_of_another_package_is_found_there(module, name):
    """The hint is true: what it says can be imported."""
    with pytest.raises(ImportError, match=f"from tensorone.{module} import {name}$"):
        getattr(tensorone, name)
    assert name in importlib.import_module(f"tensorone.{module}").__all__


CLUSTER = {
    **dict.fromkeys(("imageName", "machineId", "machine", "name", "runtime")),
    "id": "a",
    "desiredStatus": "RUNNING",
    "env": ["PASSWORD=hunter2"],
}


def test_what_people_print_is_one_line():
    """A cluster, a rental and an attempt; no repr of an enum is noise."""
    cluster = tensorone.Cluster.model_validate(CLUSTER)
    assert str(cluster) == "Cluster(id='a', desired_status=RUNNING, env=['PASSWORD=***'])"
    assert "desired_status='RUNNING'" in repr(cluster)
    spec = tensorone.ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40")
    rental = tensorone.SpotRental(cluster=cluster, spec=spec, gpu_type_id="NVIDIA A40", bid_per_gpu=0.2, attempts=())
    assert str(rental) == "a: NVIDIA A40 spot at 0.2 USD per GPU-hour"
    assert str(dataclasses.replace(rental, gpu_type_id=None, bid_per_gpu=None, kind=None)) == "a: found by its token"
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    attempt = tensorone.Attempt(at=at, gpu_type_id="NVIDIA A40", bid_per_gpu=0.2, reason="why", answer="won")
    assert str(attempt) == "03:04:05 NVIDIA A40, spot at 0.2 USD per GPU-hour: won"
    whole = tensorone.Attempt(at=at, gpu_type_id=None, bid_per_gpu=None, reason="why", answer="", kind="on_demand")
    assert str(whole) == "03:04:05 the market, on-demand: why"


def test_the_version_is_one():
    """The package and its metadata have the same version."""
    assert version("tensorone") == tensorone.__version__


def test_names_are_imported_at_first_use():
    """The import alone loads no httpx; every name is listed, and an unknown one raises AttributeError."""
    code = "import sys, tensorone; print('httpx' in sys.modules, 'pydantic' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
    assert dir(tensorone) == tensorone.__all__
    with pytest.raises(AttributeError, match="has no attribute 'Tensor1'"):
        _ = tensorone.Tensor1


@pytest.mark.parametrize("name", [each for each in tensorone.__all__ if each != "__version__"])
def test_a_public_name_says_where_it_is_from(name):
    """Errors and functions say `tensorone`; what has annotations of its own keeps the module that explains them."""
    value = getattr(tensorone, name)
    error = inspect.isclass(value) and issubclass(value, tensorone.TensorOneError)
    assert (value.__module__ == "tensorone") == (error or inspect.isfunction(value))
    assert pickle.loads(pickle.dumps(value)) is value
    if error:
        assert typing.get_type_hints(value) == {}


DESCRIBED = {
    *("Bid", "BidPolicy", "BidMade", "GiveUp", "OperationCheck", "RentedCluster", "RetryPolicy"),
    *("SpotQuote", "ThrottleState", "Wait"),
}


@pytest.mark.parametrize("name", sorted(DESCRIBED))
def test_annotations_of_values_can_be_read(name):
    """By the standard library, and by whatever reads annotations as pydantic does."""
    value = getattr(tensorone, name)
    assert typing.get_type_hints(value).keys() >= {each.name for each in dataclasses.fields(value)}
    assert TypeAdapter(value).json_schema()["type"] == "object"
