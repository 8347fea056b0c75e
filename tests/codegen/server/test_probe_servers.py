"""A probe executes nothing, on servers of three makes: ariadne, strawberry, and graphql-js under Yoga.

ariadne's is the emulator. The others need environments of their own: `make probe-proof` makes them and runs this.
"""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tensorone import QueryError, TensorOne
from tensorone._generated import operations
from tensorone_codegen.__main__ import main

ROOT = Path(__file__).parents[3]
SERVERS = ROOT / "tests/servers"
PROOF = os.environ.get("TENSORONE_PROOF", "")
NAMES = [each.name for each in operations()]
MUTATIONS = {each.name for each in operations() if each.kind == "mutation"}


@contextmanager
def strawberry(*options):
    """Strawberry, in its environment."""
    command = [f"{PROOF}/venv/bin/python", SERVERS / "strawberry_server.py", PROOF, *options]
    with running(command, PROOF) as url:
        yield url


@contextmanager
def yoga(*options):
    """graphql-js, in its environment; modules are looked up beside the script."""
    with running([f"{PROOF}/node", "yoga_server.mjs", f"{PROOF}/schema.graphql", *options], PROOF) as url:
        yield url


@contextmanager
def running(command, directory):
    """A server that prints its port."""
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def executed(url):
    """The fields that were resolved since the last time."""
    with urlopen(f"{url}/executed") as answer:
        return json.load(answer)


def resolved(url):
    """Those that are not part of the harmless query."""
    return [name for name in executed(url) if name != "__typename"]


def by_command(url, monkeypatch, capsys):
    """The status of the generator's probe, and its verdicts."""
    monkeypatch.chdir(ROOT)
    status = main(["probe", f"{url}/graphql", "--format", "json"])
    return status, {each["operation"]: each["verdict"] for each in json.loads(capsys.readouterr().out)}


OTHERS = pytest.mark.skipif(not PROOF, reason="needs environments of other servers: make probe-proof")


@OTHERS
@pytest.mark.parametrize("server", [strawberry, yoga])
def test_the_command_executes_nothing(server, monkeypatch, capsys):
    """The generator's probe is the same in another coat: all accepted, nothing resolved."""
    with server() as url:
        assert by_command(url, monkeypatch, capsys) == (0, dict.fromkeys(NAMES, "accepted"))
        assert resolved(url) == []


@OTHERS
@pytest.mark.parametrize("server", [strawberry, yoga])
async def test_a_server_without_mutations_is_seen_through(server, monkeypatch, capsys):
    """Its validation passes over a root that is not there; still no mutation is called accepted."""
    expected = {name: "refused" if name in MUTATIONS else "accepted" for name in NAMES}
    with server("no-mutations") as url:
        async with TensorOne("key", url=f"{url}/graphql") as client:
            assert {check.operation: check.verdict for check in await client.check_schema()} == expected
        assert by_command(url, monkeypatch, capsys) == (3, expected)
        assert resolved(url) == []


@OTHERS
@pytest.mark.parametrize("server", [strawberry, yoga])
async def test_a_probe_executes_nothing(server):
    """Every operation is accepted, mutations included, and no field is resolved; the control shows that it would be."""
    with server() as url:
        async with TensorOne("key", url=f"{url}/graphql") as client:
            checks = {check.operation: check for check in await client.check_schema()}
            assert {name: (check.verdict, check.reasons) for name, check in checks.items()} == dict.fromkeys(
                checks, ("accepted", ())
            )
            assert len(checks) == len(operations())
            assert resolved(url) == []
            with pytest.raises(QueryError):
                await client.clusters.stop("x")
            assert executed(url) == ["clusterStop"]


async def test_a_probe_executes_nothing_on_ariadne(client, emulator):
    """The emulator's requests are those of the harmless query alone."""
    checks = await client.check_schema()
    assert {check.verdict for check in checks} == {"accepted"}
    assert set(emulator.world.requests) <= {"__typename"}
