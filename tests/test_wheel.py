"""The built wheel in environments that have its runtime dependencies, or those of one extra, and nothing else."""

import subprocess
import sys
import textwrap
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tensorone.emulator import Emulator, Order

ROOT = Path(__file__).parent.parent


def closure(*requirements: str) -> set[str]:
    """The distributions that some requirements need, with the extras that they name and no others."""
    found: set[tuple[str, str]] = set()
    pending = [Requirement(each) for each in requirements]
    while pending:
        current = pending.pop()
        for extra in {"", *current.extras} - {extra for name, extra in found if name == current.name}:
            found.add((current.name, extra))
            needs = map(Requirement, distribution(current.name).requires or ())
            pending += [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]
    return {name for name, _ in found}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


def environment(home: Path, wheel: Path, *requirements: str) -> Path:
    """The interpreter of a new environment with the wheel and what some requirements need."""
    venv.create(home, with_pip=False, symlinks=True)
    (site,) = home.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    for name in closure(*requirements) - {"tensorone"}:
        dist = distribution(name)
        for top in {file.parts[0] for file in dist.files or () if file.parts[0] not in {"..", "__pycache__"}}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(dist.locate_file(top))))
    return home / "bin" / "python"


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel and its runtime dependencies."""
    return environment(tmp_path_factory.mktemp("bare"), wheel, "tensorone")


def run(bare: Path, code: str) -> str:
    """What a program prints there."""
    command = [str(bare), "-I", "-W", "error", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_wheel_holds_three_typed_packages_and_their_data(wheel):
    """Each package has its marker for type checkers, and the schema and the generator's runtime files are included."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.partition("/")[0] for name in names if "dist-info" not in name} == {
        "tensorone",
        "tensorone_codegen",
        "tensorone_graphql",
    }
    for package in ("tensorone", "tensorone_codegen", "tensorone_graphql"):
        assert f"{package}/py.typed" in names
    assert {"tensorone_graphql/schema.graphql", "tensorone_codegen/runtime/operation.py"} <= names


def test_it_works_without_any_extra(bare):
    """Without extras it deploys, lists and terminates against an emulator that runs elsewhere."""
    with Emulator(boot="at-once") as emulator:
        code = f"""
            import anyio, tensorone

            async def main():
                async with tensorone.TensorOne({emulator.api_key!r}, url={emulator.url!r}) as client:
                    spec = tensorone.ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40")
                    placed = await client.clusters.deploy(spec)
                    assert placed.id in [cluster.id for cluster in await client.clusters.list()]
                    await client.clusters.terminate(placed.id)
                    print(tensorone.__version__)

            anyio.run(main)
        """
        assert run(bare, code)
        assert emulator.world.requests["clusterTerminate"] == 1


@pytest.mark.parametrize("module", ["tensorone.emulator", "tensorone_codegen.__main__"])
def test_what_needs_an_extra_names_it(bare, module):
    """Without the extra, the import error says which extra to install."""
    code = f"""
        try:
            import {module}
        except ImportError as error:
            print(error)
    """
    extra = "emulator" if "emulator" in module else "codegen"
    assert f"tensorone[{extra}]" in run(bare, code)


def test_the_generator_as_a_command_says_it_in_a_line(bare):
    """The command prints one line without a traceback, and exits with the status of its other errors."""
    command = [bare, "-m", "tensorone_codegen", "check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr == "the generator needs an extra: pip install 'tensorone[codegen]'\n"


PROJECT = """
import pytest
from tensorone import ClusterSpec, TensorOne

SPEC = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40", env={"PASSWORD": "hunter2"})

async def start():
    async with TensorOne() as client:
        return await client.clusters.deploy(SPEC)

@pytest.mark.anyio
@pytest.mark.tensorone_fault("close", operation="clusterFindAndDeployOnDemand", commit=True)
async def test_survives_a_lost_answer(tensorone_client):
    placed = await start()
    assert [each.id for each in await tensorone_client.clusters.list()] == [placed.id]

@pytest.mark.anyio
@pytest.mark.tensorone(seed=7, leftovers="fail")
async def test_forgets():
    await start()

@pytest.mark.asyncio
async def test_fails(tensorone_client):
    await tensorone_client.clusters.list()
    assert await start() is None
"""


@pytest.mark.slow
def test_a_project_of_its_own_tests_with_the_plugin(wheel, tmp_path):
    """Pytest finds the plugin by its entry point; a forgotten cluster and a failed test's requests are reported."""
    needs = ("tensorone[testing]", "pytest-asyncio", "pytest-xdist", "trio")
    python = environment(tmp_path / "environment", wheel, *needs)
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_mine.py").write_text(PROJECT)
    (project / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\ntensorone_only_emulated = true\n")
    command = [python, "-W", "error", "-I", "-m", "pytest", "-n", "1", "-p", "no:cacheprovider", "--tb=short"]
    command += ["-o", "asyncio_default_fixture_loop_scope=function"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert "1 failed, 4 passed, 2 errors" in done.stdout, done.stdout + done.stderr
    forgotten = Emulator(seed=7, first_clusters=False).world.deploy(Order(image_name="i", gpu_type_id="NVIDIA A40"))
    reported = done.stdout.partition("short test summary info")[0]  # which CI prints in full, and a terminal does not
    assert reported.count(f"{forgotten.id}: 1 x NVIDIA A40, $0.41 an hour") == 2
    shown = done.stdout.partition("FAILURES")[2].partition("- tensorone requests -")[2]
    assert ("ListClusters 200 " in shown, "DeployCluster 200 " in shown) == (True, True)
    assert "hunter2" not in done.stdout
    program = """
        import pytest, sys, tensorone

        tensorone.TensorOne("a key")  # which imports the generated package
        anyio = "ignore:Module already imported so cannot be rewritten; anyio"  # whose plugin has the same trouble
        options = ["-k", "lost", "-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function"]
        sys.exit(pytest.main(["-W", "error", "-W", anyio, *options]))
    """
    done = subprocess.run(
        [python, "-I", "-c", textwrap.dedent(program)], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
