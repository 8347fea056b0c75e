"""The built wheel in an environment that has its runtime dependencies and nothing else."""

import subprocess
import sys
import textwrap
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tensorone.emulator import Emulator

ROOT = Path(__file__).parent.parent


def closure(name: str) -> set[str]:
    """A distribution and all that it needs without extras."""
    found: set[str] = set()
    pending = [name]
    while pending:
        current = pending.pop()
        if current not in found:
            found.add(current)
            needs = map(Requirement, distribution(current).requires or ())
            pending += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel and its runtime dependencies."""
    home = tmp_path_factory.mktemp("bare")
    venv.create(home, with_pip=False, symlinks=True)
    (site,) = home.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    for name in closure("tensorone") - {"tensorone"}:
        dist = distribution(name)
        for top in {file.parts[0] for file in dist.files or () if file.parts[0] not in {"..", "__pycache__"}}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(dist.locate_file(top))))
    return home / "bin" / "python"


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
