"""What calls need is imported and built when a client is made or opened, never in the middle of a call."""

import json
import os
import subprocess
import sys
from pathlib import Path

import anyio
import first_calls
import pytest
from wires import CERTIFICATE, graphql, scripted

from tensorone import ConfigurationError, TensorOne
from tensorone._client import warm
from tensorone._namespaces import account, clusters, endpoints, gpu_types, spot, templates
from tensorone.emulator import Emulator

SPACES = {
    "account": account.Accounts,
    "clusters": clusters.Clusters,
    "endpoints": endpoints.Endpoints,
    "gpu_types": gpu_types.GpuTypes,
    "spot": spot.Spot,
    "templates": templates.Templates,
}


@pytest.mark.parametrize(
    ("http", "loop", "opened"),
    [
        ("auto", "asyncio", "inside"),
        ("httpx", "trio", "inside"),
        pytest.param("httpx", "asyncio", "before", marks=pytest.mark.slow),
        ("auto", "asyncio", "before"),
    ],
)
def test_no_call_imports_or_builds_anything(emulator: Emulator, http, loop, opened):
    """Over each transport, on each event loop, opened before there was one or inside."""
    where = (emulator.url.replace("127.0.0.1", "localhost"), emulator.api_key)
    command = [sys.executable, first_calls.__file__, *where, http, loop, opened]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {name: modules for name, modules in json.loads(done.stdout).items() if modules} == {}, done.stderr


@pytest.mark.parametrize(("given", "loop"), [("httpx", "asyncio"), ("auto", "asyncio"), ("httpx", "trio")])
async def test_nor_does_a_first_call_over_tls(given, loop):
    """The certificates to trust were read before it, too."""
    child = [sys.executable, first_calls.__file__]
    async with scripted(graphql({"cluster": None}), tls=True) as server:
        command = [*child, server.url, "key", given, loop, "inside", "clusters.get"]
        done = await anyio.run_process(command, env={**os.environ, "SSL_CERT_FILE": str(CERTIFICATE)})
    assert json.loads(done.stdout) == {"clusters.get": []}, done.stderr.decode()
    assert len(server.requests) == 1


def test_certificates_that_cannot_be_read_are_a_configuration_error(monkeypatch, tmp_path):
    """With the variables that name them, when the client is made."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(ConfigurationError, match=r"certificates to trust cannot be read .*SSL_CERT_FILE"):
        TensorOne("key")
    assert TensorOne("key", url="http://127.0.0.1:1/")


def test_importing_the_client_s_class_imports_no_library():
    """They come with the first client."""
    code = "import sys; from tensorone import TensorOne; print({'httpx', 'pydantic', 'anyio'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_method_is_among_the_calls():
    """A new one is called, too; but for the last one, which needs an endpoint."""
    methods = {
        f"{name}.{method}"
        for name, space in SPACES.items()
        for method in vars(space)
        if not method.startswith("_") and callable(getattr(space, method))
    }
    assert methods - first_calls.CALLS.keys() == {"endpoints.delete"}


def test_importing_the_package_imports_none_of_it():
    """It stays quick: neither HTTP libraries nor wings come with it."""
    code = (
        "import sys, tensorone;"
        "print([n for n in sys.modules if n.startswith(('httpx', 'aiohttp', 'httpcore', 'tensorone._', 'anyio'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


LOW = """
import os, resource, sys
import anyio
from tensorone import ClusterSpec, ConfigurationError, RetryPolicy, TensorOne, TensorOneError
url, key, http, when = sys.argv[1:]
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
spec = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40")
def lower():
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, hard))
async def main():
    if when == "before":
        lower()
    try:
        async with TensorOne(key, url=url, http=http, retry=RetryPolicy(attempts=1), settle_time=0) as client:
            lower()
            for call in (client.clusters.list, lambda: client.clusters.deploy(spec)):
                try:
                    await call()
                except TensorOneError as error:
                    print(type(error).__name__, error)
    except ConfigurationError as error:
        print(type(error).__name__, error)
anyio.run(main)
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files as Linux shows them")
@pytest.mark.parametrize("http", ["httpx", "aiohttp"])
@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("after", ["ConnectionFailed"] * 2),
        ("before", ["ConfigurationError what the client needs cannot be imported"]),
    ],
)
def test_too_many_open_files_are_one_of_our_errors(emulator: Emulator, http, when, words):
    """Whether a connection or an import needs the file, reads and rentals fail without harm."""
    command = [sys.executable, "-c", LOW, emulator.url, emulator.api_key, http, when]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == len(words), done.stdout + done.stderr
    for line, expected in zip(lines, words, strict=True):
        assert line.startswith(expected)
        assert "oo many open files" in line
        assert ("max_connections" in line) == (when == "after")


async def test_what_cannot_be_imported_is_a_configuration_error(monkeypatch):
    """With the cause kept; once it is there, clients can be made."""
    warm.warm.cache_clear()
    monkeypatch.setitem(sys.modules, "tensorone._spot.search", None)
    with pytest.raises(ConfigurationError, match=r"cannot be imported.*tensorone\._spot\.search"):
        TensorOne("key")
    monkeypatch.undo()
    async with TensorOne("key") as client:
        assert "open" in repr(client)


def test_what_a_library_does_not_have_it_does_not_need(monkeypatch, run):
    """A module that another version lacks is passed by."""
    monkeypatch.setitem(sys.modules, "stringprep", None)

    async def main() -> None:
        async with TensorOne("key"):
            await anyio.lowlevel.checkpoint()

    run(main)
