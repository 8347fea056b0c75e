"""The key and environment values appear in nothing that can be observed."""

from __future__ import annotations

import gc
import io
import logging
import os
import pickle
import traceback
import warnings
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from pydantic import ValidationError
from telemetry import recording
from wires import graphql, http, refusal, scripted

from tensorone import Cluster, ClusterSpec, RetryPolicy, TensorOne, TensorOneError, fan_out
from tensorone._generated import EnvironmentVariableInput
from tensorone._redaction import Redactor, env_values
from tensorone.emulator import Emulator, Fault

if TYPE_CHECKING:
    from tensorone.events import Event


@pytest.fixture(params=["httpx", "aiohttp"], autouse=True)
def over(request, monkeypatch):
    """Runs each test over both transports; on trio only httpx's own is used."""
    monkeypatch.setenv("TENSORONE_HTTP", "auto" if request.param == "aiohttp" else "httpx")


KEY = "tpo_live_k&y/with?odd+chars=%41 ü"
VALUE = 'hunter2"\\ and more'
SECRETS = [KEY, "tpo_live_k", VALUE, "hunter2"]
SPEC = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40", env={"PASSWORD": VALUE})


class WithFields(logging.Formatter):
    """Shows the whole record, with the fields that the SDK adds."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{super().format(record)} {vars(record)}"


class Observed:
    """Everything that a program, its logs and its traces show while the block runs."""

    def __init__(self) -> None:
        self.log = io.StringIO()
        self.texts: list[str] = []
        self.events: list[Event] = []
        self._recording = recording()

    def __enter__(self) -> Self:
        self.recorded = self._recording.__enter__()
        self._handler = logging.StreamHandler(self.log)
        self._handler.setFormatter(WithFields())
        self._levels = {name: logging.getLogger(name).level for name in ("", "httpx", "httpcore", "tensorone")}
        for name in self._levels:
            logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger().addHandler(self._handler)
        HTTPXClientInstrumentor().instrument(tracer_provider=trace.get_tracer_provider())
        self._caught = warnings.catch_warnings(record=True)
        self._warned = self._caught.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._caught.__exit__(*error)
        HTTPXClientInstrumentor().uninstrument()
        logging.getLogger().removeHandler(self._handler)
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)
        self.texts += [f"{name} {point}" for name, points in self.recorded.points.items() for point in points]
        self._recording.__exit__(*error)

    def on_event(self, event: Event) -> None:
        """Sees an event of a client in every usual way."""
        self.events.append(event)
        self.see(event, event.attributes, pickle.dumps(event))

    def see(self, *things: object) -> None:
        """Shows an object in every usual way."""
        for thing in things:
            self.texts += [repr(thing), str(thing)]
            if isinstance(thing, BaseException):
                self.texts += ["".join(traceback.format_exception(thing)), repr(vars(thing)), repr(pickle.dumps(thing))]
                requests = [getattr(link, "_request", None) for link in chain(thing)]
                self.texts += [f"{request.url!r} {request.url} {request.headers}" for request in requests if request]

    def leaks(self) -> list[str]:
        """Every visible secret, with its surroundings."""
        spans = "".join(span.to_json() for span in self.recorded.spans)
        everything = "\n".join(
            [self.log.getvalue(), spans, *self.texts, *(str(entry.message) for entry in self._warned)]
        )
        return [everything[max(0, at - 80) :][:200] for each in SECRETS if (at := everything.find(each)) >= 0]


def chain(error: BaseException | None):
    """An error and its chain of causes."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def answers(key: str, words: str) -> list[bytes]:
    """A server that repeats the key, and words of the request, wherever it can."""
    env = {"env": [{"key": "PASSWORD", "value": VALUE}], "list": [words]}
    echo = refusal(f"no: {key} {words}", "RUNPOD", received=env)
    listed = {"id": 7, "env": [f"PASSWORD={VALUE}"]}
    return [
        graphql(None, echo),
        graphql({"myself": {"clusters": [listed]}}, echo),
        graphql({"myself": {"clusters": [listed]}}),
        graphql(None, {**echo, "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}, status=400),
        http(200, f"<html>{key} {words}</html>"),
        http(302, "", location=f"https://elsewhere.example/?api_key={quote(key)}&x=1"),
        http(401, key.encode()),
        http(429, key.encode(), retry_after="100"),
        http(500, key.encode()),
    ]


RENTALS = [
    lambda client: client.clusters.deploy(SPEC),
    lambda client: client.spot.rent(SPEC, bid_per_gpu=0.5),
]
OTHERS = [
    lambda client: client.clusters.list(),
    lambda client: client.clusters.get("abc"),
    lambda client: client.clusters.stop("abc"),
]


@pytest.mark.parametrize("auth", ["query", "header"])
@pytest.mark.parametrize("given", [False, True], ids=["own transport", "given transport"])
async def test_nothing_leaks(auth, given):
    """Logs at DEBUG, errors with their chains, reprs, pickles, warnings and spans are searched after every failure."""
    key = KEY if auth == "query" else KEY.replace("ü", "u")
    transport = httpx.AsyncHTTPTransport() if given else None
    settings = {"auth": auth, "transport": transport, "settle_time": 0, "retry": RetryPolicy(attempts=1)}
    cases = [(call, answer) for call in RENTALS for answer in answers(key, VALUE)]
    cases += [(call, answer) for call in OTHERS for answer in answers(key, "none")]
    with Observed() as observed:
        settings["on_event"] = observed.on_event
        for call, answer in cases:
            async with scripted(answer) as server, TensorOne(key, url=server.url, **settings) as client:
                with pytest.raises(TensorOneError) as caught:
                    await call(client)
                observed.see(caught.value, client, client.throttle, SPEC, *gc.get_referents(client))
        async with TensorOne(key, url="http://127.0.0.1:1/", **settings) as client:
            with pytest.raises(TensorOneError) as caught:
                await client.clusters.deploy(SPEC)
            observed.see(caught.value)
        if os.environ["TENSORONE_HTTP"] == "httpx":
            assert "send_request_headers.started" in observed.log.getvalue()
            assert len([span for span in observed.recorded.spans if span.name == "POST"]) >= len(cases)
        assert {event.NAME for event in observed.events} >= {"attempt", "lost", "paused", "unknown"}
        assert len([span for span in observed.recorded.spans if "Cluster" in span.name]) >= len(cases)
    if transport:
        await transport.aclose()
    assert observed.leaks() == []


async def test_what_was_rented_shows_no_values(emulator: Emulator):
    """Models, inputs and outcomes hide environment values in their reprs and still have the values."""
    with Observed() as observed:
        given = {"settle_time": 1, "timeout": 0.5, "on_event": observed.on_event}
        async with TensorOne(emulator.api_key, url=emulator.url, **given) as client:
            placed = await client.clusters.deploy(SPEC)
            assert f"PASSWORD={VALUE}" in (placed.env or [])
            emulator.faults.add(Fault("hang"), Fault("data_with_errors"))
            for call in RENTALS:
                try:
                    observed.see(await call(client))
                except TensorOneError as error:
                    observed.see(error)
            observed.see(placed, await client.clusters.list(), await client.clusters.get(placed.id))
            emulator.faults.add(Fault("server_error", operation="DeployCluster", commit=True))
            await client.clusters.deploy(SPEC)
            emulator.faults.add(Fault("hang", operation="DeployCluster", commit=True))
            with anyio.move_on_after(0.2):
                await client.clusters.deploy(SPEC)
            await fan_out(client.clusters.terminate, [placed.id])
    names = {event.NAME for event in observed.events}
    assert names >= {"attempt", "rented", "lost", "adopted", "cleaning", "cleaned", "progress", "ended"}
    assert observed.leaks() == []


@pytest.mark.parametrize("leak", [lambda: logging.getLogger("x").debug("key %s", KEY), lambda: {"key": KEY}])
def test_the_search_finds_a_planted_leak(leak):
    """The search finds a planted leak, so that its silence means something."""
    with Observed() as observed:
        observed.see(leak())
    assert observed.leaks()


async def test_a_client_on_httpx_itself_would_leak():
    """As a control, the same request through httpx shows the key in log and span."""
    with Observed() as observed:
        async with scripted(http(200, "{}")) as server, httpx.AsyncClient() as client:
            await client.post(server.url, params={"api_key": KEY})
    assert observed.leaks()


@given(st.lists(st.text(min_size=4), min_size=1), st.text(), st.text())
def test_redaction_takes_out_every_form(values, before, after):
    """A value is removed whatever surrounds it, also in its forms inside JSON and Python strings."""
    redact = Redactor(values)
    for value in values:
        assert value not in redact.text(before + value + after).replace("***", "")


def test_environments_are_found_wherever_they_stand():
    """Environment values are found in lists of inputs, in mappings and in single strings."""
    variables = [{"env": [{"key": "A", "value": "one"}]}, {"input": {"env": {"B": "two"}}}, {"env": "three"}, {"x": 1}]
    assert list(env_values(variables)) == ["one", "two", "three"]


def test_short_values_stay():
    """A value of fewer than four characters is part of too many other words."""
    assert Redactor(["1", "on"]).text("1 on") == "1 on"
    assert Redactor(["on"]).tree({"a": [1, None, {"env": None}, {"env": 5}, {"env": [7]}]}) == {
        "a": [1, None, {"env": None}, {"env": "***"}, {"env": ["***"]}]
    }


@pytest.mark.parametrize(
    "make",
    [
        lambda: Cluster.model_validate({"id": 1, "env": [["PASSWORD", "correct-horse"]]}),
        lambda: EnvironmentVariableInput(key="PASSWORD", value=["correct-horse"]),
    ],
)
def test_what_pydantic_refuses_shows_no_value(make):
    """The words of a `ValidationError` of a result or an input name the field, and hold nothing that was in it."""
    with pytest.raises(ValidationError) as caught:
        make()
    assert "correct-horse" not in str(caught.value)
    assert "correct-horse" not in repr(caught.value)
