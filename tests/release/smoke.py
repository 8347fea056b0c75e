"""One extra of the installed wheel, tried outside of the tree: `smoke.py EXTRA PYTHON_WITH_THE_EMULATOR`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.metadata import entry_points, version
from pathlib import Path

import tensorone
from tensorone import ClusterSpec, TensorOne

SPEC = ClusterSpec(image_name="tensorone/pytorch", gpu_type_id="NVIDIA A40")


async def rents() -> str:
    """A cluster is rented, listed and terminated."""
    async with TensorOne() as client:
        placed = await client.clusters.deploy(SPEC)
        found = [each.id for each in await client.clusters.list()]
        await client.clusters.terminate(placed.id)
        assert placed.id in found
        assert client.rented == ()
        return f"rented and terminated {placed.id}"


def plain() -> str:
    """The script says what it needs, in a line, where its extra is not installed."""
    for command in ([Path(sys.executable).parent / "tensorone"], [sys.executable, "-m", "tensorone"]):
        if not entry_points(group="console_scripts", name="tensorone"):
            break
        done = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False)
        assert done.returncode == 2, done
        assert 'pip install "tensorone[cli]"' in done.stderr.replace("'", '"'), done
        assert "Traceback" not in done.stderr
    return tensorone.run(rents)


def fast() -> str:
    """Requests go over aiohttp."""
    os.environ["TENSORONE_HTTP"] = "aiohttp"
    return tensorone.run(rents)


def emulator() -> str:
    """The emulator answers in this process too."""
    from tensorone.emulator import Emulator

    with Emulator(boot="at-once") as running:
        os.environ.update(TENSORONE_API_KEY=running.api_key, TENSORONE_API_URL=running.url)
        return tensorone.run(rents)


def codegen() -> str:
    """The generator starts."""
    done = subprocess.run(
        [sys.executable, "-m", "tensorone_codegen", "--help"], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[0]


def plot() -> str:
    """A picture is drawn."""
    from tensorone.plot import timeline

    return f"{len(timeline((), prices={'NVIDIA A40': [(0.0, 0.2), (60.0, 0.3)]}).axes)} part"


def cli() -> str:
    """The script lists clusters as JSON."""
    script = Path(sys.executable).parent / "tensorone"
    done = subprocess.run([script, "ls", "--json"], capture_output=True, text=True, check=True)
    assert '"ok": true' in done.stdout, done
    return "tensorone ls --json"


def otel() -> str:
    """The client works with the API of OpenTelemetry installed."""
    return f"opentelemetry-api {version('opentelemetry-api')}, {tensorone.run(rents)}"


def temporal() -> str:
    """What a client of Temporal needs is there; its server is not part of the extra."""
    from tensorone.temporal import TensorOnePlugin

    return TensorOnePlugin().name()


def testing() -> str:
    """Pytest finds the plugin by its entry point, and a test gets a client."""
    code = "def test_mine(tensorone_emulator):\n    assert tensorone_emulator.world.clusters == {}\n"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_mine.py").write_text(code)
        command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", folder]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    return "1 passed"


def main() -> str:
    """Tries the extra against an emulator of its own."""
    extra, server = sys.argv[1], sys.argv[2]
    command = [server, "-m", "tensorone.emulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        try:
            address, key = (child.stdout.readline().split()[-1], child.stdout.readline().split()[-1])
            os.environ.update(TENSORONE_API_KEY=key, TENSORONE_API_URL=address)
            return globals().get(extra or "plain", lambda: tensorone.run(rents))()
        finally:
            child.terminate()


if __name__ == "__main__":
    print(main())
