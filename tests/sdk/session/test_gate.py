"""A rate that is given, and a gate of the user's in place of the learned rate; over HTTP."""

import math
import re
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tensorone import ClusterSpec, Gate, InvalidArgument, RateLimited, RetryPolicy, TensorOne, fan_out
from tensorone.emulator import Emulator, Fault
from tensorone.events import Attempted, Event, Failure, Paused, Repeating


class Recording:
    """Lets one after the other through, and keeps what it was asked and told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.lock = error, anyio.Lock()
        self.turns: list[tuple[bool, float]] = []
        self.told: list[float | None] = []
        self.took: list[float] = []
        self.inside = self.widest = 0

    @asynccontextmanager
    async def turn(self, *, mutation: bool, patience: float):
        if self.error is not None:
            raise self.error
        self.turns.append((mutation, patience))
        async with self.lock:
            self.inside += 1
            self.widest = max(self.widest, self.inside)
            try:
                yield
            finally:
                self.inside -= 1

    def refused(self, retry_after: float | None) -> None:
        self.told.append(retry_after)

    def accepted(self, took: float) -> None:
        self.took.append(took)


async def test_every_request_asks_the_gate_and_reports_to_it(emulator: Emulator):
    """Reads and mutations take turns of the gate, one at a time here; it hears of each answer, and of a refusal."""
    gate: Gate = Recording()
    emulator.faults.add(Fault("rate_limited", retry_after="0.01"))
    async with TensorOne(emulator.api_key, url=emulator.url, gate=gate) as client:
        outcomes = await fan_out(lambda _: client.gpu_types.list(), range(20), limit=20)
        await client.clusters.stop("riixlu8oclhp")
        assert all(outcome.ok for outcome in outcomes)
        assert (client.throttle.in_flight, client.throttle.requests_per_second) == (0, None)
    assert [mutation for mutation, _ in gate.turns] == [False] * 21 + [True]
    assert all(0 < patience <= RetryPolicy().total_timeout for _, patience in gate.turns)
    assert (gate.told, len(gate.took), gate.widest) == ([0.01], 21, 1)


async def test_the_client_keeps_its_own_width_before_the_gate(emulator: Emulator):
    """No more requests come to the gate at once than `max_connections`."""
    gate, most = Recording(), []
    async with TensorOne(emulator.api_key, url=emulator.url, gate=gate, max_connections=3) as client:

        async def one(_: int) -> None:
            await client.gpu_types.list()
            most.append(client.throttle.in_flight)

        await fan_out(one, range(12), limit=12)
        assert client.throttle.width == 3
    assert max(most) <= 3


async def test_a_gate_whose_pause_is_too_long_raises_rate_limited(emulator: Emulator):
    """TimeoutError in entering ends the call as a limit does: nothing was sent, and no attempt is counted."""
    gate = Recording(TimeoutError())
    async with TensorOne(emulator.api_key, url=emulator.url, gate=gate, retry=RetryPolicy(total_timeout=7)) as client:
        with pytest.raises(RateLimited) as caught:
            await client.clusters.deploy(ClusterSpec(image_name="a", gpu_type_id="NVIDIA GeForce RTX 4090"))
    assert (caught.value.attempts, caught.value.retry_after) == (0, 7)
    assert emulator.world.requests.total() == 0


async def test_a_failing_gate_fails_the_call_and_sends_nothing(emulator: Emulator):
    """An error of the gate's own comes out as it is, and the client goes on working."""
    gate = Recording(ConnectionRefusedError("no Redis here"))
    async with TensorOne(emulator.api_key, url=emulator.url, gate=gate) as client:
        with pytest.raises(ConnectionRefusedError, match="no Redis here"):
            await client.gpu_types.list()
        assert client.throttle.in_flight == 0
        gate.error = None
        assert await client.gpu_types.list()


async def test_an_answer_that_never_came_is_not_reported(emulator: Emulator):
    """A lost connection says nothing of the limit."""
    gate = Recording()
    emulator.faults.add(Fault("reset"))
    async with TensorOne(emulator.api_key, url=emulator.url, gate=gate) as client:
        assert await client.gpu_types.list()
    assert (len(gate.turns), len(gate.took), gate.told) == (2, 1, [])


def test_what_the_page_shows_works(emulator: Emulator, monkeypatch):
    """The rate and the gate of the page on rate limits take calls, and hold a refusal's pause."""
    page = Path(__file__).parents[3] / "docs" / "rate-limits.md"
    given, gate = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    monkeypatch.setenv("TENSORONE_API_KEY", emulator.api_key)
    monkeypatch.setenv("TENSORONE_API_URL", emulator.url)
    shown: dict[str, Any] = {}
    exec(compile(given, page.name, "exec"), shown)
    assert shown["client"].throttle.requests_per_second == 3.2
    exec(compile(gate, page.name, "exec"), shown)

    async def main():
        emulator.faults.add(Fault("rate_limited", retry_after="0.3"))
        async with shown["client"] as client:
            began = anyio.current_time()
            assert await client.gpu_types.list()
            assert anyio.current_time() - began >= 0.3

    anyio.run(main)


def test_a_gate_without_its_methods_is_refused_at_once():
    """The error names the argument and what is missing."""
    with pytest.raises(InvalidArgument, match=r"gate.*has no turn\(\)"):
        TensorOne("key", gate=object())  # type: ignore[arg-type]


class AfterTheAnswer(Recording):
    """A gate that fails once a request has its answer, in one of the ways there are."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def fail(self, where: str) -> None:
        if self.where == where:
            raise ConnectionError("Redis went away")

    @asynccontextmanager
    async def turn(self, *, mutation: bool, patience: float):
        yield
        self.fail("leaving")

    def refused(self, retry_after: float | None) -> None:
        self.fail("refused")

    def accepted(self, took: float) -> None:
        self.fail("accepted")


@pytest.mark.parametrize("where", ["leaving", "refused", "accepted"])
async def test_a_gate_that_fails_after_an_answer_loses_no_cluster(emulator: Emulator, where):
    """The rented cluster is returned, and the failure is reported once."""
    told: list[Event] = []
    gate = AfterTheAnswer(where)
    emulator.faults.add(Fault("rate_limited", retry_after="0.01", times=2))
    async with TensorOne(emulator.api_key, url=emulator.url, gate=gate, on_event=told.append) as client:
        placed = await client.clusters.deploy(ClusterSpec(image_name="a", gpu_type_id="NVIDIA A40"))
        assert placed.id in emulator.world.clusters
        assert [each.cluster_id for each in client.rented] == [placed.id]
        await client.clusters.terminate(placed.id)
    (failure,) = [event for event in told if isinstance(event, Failure)]
    assert str(failure) == "the gate failed after an answer; what else it raises there is not logged"


class Swallowing(Recording):
    """A gate that hides what ends its block, as `suppress` does."""

    @asynccontextmanager
    async def turn(self, *, mutation: bool, patience: float):
        with suppress(BaseException):
            yield


async def test_a_gate_hides_no_cancellation(emulator: Emulator):
    """A cancelled call ends as cancelled, whatever the gate makes of it."""
    emulator.faults.add(Fault("hang"))
    async with TensorOne(emulator.api_key, url=emulator.url, gate=Swallowing()) as client:
        with anyio.move_on_after(0.1) as scope:
            await client.gpu_types.list()
        assert scope.cancelled_caught


@pytest.mark.parametrize("name", ["turn", "refused", "accepted"])
def test_a_gate_with_a_coroutine_function_is_refused_at_once(name):
    """The error says which method must be plain; nothing would await it."""

    async def method(*_: object, **__: object) -> None: ...

    gate = Recording()
    setattr(gate, name, method)
    with pytest.raises(InvalidArgument, match=rf"gate: {name}\(\) must .*: it is called and not awaited"):
        TensorOne("key", gate=gate)


@pytest.mark.parametrize("rate", [0, -1, math.inf, math.nan, True, "8", 10**400])
def test_a_rate_that_cannot_be_kept_is_refused(rate):
    """The error names the argument."""
    with pytest.raises(InvalidArgument, match="requests_per_second"):
        TensorOne("key", requests_per_second=rate)


@pytest.mark.parametrize("rate", [8, 0.5])
def test_a_rate_that_is_given_holds_from_the_first_request(run_virtually, rate):
    """Nine requests start evenly spaced, without any refusal; the state shows the rate."""

    async def main():
        emulator = Emulator(clock=anyio.current_time)
        settings = {"url": "http://localhost/graphql", "transport": httpx.ASGITransport(emulator.app)}
        async with TensorOne(emulator.api_key, requests_per_second=rate, **settings) as client:
            assert client.throttle.requests_per_second == rate
            outcomes = await fan_out(lambda _: client.gpu_types.list(), range(9), limit=9)
        assert all(outcome.ok for outcome in outcomes)
        assert 7 / rate <= anyio.current_time() <= 8.5 / rate

    run_virtually(main)


def test_a_server_below_the_given_rate_is_learned_all_the_same(run_virtually):
    """The given rate is an upper bound; refusals still slow the client down."""

    async def main():
        emulator = Emulator(clock=anyio.current_time)
        emulator.rate_limit(10)
        settings = {"url": "http://localhost/graphql", "transport": httpx.ASGITransport(emulator.app)}
        async with TensorOne(emulator.api_key, requests_per_second=30, **settings) as client:
            outcomes = await fan_out(lambda _: client.gpu_types.list(), range(200), limit=64)
            assert (client.throttle.requests_per_second or 30) < 15
        assert all(outcome.ok for outcome in outcomes)
        assert emulator.rate_limited <= 10

    run_virtually(main)


class Holding(Recording):
    """A gate that holds back all turns from one refusal until the next."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = anyio.Event()
        self.opened.set()

    @asynccontextmanager
    async def turn(self, *, mutation: bool, patience: float):
        await self.opened.wait()
        yield

    def refused(self, retry_after: float | None) -> None:
        super().refused(retry_after)
        if len(self.told) % 2:
            self.opened = anyio.Event()
        else:
            self.opened.set()


@pytest.mark.parametrize(
    ("fault", "seconds", "text"),
    [
        (Fault("rate_limited", retry_after="0.01"), 0.01, "rate limit: all calls of this client wait 10 ms"),
        (
            Fault("graphql_error", code="THROTTLED"),
            None,
            "rate limit: all calls of this client wait as long as its gate says",
        ),
    ],
)
async def test_a_refusal_behind_a_gate_is_told_once_a_pause(emulator: Emulator, fault, seconds, text):
    """Of two requests refused together the first reports it, before its repeat; so does the next pause."""
    told: list[Event] = []
    async with TensorOne(emulator.api_key, url=emulator.url, gate=Holding(), on_event=told.append) as client:
        for _ in range(2):
            emulator.faults.add(replace(fault, times=2))
            await fan_out(lambda _: client.gpu_types.list(), range(2), limit=2)
    names = [event.NAME for event in told if event.NAME != "progress"]
    assert names[:3] == ["attempt", "paused", "repeat"]
    assert sorted(names) == ["attempt"] * 8 + ["paused"] * 2 + ["repeat"] * 4
    pauses = [event for event in told if isinstance(event, Paused)]
    assert [(event.seconds, str(event)) for event in pauses] == [(seconds, text)] * 2


@pytest.mark.parametrize("gate", [None, Recording])
async def test_reads_that_share_a_request_have_its_attempts_and_its_repeats_told(emulator: Emulator, gate):
    """Behind a gate or not, each request is one attempt, counted on, under the name of the call that was made."""
    told: list[Event] = []
    settings = {"retry": RetryPolicy(wait_initial=0.01), "gate": gate and gate()}
    async with TensorOne(emulator.api_key, url=emulator.url, on_event=told.append, **settings) as client:
        ids = [cluster.id for cluster in await client.clusters.list()]
        told.clear()
        emulator.faults.add(Fault("bad_gateway", times=2, operation="GetClusters"))
        outcomes = await fan_out(client.clusters.get, ids * 8, limit=len(ids) * 8)
        assert all(outcome.ok for outcome in outcomes)
    attempts = [event for event in told if isinstance(event, Attempted)]
    assert {event.call for event in attempts} == {"clusters.get"}
    shared = [event for event in attempts if event.operation == "GetClusters"]
    assert [(event.attempt, event.status_code) for event in shared][:3] == [(1, 502), (2, 502), (3, 200)]
    repeats = [event for event in told if isinstance(event, Repeating)]
    assert [(event.call, event.operation, event.attempt) for event in repeats] == [
        ("clusters.get", "GetClusters", 2),
        ("clusters.get", "GetClusters", 3),
    ]
