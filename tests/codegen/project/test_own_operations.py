"""The example of a project with operations of its own: generated, checked and run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tensorone_graphql

import tensorone
from tensorone.emulator import Emulator

EXAMPLE = Path(__file__).parents[3] / "examples/own_operations"
PACKAGES = [str(Path(package.__file__).parents[1]) for package in (tensorone, tensorone_graphql)]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The example in a directory of its own."""
    return shutil.copytree(EXAMPLE, tmp_path / "own", ignore=shutil.ignore_patterns("__pycache__"))


def run(directory: Path, *command: str, **environment: str) -> str:
    """What a command prints, which must succeed."""
    path = {"PYTHONPATH": os.pathsep.join(["generated", *PACKAGES])}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=directory,
        env=os.environ | path | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_generated_by_one_command(copy: Path) -> None:
    """The package is made from the operations alone, and is the one that is committed."""
    shutil.rmtree(copy / "generated")
    assert run(copy, "-W", "error", "-m", "tensorone_codegen", "generate") == "wrote generated/fleet_graphql\n"
    made, committed = (
        {path.name: path.read_bytes() for path in (root / "generated/fleet_graphql").glob("*.*")}
        for root in (copy, EXAMPLE)
    )
    assert made == committed


def test_it_runs_through_the_client(copy: Path) -> None:
    """Reads, compares and stops; the SDK's transport, key and errors are used."""
    with Emulator(boot="at-once") as emulator:
        service = {"TENSORONE_API_KEY": emulator.api_key, "TENSORONE_API_URL": emulator.url}
        lines = run(copy, "-W", "error", "fleet.py", **service).splitlines()
        assert dict(emulator.world.requests) == {"myself": 1, "gpuTypes": 1, "clusterStop": 2}
        states = {emulator.world.clusters[name].desired_status for name in lines[-1].split()[1:]}
    assert [line.split(" ")[0] for line in lines] == ["balance", "lowest", "stopped:"]
    assert states == {"EXITED"}


@pytest.mark.parametrize("checker", ["mypy", "pyright", "ty"])
def test_it_is_typed(copy: Path, checker: str) -> None:
    """Strict type checkers accept the generated package and its use, and find a misspelt name: they do look."""
    (copy / "wrong.py").write_text("import fleet_graphql\n\nfleet_graphql.Nope\n")
    settings = {"extraPaths": [*PACKAGES, "generated"], "typeCheckingMode": "strict", "include": ["."]}
    (copy / "pyrightconfig.json").write_text(json.dumps(settings))
    paths = [f"--extra-search-path={path}" for path in ("generated", *PACKAGES)]
    options = {
        "mypy": ["--strict", "--no-incremental", "fleet.py", "wrong.py", "generated"],
        "pyright": ["--pythonpath", sys.executable],
        "ty": ["check", "--error-on-warning", "--python", sys.executable, *paths, "fleet.py", "wrong.py", "generated"],
    }
    environment = {"MYPYPATH": os.pathsep.join([*PACKAGES, "generated"])}
    with pytest.raises(AssertionError) as caught:
        run(copy, "-m", checker, *options[checker], **environment)
    assert "Nope" in str(caught.value)
    assert set(re.findall(r"(\w+\.py):(\d+)", str(caught.value))) == {("wrong.py", "3")}


def test_it_shares_the_models_of_the_sdk() -> None:
    """What is read by an operation of one's own is what the SDK reads, and knows no second set of classes."""
    generated = EXAMPLE / "generated/fleet_graphql"
    assert "class Cluster" not in "".join(path.read_text() for path in generated.glob("*.py"))
    assert "from tensorone_graphql.fragments import PricedGpuType" in (generated / "compare_prices.py").read_text()
