"""Spans and metrics: one span per operation, one per call of several, and nothing where OpenTelemetry is off."""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import anyio
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from telemetry import exporting, fresh, recording

import tensorone
from tensorone import BidPolicy, ClusterNotFound, ClusterSpec, OutcomeUnknown, RetryPolicy, fan_out
from tensorone._events.telemetry import telemetry
from tensorone.emulator import Fault

SPEC = ClusterSpec(image_name="tensorone/pytorch", gpu_type_id="NVIDIA A40")
EXAMPLE = Path(__file__).parents[3] / "examples" / "trace.py"


@pytest.fixture
def recorded():
    """What OpenTelemetry exports during the test."""
    with recording() as found:
        yield found


async def test_an_operation_is_one_client_span_whatever_its_repeats(recorded, open_client, emulator):
    """Repeats are events of the operation's span, which says how many there were and what the last answer was."""
    emulator.faults.add(Fault("bad_gateway", operation="ListClusters"))
    async with open_client(emulator.url, retry=RetryPolicy(wait_initial=0.01)) as client:
        await client.clusters.list()
    span = recorded.span("query ListClusters")
    host, _, port = emulator.url.removeprefix("http://").removesuffix("/graphql").rpartition(":")
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    about = dict(span.attributes)
    assert about.pop("tensorone.queue.seconds") >= 0
    assert 0 <= about.pop("tensorone.pause.seconds") <= 0.02
    assert about.pop("tensorone.request_id").startswith("emulator-")
    assert about == {
        "graphql.operation.name": "ListClusters",
        "graphql.operation.type": "query",
        "tensorone.call": "clusters.list",
        "tensorone.outcome": "ok",
        "server.address": host,
        "server.port": int(port),
        "http.response.status_code": 200,
        "http.request.resend_count": 1,
    }
    (repeat,) = span.events
    assert repeat.name == "tensorone.repeat"
    assert repeat.attributes["http.response.status_code"] == 502


async def test_a_processor_that_raises_costs_no_cluster(recorded, open_client, emulator, caplog):
    """What a program's own part of OpenTelemetry raises is logged once; the deployment has its cluster."""

    class Broken(SpanProcessor):
        def on_start(self, span, parent_context=None):
            raise RuntimeError("at its start")

        def on_end(self, span):
            raise RuntimeError("at its end")

    trace.get_tracer_provider().add_span_processor(Broken())
    async with open_client(emulator.url) as client:
        placed = await client.clusters.deploy(SPEC)
        assert await client.clusters.get(placed.id)
        assert [each.cluster_id for each in client.rented] == [placed.id]
    assert caplog.text.count("OpenTelemetry failed") == 1
    assert "RuntimeError: at its start" in caplog.text


async def test_a_cluster_that_is_not_there_is_no_error_and_an_unknown_outcome_is(recorded, open_client, emulator):
    """`OutcomeUnknown` marks its spans as failed; a question that is answered with no does not."""
    emulator.faults.add(Fault("close", operation="DeployCluster"))
    async with open_client(emulator.url) as client:
        with pytest.raises(ClusterNotFound):
            await client.clusters.get("gone")
        with pytest.raises(OutcomeUnknown):
            await client.clusters.deploy(SPEC)
        with anyio.move_on_after(0):
            await client.clusters.list()
    assert recorded.span("query GetCluster").status.status_code is StatusCode.UNSET
    for name in ("mutation DeployCluster", "clusters.deploy"):
        span = recorded.span(name)
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "OutcomeUnknown")
        assert span.attributes["error.type"] == "OutcomeUnknown"
        assert span.attributes["tensorone.outcome"] == "unknown"
    assert [span.attributes["tensorone.outcome"] for span in recorded.spans if "ListClusters" in span.name] == [
        "ok",  # the search for the token
        "cancelled",
    ]


async def test_calls_of_several_operations_are_spans_that_hold_them(recorded, client, emulator):
    """A fan-out, a search, waits and rounds of a fleet are spans; the operations below them are their children."""
    emulator.world.set_minimum_bid("NVIDIA A40", "0.2")
    bidding = BidPolicy(ceiling=0.3)
    rental = await client.spot.acquire(SPEC, bidding=bidding, timeout=10)
    await client.clusters.wait_until_running(rental.cluster.id, timeout=10, every=0.05)
    outcomes = await fan_out(client.clusters.stop, [rental.cluster.id, "gone"])
    assert [outcome.ok for outcome in outcomes] == [True, False]
    specs = {rental.cluster.id: rental.spec}
    async with client.spot.keep_running(specs, bidding=bidding, every=0.05, strategy="in_place") as events:
        async for event in events:
            if isinstance(event, tensorone.Recovered):
                break
    names = {span.context.span_id: span.name for span in recorded.spans}
    below = {(names.get(span.parent.span_id if span.parent else 0), span.name) for span in recorded.spans}
    assert below >= {
        (None, "spot.acquire"),
        ("spot.acquire", "mutation RentSpotCluster"),
        (None, "clusters.wait_until_running"),
        (None, "fan_out"),
        ("fan_out", "mutation StopCluster"),
        (None, "spot.keep_running.round"),
        ("spot.keep_running.round", "mutation ResumeSpotCluster"),
    }
    fan = recorded.span("fan_out").attributes
    assert (fan["tensorone.items"], fan["tensorone.failed"]) == (2, 1)
    assert recorded.span("spot.acquire").attributes["tensorone.cluster.id"] == rental.cluster.id


async def test_metrics_count_attempts_and_what_is_spent_and_name_no_cluster(recorded, open_client, emulator):
    """Durations, attempts, queueing, requests in flight and spending are measured, by attributes of few values."""
    emulator.faults.add(Fault("bad_gateway", operation="ListClusters"))
    async with open_client(emulator.url, retry=RetryPolicy(wait_initial=0.01)) as client:
        await client.spot.rent(SPEC, bid_per_gpu=0.39)
        await client.clusters.list()
        points = recorded.points
    assert points.keys() == {
        "tensorone.client.operation.duration",
        "tensorone.client.attempts",
        "tensorone.client.queue.duration",
        "tensorone.client.in_flight",
        "tensorone.client.usd_per_hour",
    }
    attempts = {
        (point.attributes["tensorone.call"], point.attributes["tensorone.outcome"]): point.value
        for point in points["tensorone.client.attempts"]
    }
    assert attempts == {("spot.rent", "ok"): 1, ("clusters.list", "refused"): 1, ("clusters.list", "ok"): 1}
    assert sum(point.count for point in points["tensorone.client.operation.duration"]) == 2
    assert [point.value for point in points["tensorone.client.in_flight"]] == [0]
    assert [point.value for point in points["tensorone.client.usd_per_hour"]] == [0.39]
    named = {key for found in points.values() for point in found for key in point.attributes}
    assert named <= {
        *("graphql.operation.name", "graphql.operation.type", "server.address", "server.port", "error.type"),
        *("http.response.status_code", "tensorone.call", "tensorone.outcome"),
    }


async def test_an_sdk_may_be_set_up_after_the_client(open_client, emulator):
    """A client made before the program set up its exporters is traced from then on, and not before."""
    with fresh():
        async with open_client(emulator.url) as client:
            await client.clusters.list()
            with exporting() as found:
                await client.clusters.list()
    assert [span.name for span in found.spans] == ["query ListClusters"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "redis, tensorone"),
        ("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "*"),
        ("OTEL_SDK_DISABLED", "True"),
    ],
)
async def test_its_own_switches_turn_it_off(recorded, open_client, emulator, monkeypatch, variable, value):
    """With either of OpenTelemetry's switches no span is made."""
    monkeypatch.setenv(variable, value)
    async with open_client(emulator.url) as client:
        await client.clusters.list()
        await fan_out(client.clusters.get, ["gone"])
    assert recorded.spans == ()


def test_without_the_package_nothing_is_told(monkeypatch):
    """Where OpenTelemetry is not installed there is none, and no error."""
    with fresh():
        monkeypatch.setitem(sys.modules, "opentelemetry", None)
        assert telemetry() is None
    with fresh():
        monkeypatch.undo()
        assert telemetry() is not None


@pytest.mark.parametrize("variable", ["OTEL_SDK_DISABLED=true", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=tensorone"])
def test_it_is_not_imported_where_it_is_off(variable):
    """Neither the import of the package nor a client nor its first call imports OpenTelemetry then."""
    name, _, value = variable.partition("=")
    code = (
        "import os, sys, anyio\n"
        f"os.environ[{name!r}] = {value!r}\n"
        "import tensorone\n"
        "async def main():\n"
        "    async with tensorone.TensorOne('k', url='http://127.0.0.1:1/') as client:\n"
        "        await tensorone.fan_out(client.clusters.stop, ['a'])\n"
        "anyio.run(main)\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_example_explains_a_lost_answer(capsys):
    """The example prints the attempt, the loss, the search and the adoption, below one span of the call."""
    spec = spec_from_file_location("trace_example", EXAMPLE)
    example = module_from_spec(spec)
    spec.loader.exec_module(example)
    with fresh():
        example.main()
    shown = [(line[: len(line) - len(line.lstrip())], *line.split()) for line in capsys.readouterr().out.splitlines()]
    assert [(indent, " ".join(word for word in words if not word.isdigit())) for indent, *words in shown] == [
        ("", "clusters.deploy ms adopted"),
        ("  ", "mutation DeployCluster ms unknown"),
        ("  ", "+ tensorone.lost"),
        ("  ", "query ListClusters ms ok"),
        ("  ", "+ tensorone.adopted"),
    ]


@pytest.mark.parametrize("times", [1, 2])
async def test_a_request_that_reads_share_is_one_span_with_its_repeats(recorded, open_client, emulator, times):
    """Its span says which operation it was, and by `error.type` that it failed in the end, though each read raises."""
    async with open_client(emulator.url, retry=RetryPolicy(attempts=2, wait_initial=0.01)) as client:
        ids = [cluster.id for cluster in await client.clusters.list()]
        emulator.faults.add(Fault("bad_gateway", times=times, operation="GetClusters"))
        await fan_out(client.clusters.get, ids * 8, limit=len(ids) * 8)
    spans = [span for span in recorded.spans if span.attributes.get("graphql.operation.name") == "GetClusters"]
    assert [event.name for event in spans[0].events] == ["tensorone.repeat"]
    about = spans[0].attributes
    failed = times == 2
    assert about["tensorone.call"] == "clusters.get"
    assert about["http.request.resend_count"] == 1
    assert about["tensorone.outcome"] == ("refused" if failed else "ok")
    assert about.get("error.type") == ("UnexpectedResponse" if failed else None)
    assert spans[0].status.status_code is (StatusCode.ERROR if failed else StatusCode.UNSET)
