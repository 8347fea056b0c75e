"""What is shown of GPU types, clusters, ports and the account, as text and as JSON."""

from __future__ import annotations

import re
import socket
import stat
import sys
import threading

import anyio
import pytest
from wires import schema_without

from tensorone import GpuType
from tensorone._cli._commands.reaching import _reached
from tensorone._cli._output import words
from tensorone._cli.gpu_names import matching
from tensorone._cli.id_cache import location, remember, remembered
from tensorone._http.route import Route
from tensorone.emulator import Emulator


def test_prices(cli, emulator):
    """Names as people say them, the cheapest bid first; what has no stock has no price."""
    emulator.world.set_minimum_bid("NVIDIA A40", "0.26")
    emulator.world.set_minimum_bid("NVIDIA RTX A6000", "0.15")
    done = cli("gpus", "a40", "a6000")
    assert [line.split() for line in done.out.splitlines()] == [
        ["GPU", "TYPE", "MEMORY", "SPOT", "$/h", "FIXED", "$/h", "SAVES"],
        ["NVIDIA", "RTX", "A6000", "48", "GB", "0.150", "0.33", "55%"],
        ["NVIDIA", "A40", "48", "GB", "0.260", "0.40", "35%"],
    ]
    emulator.world.sell_out("NVIDIA A40")
    found = cli("gpus", "a40", "a6000", "--sort", "fixed", "--json").json["gpu_types"]
    assert [each["fixed_usd_per_hour"] for each in found] == [0.33, None]
    memory = [each["memory_gb"] for each in cli("gpus", "--sort", "memory", "--json").json["gpu_types"]]
    assert memory == sorted(memory, reverse=True)


@pytest.mark.parametrize(
    ("name", "found"),
    [("4090", "NVIDIA GeForce RTX 4090"), ("RTX A6000", "NVIDIA RTX A6000"), ("h200", "NVIDIA H200")],
)
def test_a_name_stands_for_one_type(emulator, name, found):
    """By its words, whole or a part of them; nothing is guessed where several match."""
    types = [
        GpuType(id=each.id, display_name=each.display_name, memory_in_gb=each.memory_in_gb)
        for each in emulator.world.gpu_models
    ]
    assert matching(name, types) == found


def test_clusters(cli):
    """A line each, whole and without colour when piped; the ids are remembered for completion, and nothing else."""
    done = cli("ls")
    lines = done.out.splitlines()
    assert lines[0].split() == ["ID", "NAME", "STATUS", "UP", "GPUS", "$/h", "PORTS"]
    assert len(lines) == 5
    assert "\x1b" not in done.out
    assert "8888/http, 22/tcp" in done.out
    assert "4 clusters; the account spends $0.96 an hour now" in done.err
    assert remembered() == [line.split()[0] for line in lines[1:]]
    assert stat.S_IMODE(location().stat().st_mode) & 0o022 == 0
    assert cli("ls", "--where", "up").out.count("\n") == 3
    assert cli("__complete", "show", "l").out.split()[1:] == remembered()
    assert cli("ls", "-q").err == ""


def test_a_cache_that_cannot_be_used_is_none(cli):
    """Neither a path that is no file nor one that cannot be written fails a command."""
    location().mkdir(parents=True)
    remember(["a"])
    assert remembered() == []
    assert cli("ls").status == 0


def test_show(cli, emulator):
    """Everything about clusters, with the names of their variables; a preemption is distinguished from a stop."""
    done = cli("show", "riixlu8oclhp", "inzk6tzuz833h5")
    assert "JUPYTER_PASSWORD" in done.out
    assert "stopped by a person" in done.out
    cluster = cli("spot", "i", "--gpu", "a40", "--ceiling", "0.9", "--yes", "--json").json["clusters"][0]
    emulator.world.preempt(cluster["id"])
    assert "exited (preempted)" in cli("show", cluster["id"]).out
    assert " preempted " in cli("ls").out
    assert cli("ls", "--where", "exited", "--json").json["clusters"][-1]["ended_by"] == "preemption"


def test_account(cli, emulator):
    """Balance, spend and what runs."""
    assert "2 clusters" in cli("account").out
    found = cli("account", "--json").json
    assert found["account"]["hours_left"] == pytest.approx(1000 / 0.9638, rel=0.01)
    assert len(found["clusters"]) == 2
    for name in list(emulator.world.clusters):
        emulator.world.terminate(name)
    assert "lasts     ?" in cli("account").out


def test_doctor(cli, emulator, monkeypatch):
    """Key, network, clock, schema and spot; a wrong key is a failure, with all that was found before."""
    monkeypatch.setenv("TENSORONE_HTTP", "httpx")
    done = cli("doctor")
    assert [line.split()[0] for line in done.out.splitlines()] == ["ok"] * 5
    version, key, network, schema, spot = done.out.splitlines()
    assert version.endswith("requests by httpx")
    assert "key from TENSORONE_API_KEY, accepted" in key
    assert re.search(r"127\.0\.0\.1:\d+ in \d+ ms, no proxy; the server tells no time$", network)
    asked, accepted = re.search(r"schema: (\d+) of (\d+) operations accepted, nothing executed", schema).groups()
    assert asked == accepted
    assert "GPU types have stock" in spot
    monkeypatch.setenv("TENSORONE_API_KEY", "wrong-key-0123456789")
    done = cli("doctor", "--json")
    assert done.status == 4
    assert [each["result"] for each in done.json["checks"]] == ["ok", "fail"]


@pytest.mark.parametrize(
    ("ahead", "result", "said"),
    [
        (0.4, "ok", "clock as the server's"),
        (7.0, "ok", "clock 7 s behind the server"),
        (-7200.0, "warn", "clock 2 h ahead of the server; --expires depends on it"),
    ],
)
def test_doctor_compares_clocks(cli, monkeypatch, ahead, result, said):
    """A clock that is far off is a warning, since deadlines depend on it; a proxy is named."""

    async def told(url):
        return Route(place="api.example:443", library="aiohttp", proxy="corp:3128 (https_proxy)", clock_ahead=ahead)

    monkeypatch.setattr("tensorone._http.route.route", told)
    checks = {each["name"]: each for each in cli("doctor", "--json").json["checks"]}
    assert checks["network"]["result"] == result
    assert checks["network"]["message"].endswith(said)
    assert "through proxy corp:3128 (https_proxy)" in checks["network"]["message"]


def test_doctor_without_spot(cli, monkeypatch):
    """A server that offers no spot clusters is a warning, with what will fail."""
    with Emulator(schema=schema_without("LowestPrice.minimumBidPrice")) as poorer:
        monkeypatch.setenv("TENSORONE_API_URL", poorer.url)
        monkeypatch.setenv("TENSORONE_API_KEY", poorer.api_key)
        done = cli("doctor")
    assert done.status == 0
    assert "warn  spot" in done.out
    assert "refused: GetGpuType" in done.out


def test_prices_of_clusters_where_the_server_tells_none(cli, monkeypatch):
    """Our own label says what we rented; of the others nothing is guessed."""
    with Emulator(schema=schema_without("Cluster.costPerHr"), boot="at-once") as poorer:
        monkeypatch.setenv("TENSORONE_API_URL", poorer.url)
        monkeypatch.setenv("TENSORONE_API_KEY", poorer.api_key)
        ours = cli("deploy", "i", "--gpu", "a40", "--cloud", "secure", "--yes", "-q").out.strip()
        found = {each["id"]: each for each in cli("ls", "--json").json["clusters"]}
    assert found[ours]["usd_per_hour"] == 0.4
    assert found[ours]["gpu"]["type"] == "NVIDIA A40"
    assert found["riixlu8oclhp"]["usd_per_hour"] is None
    assert found["riixlu8oclhp"]["kind"] is None


def test_ports(cli, emulator, tmp_path):
    """A tcp port has an address; an http port has one where the profile has its pattern."""
    assert "8888/http  behind the service's proxy, address not known" in cli("ports", "riixlu8oclhp").out
    assert (
        cli("profile", "add", "work", "--key-command", "printenv K", "--http-url", "http://{id}.localhost:1").status
        == 0
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("K", emulator.api_key)
        done = cli("ports", "riixlu8oclhp", "8888", "--profile", "work", "--check", "--json")
    (port,) = done.json["clusters"][0]["ports"]
    assert (port["url"], port["reached"], done.status) == ("http://riixlu8oclhp.localhost:1", False, 1)


def test_ssh_is_the_systems(cli, monkeypatch, tmp_path):
    """It gets the public port of 22 and the command; its exit status is ours, and a missing one is said."""
    fake = tmp_path / "ssh"
    code = f"open({str(tmp_path / 'said')!r}, 'w').write(' '.join(sys.argv[1:]))"
    fake.write_text(f"#!{sys.executable}\nimport sys\n{code}\nsys.exit(7)\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli("ssh", "riixlu8oclhp", "--", "nvidia-smi", "-L").status == 7
    said = (tmp_path / "said").read_text()
    assert said.startswith("-p ")
    assert "root@203.0.113." in said
    assert said.endswith(" -- nvidia-smi -L")
    fake.unlink()
    assert cli("ssh", "riixlu8oclhp").status == 2
    assert cli("ssh", "inzk6tzuz833h5").status == 1


@pytest.mark.parametrize(("said", "reached"), [(b"SSH-2.0-x\r\n", True), (b"hello", False), (b"", False)])
def test_port_22_counts_once_ssh_speaks(said, reached):
    """A port that is mapped and silent is not reached."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            stream, _ = server.accept()
            stream.sendall(said)
            stream.close()

        thread = threading.Thread(target=answer)
        thread.start()
        port = {"private": 22, "public": server.getsockname()[1], "ip": "127.0.0.1", "public_ip": True, "url": None}
        assert anyio.run(_reached, port) is reached
        thread.join()
    assert anyio.run(_reached, {**port, "public_ip": False}) is None


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (59, "59 s"), (60, "1 min"), (7199, "120 min"), (7200, "2 h"), (200000, "2 d")]
)
def test_durations(value, text):
    """In their largest unit."""
    assert words.ago(value) == text


def test_amounts():
    """At least two decimals, four at most; what is not known is not guessed."""
    assert [words.dollars(each) for each in (None, 0.5, 0.284, 0.12345)] == ["?", "0.50", "0.284", "0.1235"]
    assert words.total([]) == "a price that is not known"
    assert words.total([0.33, None]) == "$0.33 an hour and 1 more at a price that is not known"
    assert words.listed(["a", "b", "c"], 2) == "a, b and 1 more"
    assert [words.seconds(each) for each in ("90", "15m", "8h", "2d")] == [90, 900, 28800, 172800]
