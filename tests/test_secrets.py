"""The key and environment values appear in nothing that can be observed."""

from __future__ import annotations

import gc
import io
import logging
import math
import os
import pathlib
import pickle
import shutil
import tempfile
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
from pydantic import TypeAdapter, ValidationError
from rich.traceback import Traceback
from telemetry import recording
from tensorone_graphql.save_template import SAVE_TEMPLATE
from wires import Behaviour, graphql, http, refusal, scripted

from tensorone import (
    BidPolicy,
    Cluster,
    ClusterSpec,
    InvalidArgument,
    OperationUnsupported,
    QueryError,
    RetryPolicy,
    TemplateSpec,
    TensorOne,
    TensorOneError,
    fan_out,
)
from tensorone._data.hidden import HiddenBytes, HiddenText
from tensorone._generated import EnvironmentVariableInput, SaveTemplateInput
from tensorone._redaction import ENVIRON, Redactor, env_values
from tensorone.emulator import Emulator, Fault

if TYPE_CHECKING:
    from anyio.abc import SocketStream

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
                self.texts += locals_shown(thing)
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
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        if error.__context__ is not error.__cause__:
            yield from chain(error.__context__)


# pydantic keeps what a refused input was given.
THEIRS = (f"{pathlib.Path(__file__).parent}{os.sep}", f"{os.sep}pydantic{os.sep}")


def is_shown(filename: str) -> bool:
    """Whether a frame must not show a secret: all but those of the tests, and of pydantic."""
    return not any(each in filename for each in THEIRS)


def locals_shown(error: BaseException, *, drawn: bool = False) -> list[str]:
    """The locals of frames, as the standard library shows them, and as rich does if `drawn`, which is slow."""
    shown = []
    for link in chain(error):
        captured = traceback.TracebackException.from_exception(link, capture_locals=True)
        shown += [f"{frame}: {frame.locals}" for frame in captured.stack if is_shown(frame.filename)]
        shown += rich_locals(link) if drawn else []
        shown += [text for each in getattr(link, "exceptions", ()) for text in locals_shown(each, drawn=drawn)]
    return shown


def rich_locals(error: BaseException) -> list[str]:
    """The same of one error, as rich and typer show them; they cut what is long, and look into containers."""
    drawn = Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True)
    frames = [each for stack in drawn.trace.stacks for each in stack.frames if is_shown(each.filename)]
    return [f"{each.filename}: {name}={node}" for each in frames for name, node in (each.locals or {}).items()]


def broken_off(answer: bytes) -> Behaviour:
    """A server that closes the connection within a body."""

    async def send(stream: SocketStream) -> None:
        await stream.send(answer.replace(b"content-length: ", b"content-length: 9"))
        await stream.aclose()

    return send


def answers(key: str, words: str) -> list[Behaviour]:
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
        http(200, f"<html>{quote(words)} {quote(words, safe='')}"),
        graphql({"cluster": {"id": 7, "env": {"PASSWORD": VALUE, "LATER": VALUE + "}"}}}),
        broken_off(graphql({"myself": {"clusters": [listed]}, "key": key})),
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


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: EnvironmentVariableInput(key="A", value=["correct-horse"]), "valid string"),
        (lambda: SaveTemplateInput(env=[{"key": "A", "value": "correct-horse", "more": 1}]), "not permitted"),
        (lambda: SaveTemplateInput(env=[{"key": {}, "value": "correct-horse"}], nam="x"), "valid string"),
        (lambda: SaveTemplateInput(env=[{"value": "correct-horse"}]), "required"),
        (lambda: TypeAdapter(ClusterSpec).validate_python({"image_name": "", "env": {"A": "correct-horse"}}), "empty"),
    ],
)
def test_errors_of_pydantic_hold_no_input(make, words):
    """What is given to an input or a spec is not in `.errors()`, which reporters of errors send along."""
    with pytest.raises(ValidationError, match=words) as caught:
        make()
    assert "correct-horse" not in f"{caught.value.errors()} {caught.value.json()}"
    assert any(words in each["msg"] for each in caught.value.errors())


HOLDING = {
    "image_name": "i",
    "gpu_type_id": "NVIDIA A40",
    "env": {"PASSWORD": VALUE},
    "further": {"registryAuth": VALUE},
}
TEMPLATE = {"name": "t", "image_name": "i", "container_disk_in_gb": 5, "env": {"PASSWORD": VALUE}}


def from_profiles(text: str) -> object:
    """A client of a profiles file."""
    path = pathlib.Path(tempfile.mkdtemp(), "profiles.toml")
    path.write_text(text)
    path.chmod(0o600)
    try:
        return TensorOne.from_profile("a", path=path)
    finally:
        shutil.rmtree(path.parent)


def referring() -> None:
    """A rental whose variable cannot be sent."""
    spec = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40", env={"A": VALUE}, env_from={"PASSWORD": "SURROGATE"})

    async def deploy() -> None:
        async with TensorOne(KEY, url="http://127.0.0.1:1/") as client:
            await client.clusters.deploy(spec)

    anyio.run(deploy)


REFUSED = {
    "a key with blanks": lambda: TensorOne(f"{KEY} "),
    "a key for no header": lambda: TensorOne(f"{KEY}\u20ac", auth="header"),
    "a url with a password": lambda: TensorOne(KEY, url=f"https://me:{KEY}@host/"),
    "a proxy with a password": lambda: TensorOne(KEY, url="https://host/"),
    "a url with the key": lambda: TensorOne(url=f"https://host/?api_key={KEY}"),
    "a number": lambda: TensorOne(KEY, timeout=-1),
    "a variable": lambda: TensorOne(auth="other"),  # type: ignore[arg-type]  # what is refused
    "a profile with a mistake": lambda: from_profiles(f'[a]\napi_key = "{KEY}"\nkey = "{KEY}"'),
    "a profile of another form": lambda: from_profiles(f'[a]\napi_key = ["{KEY}"]'),
    "a profile that is no TOML": lambda: from_profiles(f'[a]\napi_key = "{KEY}" "'),
    "a profile with a bad url": lambda: from_profiles(f'[a]\napi_key = "{KEY}"\nurl = "ftp://x"'),
    "a profile that prints a bad key": lambda: from_profiles('[a]\nkey_command = "printenv BAD_KEY"'),
    "a number for a text": lambda: ClusterSpec(**HOLDING | {"env": {"A": VALUE, "B": 7}}),
    "a secret that is a number": lambda: ClusterSpec(**HOLDING | {"env": {"A": [VALUE]}}),
    "a value with half a pair": lambda: ClusterSpec(**HOLDING | {"env": {"A": f"{VALUE}\ud800"}}),
    "a name with a value": lambda: ClusterSpec(**HOLDING | {"env": {f"A={VALUE}": ""}}),
    "no mapping": lambda: ClusterSpec(**HOLDING | {"env": [VALUE]}),
    "an empty image": lambda: ClusterSpec(**HOLDING | {"image_name": ""}),
    "a count": lambda: ClusterSpec(**HOLDING | {"gpu_count": -1}),
    "a misspelt field": lambda: ClusterSpec(**HOLDING | {"gpu_cont": 1}),
    "no image": lambda: ClusterSpec(env={"A": VALUE}),  # type: ignore[call-arg]  # what is refused
    "a field twice": lambda: ClusterSpec(**HOLDING | {"further": {"imageName": "i", "secret": VALUE}}),
    "a further field that is no number": lambda: ClusterSpec(**HOLDING | {"further": {"a": VALUE, "b": math.nan}}),
    "a template": lambda: TemplateSpec(**TEMPLATE | {"container_disk_in_gb": 0}),
    "a template with a word too much": lambda: TemplateSpec(**TEMPLATE | {"imagename": 0}),
    "a spec that is pickled": lambda: pickle.dumps(ClusterSpec(**HOLDING)),
    "a spec that is read": lambda: TypeAdapter(ClusterSpec).validate_python(HOLDING | {"gpu_count": -1}),
    "a variable of this process": referring,
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_in_no_traceback(what, monkeypatch):
    """Arguments that are refused show neither a key nor a value, in words or among the locals of our frames."""
    monkeypatch.setenv("TENSORONE_API_KEY", KEY)
    monkeypatch.setenv("https_proxy", f"ftp://me:{quote(VALUE)}@host:1")
    monkeypatch.setenv("BAD_KEY", f"{KEY}\a")
    monkeypatch.setenv("SURROGATE", f"{VALUE}\udcff")
    with Observed() as observed:
        with pytest.raises((ValueError, TypeError, TensorOneError)) as caught:
            REFUSED[what]()
        observed.see(caught.value)
        observed.texts += locals_shown(caught.value, drawn=True)
    assert observed.leaks() == []


async def test_an_argument_that_cannot_be_sent_shows_no_other(emulator: Emulator):
    """An error about one input of a user's own shows none of the others."""
    env = [EnvironmentVariableInput(key="PASSWORD", value=VALUE)]
    with Observed() as observed:
        for arguments in ("literals", "variables"):
            async with TensorOne(emulator.api_key, url=emulator.url, arguments=arguments) as client:
                for wrong in (math.nan, object(), {7: "x"}, "\ud800"):
                    with pytest.raises(InvalidArgument) as caught:
                        await client.execute(SAVE_TEMPLATE, {"input": {"env": env, "name": wrong}})
                    observed.see(caught.value)
    assert observed.leaks() == []


async def test_what_loops_raise_shows_no_values(emulator: Emulator):
    """Deadlines, cancellations and groups of failures of searches and fan-outs."""
    spec = ClusterSpec(
        image_name="i", gpu_type_id="NVIDIA A40", env={"PASSWORD": VALUE}, further={"dataCenterId": VALUE}
    )
    bidding = BidPolicy(ceiling=0.5)
    with Observed() as observed:
        given = {"settle_time": 0.01, "timeout": 0.2, "retry": RetryPolicy(attempts=1)}
        async with TensorOne(emulator.api_key, url=emulator.url, **given) as client:
            for kind in ("internal_error", "garbage", "null"):
                emulator.faults.add(Fault(kind, times=None))
                (one,) = await fan_out(client.clusters.deploy, [SPEC])
                observed.see(one.error)
                for call in (
                    lambda: client.spot.acquire(spec, bidding=bidding, timeout=0.2, every=0.1),
                    lambda: client.spot.recover("abc", spec, bidding=bidding, timeout=0.2),
                    lambda: client.clusters.deploy(spec, client_token="t"),
                ):
                    with pytest.raises(TensorOneError) as caught:
                        await call()
                    observed.see(caught.value)
                    observed.texts += locals_shown(caught.value, drawn=True)
                emulator.faults.clear()
            emulator.faults.add(Fault("delay", seconds=9, times=None))
            with pytest.raises(TimeoutError) as late:
                with anyio.fail_after(0.05):
                    await client.clusters.deploy(spec)
            observed.see(late.value)
    assert observed.leaks() == []


@pytest.mark.parametrize("arguments", ["literals", "variables"])
async def test_a_refusal_that_repeats_further_fields(emulator: Emulator, arguments: str):
    """Servers repeat the variables they refuse; the error has no value of them, and names the field."""
    spec = ClusterSpec(
        image_name="i", gpu_type_id="NVIDIA A40", further={"auth": {"of": ["x", VALUE]}, "registry": VALUE}
    )
    with Observed() as observed:
        async with TensorOne(emulator.api_key, url=emulator.url, arguments=arguments) as client:
            with pytest.raises(OperationUnsupported) as caught:
                await client.clusters.deploy(spec)
            observed.see(caught.value)
            assert caught.value.unsupported in spec.further
            emulator.faults.add(Fault("graphql_error", message=f"registry says no to {VALUE!r}", path=False))
            with pytest.raises(QueryError, match=r"says no to '\*\*\*'") as refused:
                await client.clusters.deploy(spec)
            observed.see(refused.value)
    assert observed.leaks() == []


def test_what_is_hidden_stays_hidden_when_it_is_cut():
    """A tool that shows the beginning of a long value shows nothing of it; the value is what it was."""
    key, body = HiddenText(VALUE * 9), HiddenBytes(VALUE.encode() * 9)
    assert VALUE not in f"{key!r} {key[:80]!r} {body!r} {body[:80]!r}"
    assert (str(key), f"{key[:4]}", bytes(body), body[0]) == (VALUE * 9, VALUE[:4], VALUE.encode() * 9, ord(VALUE[0]))


def test_the_environment_shows_no_value(monkeypatch):
    """It is that of this process, as it is now."""
    monkeypatch.setenv("PASSWORD", VALUE)
    assert (dict(ENVIRON), len(ENVIRON), repr(ENVIRON)) == (dict(os.environ), len(os.environ), "os.environ")
