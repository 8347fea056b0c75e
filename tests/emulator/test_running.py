"""Ways to run the emulator: as a context manager on either loop, in the process, and from the command line."""

from __future__ import annotations

import ast
import gc
import io
import logging
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel
import httpx
import pytest
import trio.testing

import tensorone.emulator as emulator_package
from tensorone.emulator import Boot, Emulator, Fault
from tensorone.emulator.__main__ import main
from tensorone.emulator._server.connection import until_disconnected

if TYPE_CHECKING:
    from collections.abc import Iterator

PROBE = {"query": "{ __typename }"}
DEPLOY = 'mutation { clusterFindAndDeployOnDemand(input: {imageName: "i", gpuTypeId: "NVIDIA L4"}) { id } }'


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_it_serves_either_loop(backend: str) -> None:
    """`async with` starts and stops it without blocking the loop it is on."""

    async def use() -> str:
        async with Emulator() as emulator, httpx.AsyncClient() as client:
            assert (await client.post(emulator.url, json=PROBE)).status_code == 200
            return emulator.url

    url = anyio.run(use, backend=backend)
    with pytest.raises(httpx.ConnectError):
        httpx.post(url, json=PROBE)


def test_a_stop_closes_what_it_just_accepted() -> None:
    """A client that connects as the emulator stops leaves no open socket behind, which would be a warning."""
    for _ in range(5):
        with Emulator() as emulator:
            address = urlsplit(emulator.url)
            socket.create_connection((address.hostname, address.port)).close()
    gc.collect()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_start_leaves_nothing_running(backend: str) -> None:
    """If the start is cancelled, the server is stopped."""

    async def cancelled() -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            async with Emulator():
                await anyio.lowlevel.checkpoint()
                raise AssertionError

    before = threading.active_count()
    anyio.run(cancelled, backend=backend)
    assert [thread.name for thread in threading.enumerate() if "portal" in thread.name] == []
    assert threading.active_count() <= before + 1  # the loop's own worker may linger


def test_it_depends_on_no_client() -> None:
    """It imports its own modules, the standard library and the packages of its extra, and nothing of the SDK."""
    allowed = sys.stdlib_module_names - {"asyncio"} | {"anyio", "ariadne", "graphql", "starlette", "uvicorn"}
    for path in Path(emulator_package.__file__ or "").parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                ours = node.level == 1 or f"{module}.".startswith("tensorone.emulator.")
                assert ours or module.partition(".")[0] in allowed
            elif isinstance(node, ast.Import):
                assert {alias.name.partition(".")[0] for alias in node.names} <= allowed


def test_it_serves_more_than_once_on_its_port() -> None:
    """It can be entered again after its block, and keeps its port."""
    emulator = Emulator()
    with emulator:
        first = emulator.url
    with emulator:
        assert emulator.url == first
        assert httpx.post(first, json=PROBE).status_code == 200


def test_the_port_may_be_chosen() -> None:
    """Two emulators cannot share one."""
    with Emulator() as first, pytest.raises(OSError, match="in use"), Emulator(port=httpx.URL(first.url).port or 0):
        pass


def test_it_listens_on_ipv6_too() -> None:
    """The URL has brackets around the address."""
    with Emulator(host="::1") as emulator:
        assert emulator.url.startswith("http://[::1]:")
        assert httpx.post(emulator.url, json=PROBE).status_code == 200


def test_outside_its_block_it_has_no_url() -> None:
    """The error names `app` as the alternative."""
    with pytest.raises(RuntimeError, match="use its app"):
        _ = Emulator().url


def test_a_reset_restores_the_initial_state() -> None:
    """World, counts, faults and rate limit are the initial ones."""
    with Emulator(api_key="mine") as emulator:
        emulator.faults.add(Fault("close", times=None))
        emulator.rate_limit(1)
        emulator.world.terminate("riixlu8oclhp")
        emulator.reset()
        assert httpx.post(emulator.url, params={"api_key": "mine"}, json=PROBE).status_code == 200
        assert "riixlu8oclhp" in emulator.world.clusters
        assert emulator.faults.pending == ()
        assert emulator.rate_limited == 0


def test_the_schema_may_be_another() -> None:
    """A schema with fewer types and fields is served; fields unknown to the emulator are null."""
    schema = "type Query { myself: User weather: String } type User { id: ID }"
    with Emulator(schema=schema) as emulator:
        answer = httpx.post(emulator.url, params=key(emulator), json={"query": "{ myself { id } weather }"})
    assert answer.json() == {"data": {"myself": {"id": "user_tensorone_emulator"}, "weather": None}}


def test_its_roots_may_have_other_names() -> None:
    """The names of root types make no difference to the answers."""
    schema = "schema { query: Reads mutation: Writes } type Reads { myself: User } type User { id: ID }"
    schema += " scalar Void type Writes { clusterTerminate(input: Named): Void } input Named { clusterId: String }"
    with Emulator(schema=schema) as emulator:
        document = 'mutation { clusterTerminate(input: {clusterId: "riixlu8oclhp"}) }'
        for query in ("{ myself { id } }", document):
            answer = httpx.post(emulator.url, params=key(emulator), json={"query": query}).json()
            assert "errors" not in answer
            assert answer["data"] != {"myself": None}
        assert "riixlu8oclhp" not in emulator.world.clusters


def test_it_answers_in_the_process_on_a_clock_that_jumps() -> None:
    """With trio's virtual time as its clock, an hour of polling takes no time and no thread."""

    async def poll() -> float:
        emulator = Emulator(clock=trio.current_time, boot=Boot(seconds=3600))
        transport = httpx.ASGITransport(emulator.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://emulator", params=key(emulator)) as client:
            placed = (await client.post("/graphql", json={"query": DEPLOY})).json()
            cluster_id = placed["data"]["clusterFindAndDeployOnDemand"]["id"]
            document = f'{{ cluster(input: {{clusterId: "{cluster_id}"}}) {{ runtime {{ uptimeInSeconds }} }} }}'
            while not (await client.post("/graphql", json={"query": document})).json()["data"]["cluster"]["runtime"]:  # noqa: ASYNC110 - polling is all a client can do
                await trio.sleep(10)
            return emulator.world.now

    clock = trio.testing.MockClock(autojump_threshold=0)
    assert 3600 <= anyio.run(poll, backend="trio", backend_options={"clock": clock}) < 3700


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("close", commit=True), ConnectionResetError),
        (Fault("reset"), ConnectionResetError),
        (Fault("truncate"), ConnectionResetError),
        (Fault("refuse", after=1), ConnectionRefusedError),
    ],
)
def test_faults_of_the_connection_raise_in_the_process(fault: Fault, error: type[Exception]) -> None:
    """Without a socket, the caller receives the exception itself."""

    async def call() -> None:
        emulator = Emulator()
        emulator.faults.add(fault)
        transport = httpx.ASGITransport(emulator.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://emulator", params=key(emulator)) as client:
            await client.post("/graphql", json=PROBE)
            await client.post("/graphql", json=PROBE)

    with pytest.raises(error, match="happens on a socket"):
        anyio.run(call)


def test_refuse_needs_a_port() -> None:
    """A `refuse` without further settings needs a running server."""
    emulator = Emulator()
    with pytest.raises(RuntimeError, match="does not listen"):
        emulator.faults.add(Fault("refuse"))


def test_a_hang_in_the_process_ends_when_the_caller_leaves() -> None:
    """A server may deliver empty parts of the body before it reports that the client disconnected."""
    messages = iter([{"type": "http.request"}, {"type": "http.disconnect"}])

    async def receive() -> dict[str, str]:
        return next(messages)

    anyio.run(until_disconnected, receive)
    assert list(messages) == []


def test_other_protocols_are_ignored() -> None:
    """A lifespan scope causes neither an answer nor an error."""

    async def receive() -> dict[str, Any]:
        raise AssertionError

    async def send(message: Any) -> None:
        raise AssertionError(message)

    anyio.run(Emulator().app, {"type": "lifespan"}, receive, send)


def test_an_incomplete_request_is_ignored() -> None:
    """A request whose body never arrives is not counted."""
    with Emulator() as emulator:
        url = httpx.URL(emulator.url)
        with socket.create_connection((url.host, url.port)) as connection:
            connection.sendall(b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf")
        assert httpx.post(emulator.url, json=PROBE).status_code == 200
        assert len(emulator.world.log) == 1


def test_malformed_http_is_refused() -> None:
    """The answer is 400, and the emulator keeps serving."""
    with Emulator() as emulator:
        url = httpx.URL(emulator.url)
        with socket.create_connection((url.host, url.port), timeout=5) as connection:
            connection.sendall(b"nonsense\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 400"
        assert httpx.post(emulator.url, json=PROBE).status_code == 200


# --- the command


class Terminal(io.StringIO):
    """A standard output that sends requests, then a signal, once the address has been printed."""

    def __init__(self, number: signal.Signals, *documents: str) -> None:
        super().__init__()
        self.number = number
        self.documents = documents

    def flush(self) -> None:
        """Sends the signal to this very process."""
        url, api_key = (line.rpartition(" ")[2] for line in self.getvalue().splitlines())
        for document in self.documents:
            httpx.post(url, params={"api_key": api_key}, json={"query": document})
        signal.raise_signal(self.number)


@pytest.fixture
def signals() -> Iterator[None]:
    """Restores the signal handlers."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal(
    signals: None, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """It prints its address and the key, and ends with status 0."""
    terminal = Terminal(number)
    monkeypatch.setattr(sys, "stdout", terminal)
    arguments = ["--api-key", "mine", "--boot", "3r", "--speed", "60", "--seed", "7", "--rate-limit", "100"]
    assert main([*arguments, "--fault", "close:operation=clusterStop", "--wording", "cluster", "--introspection"]) == 0
    first, second = terminal.getvalue().splitlines()
    assert re.fullmatch(r"listening on http://127\.0\.0\.1:\d+/graphql", first)
    assert second == "api key: mine"


def test_the_command_runs_as_a_program() -> None:
    """`python -m tensorone.emulator` answers once it has printed its address, logs to stderr, and ends quietly."""
    command = [sys.executable, "-m", "tensorone.emulator"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().removeprefix("listening on ").strip()
        api_key = process.stdout.readline().removeprefix("api key: ").strip()
        answer = httpx.post(url, params={"api_key": api_key}, json={"query": "query Me { myself { id } }"})
        process.send_signal(signal.SIGTERM)
        rest, log = process.communicate()
    assert process.returncode == 0
    assert answer.json()["data"]["myself"]
    assert rest == ""
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} Me 200 \d+\.\d ms\n", log)


LOGGED = (
    'query Whoami { __typename } mutation Stop { clusterStop(input: {clusterId: "secret"}) { id } }',
    'query Whoami { cluster(input: {clusterId: "secret"}) { id } }',
    'mutation { a: clusterStop(input: {clusterId: "secret"}) { id } b: clusterStop(input: {clusterId: "x"}) { id } }',
    "query Slow { __typename }",
    "{ secret",
)


def test_the_command_prints_a_line_per_request(
    signals: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Time, operation, status, duration and fault; neither key nor document."""
    monkeypatch.setattr(sys, "stdout", Terminal(signal.SIGTERM, *LOGGED))
    faults = ("bad_gateway:operation=clusterStop", "delay:operation=Slow,seconds=0", "garbage:operation=Slow")
    assert main(["--api-key", "mine", *(part for fault in faults for part in ("--fault", fault))]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert [re.sub(r"\d+\.\d ms", "…", line[len("12:00:00.000 ") :]) for line in lines] == [
        "- 400 …",
        "Whoami 200 …",
        "clusterStop 502 … fault=bad_gateway",
        "Slow 200 … fault=delay fault=garbage",
        "- 400 …",
    ]
    assert not [line for line in lines if "mine" in line or "secret" in line]


def test_the_command_may_be_quiet(
    signals: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `--quiet` it prints the address and the key alone."""
    monkeypatch.setattr(sys, "stdout", Terminal(signal.SIGTERM, *LOGGED))
    assert main(["--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_every_request_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A request without an answer, and one for another path, have their line too."""
    with caplog.at_level(logging.INFO, logger="tensorone.emulator.requests"), Emulator() as emulator:
        emulator.faults.add(Fault("close"))
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(emulator.url, json=PROBE)
        httpx.get(httpx.URL(emulator.url).copy_with(path="/elsewhere"))
    lines = [record.getMessage() for record in caplog.records]
    assert [re.sub(r"\d+\.\d ms", "…", line) for line in lines] == ["__typename no-answer … fault=close", "- 404 …"]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])
def test_the_command_stays_on_loopback(capsys: pytest.CaptureFixture[str], host: str) -> None:
    """An address that other machines can reach needs `--allow-remote`."""
    assert main(["--host", host]) == 2
    assert "--allow-remote" in capsys.readouterr().err


def test_the_command_says_why_it_cannot_listen(signals: None, capsys: pytest.CaptureFixture[str]) -> None:
    """An address that cannot be bound is an error with status 1."""
    assert main(["--host", "192.0.2.1", "--allow-remote"]) == 1
    assert capsys.readouterr().err.startswith("cannot listen on 192.0.2.1, port 0: ")


@pytest.mark.parametrize("option", [["--boot", "soon"], ["--fault", "explode"], ["--speed", "-1"]])
def test_the_command_refuses_invalid_options(capsys: pytest.CaptureFixture[str], option: list[str]) -> None:
    """It prints the usage and the reason, not a traceback."""
    with pytest.raises(SystemExit) as caught:
        main(option)
    assert caught.value.code == 2
    assert option[0] in capsys.readouterr().err


def key(emulator: Emulator) -> dict[str, str]:
    """The query parameters with the key."""
    return {"api_key": emulator.api_key}
