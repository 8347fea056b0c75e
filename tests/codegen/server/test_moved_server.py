"""The vendor changes the schema: the SDK's own project, from the first report to the new package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from codegen.conftest import ROOT

from tensorone.emulator import Emulator
from tensorone_codegen.__main__ import STOPPED, main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

KEY = "tpo_test_0123456789"
PARTS = ("queries", "schema", "generated")
NEWS = [
    ("enum ClusterStatus {\n", "enum ClusterStatus {\n  HIBERNATED\n"),
    ("type ClusterMachineInfo {\n", "type ClusterMachineInfo {\n  zone: String\n"),
]
# What has nothing to do with the load of a container, and is tested within seconds.
UNCHANGED = [
    "tests/sdk/market/test_gpu_types.py",
    "tests/sdk/namespaces/test_templates.py",
    "tests/sdk/clusters/test_wait.py",
]


def changed_schema(*changes: tuple[str, str]) -> str:
    """The schema of the SDK with some texts replaced, and the news."""
    schema = (ROOT / "schema/schema.graphql").read_text()
    for before, after in (*changes, *NEWS):
        assert schema.count(before) == 1, before
        schema = schema.replace(before, after)
    return schema


def without_spot() -> str:
    """What the sibling service has announced: spot rentals are gone."""
    schema = changed_schema(
        ('  "Bids for a preemptible cluster and starts it. [seed]"\n', "  # from here\n"),
        (
            '  "Starts a stopped on-demand cluster on its old machine. [seed]"\n',
            "  # to here\n  clusterMove: Cluster\n",
        ),
    )
    return schema.partition("  # from here\n")[0] + schema.partition("  # to here\n")[2]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of the project in which we are, as far as the generator knows it."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for part in PARTS:
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TENSORONE_API_KEY", KEY)
    git("init", "--quiet")
    git("add", ".")
    git("-c", "user.name=me", "-c", "user.email=me@example.com", "commit", "--quiet", "--message", "As it was.")
    return tmp_path


@pytest.fixture(params=[True, False], ids=["introspection", "no introspection"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, bool]]:
    """The changed service, and whether it allows introspection."""
    with Emulator(api_key=KEY, schema=without_spot(), introspection=request.param) as emulator:
        yield emulator.url, request.param


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """Returns the lines that were printed since the last call."""

    def lines() -> list[str]:
        return capsys.readouterr().out.splitlines()

    return lines


def git(*arguments: str) -> list[str]:
    """What git says, without colours and in its own words."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def changed() -> dict[str, tuple[str, str]]:
    """Lines added and removed by file, as `git diff --stat` counts them."""
    git("add", "--all")
    rows = [line.split("\t") for line in git("diff", "--cached", "--numstat")]
    return {name: (added, removed) for added, removed, name in rows}


def place(name: str, words: str) -> str:
    """File and line of some words in the project."""
    lines = (ROOT / name).read_text().splitlines()
    return f"{name}:{next(number for number, line in enumerate(lines, 1) if words in line)}"


def delete_the_operation(copy: Path) -> None:
    """What a maintainer does about it."""
    file = copy / "queries/spot.graphql"
    begin, end = "# Bids for a preemptible cluster", "# Starts a stopped spot cluster"
    text = file.read_text()
    file.write_text(text.partition(begin)[0] + end + text.partition(end)[2])


def test_from_the_report_to_the_new_package(
    copy: Path, server: tuple[str, bool], capsys: pytest.CaptureFixture[str], said: Callable[[], list[str]]
) -> None:
    """Probe and report name what breaks, nothing changes until it is corrected, and then no more than what must."""
    url, open_ = server
    # What does the server say?
    assert main(["probe", url]) == 3
    lines = said()
    assert [line for line in lines if not line.startswith("accepted")] == [
        "refused   RentSpotCluster",
        *(line for line in lines if line.startswith("    ")),
    ]
    assert "clusterRentInterruptable" in "".join(lines)
    source = url
    if not open_:
        assert main(["update", url]) == STOPPED
        assert "refuses introspection" in capsys.readouterr().err
        assert changed() == {}
        (copy.parent / "given.graphql").write_text(without_spot())
        source = str(copy.parent / "given.graphql")

    # What does it mean?
    assert main(["review", source]) == 3
    report = said()
    where = f"{place('queries/spot.graphql', 'clusterRentInterruptable')}: clusterRentInterruptable in RentSpotCluster"
    assert report[:3] == [
        "Breaks our operations:",
        "  Mutation.clusterRentInterruptable was removed",
        f"    {where}",
    ]
    assert "spot.rent, spot.acquire" in report[3]
    assert report[-2] == f"  {place('queries/spot.graphql', 'mutation RentSpotCluster')}: RentSpotCluster"
    assert main(["update", source]) == STOPPED
    assert capsys.readouterr().out.splitlines() == report
    assert changed() == {}

    # It is corrected, and applied.
    delete_the_operation(copy)
    assert main(["update", source]) == 2
    assert said()[-2:] == ["wrote schema/schema.graphql", "wrote generated/tensorone_graphql"]
    assert main(["check"]) == main(["review", source]) == 0
    diff = changed()
    package = "generated/tensorone_graphql"
    assert diff.keys() == {
        "queries/spot.graphql",
        "schema/schema.graphql",
        *(f"{package}/{name}" for name in ("__init__.py", "client.py", "enums.py", "input_types.py")),
        *(f"{package}/{name}" for name in ("rent_spot_cluster.py", "schema.graphql")),
    }
    # Three lines are new; the mutation with its argument and their two descriptions is gone.
    assert diff["schema/schema.graphql"] == diff[f"{package}/schema.graphql"] == ("3", "5")
    assert diff[f"{package}/enums.py"] == ("1", "0")
    assert [diff[f"{package}/{name}"][0] for name in ("__init__.py", "client.py", "rent_spot_cluster.py")] == ["0"] * 3
    assert main(["probe", url]) == 0


@pytest.mark.timeout(180)
def test_what_did_not_change_works_with_the_new_package(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The SDK's own tests of it pass, with the package that was generated for the schema of the server."""
    schema = changed_schema(("  cpuPercent: Float\n", "  cpuLoad: Float\n"))
    with Emulator(api_key=KEY, schema=schema, introspection=True) as emulator:
        assert main(["update", emulator.url]) == STOPPED
        assert f"{place('queries/clusters.graphql', 'cpuPercent')}: cpuPercent in " in capsys.readouterr().out
        fragments = copy / "queries/clusters.graphql"
        fragments.write_text(fragments.read_text().replace("cpuPercent", "cpuLoad"))
        assert main(["update", emulator.url]) == 2
    path = {"PYTHONPATH": str(copy / "generated")}
    look = "import tensorone_graphql as p; print(p.__file__, *p.ContainerUsage.model_fields)"
    run = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *UNCHANGED]
    for command, words in ((["-c", look], f"{copy}/"), (["-c", look], "cpu_load"), (run, " passed")):
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=os.environ | path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert words in done.stdout
