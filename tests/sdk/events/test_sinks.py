"""The log and the hook: the same events, in the order in which they happen, and none where nobody listens."""

import logging
import pickle
import sys
from dataclasses import FrozenInstanceError
from decimal import Decimal

import anyio
import httpx
import pytest

import tensorone
from tensorone import (
    BidPolicy,
    BudgetReached,
    ClusterSpec,
    ConfigurationError,
    GaveUp,
    InvalidArgument,
    Moved,
    Preempted,
    Recovered,
    RetryPolicy,
    StatusUnknown,
    fan_out,
)
from tensorone._events import log
from tensorone._events.emitter import emit_everywhere
from tensorone._events.event import seconds, short
from tensorone._events.rentals import Duplicate, Ended, Rented
from tensorone._fleet.words import words
from tensorone.emulator import Fault
from tensorone.events import Attempted, Event, Failure, Repeating

SPEC = ClusterSpec(image_name="tensorone/pytorch", gpu_type_id="NVIDIA A40", env={"PASSWORD": "hunter2"})


@pytest.fixture
def logged(caplog):
    """The records of the SDK's logger, from DEBUG on."""
    caplog.set_level(logging.DEBUG, "tensorone")
    return lambda: [record for record in caplog.records if record.name == "tensorone"]


def called(function):
    """A plain function that calls an async one, and leaves it at that."""

    def call(*about):
        return function(*about)

    return call


async def test_the_log_and_the_hook_tell_the_same_in_the_same_order(open_client, emulator, logged):
    """Each event is one record with its text, and with its attributes as fields under the same keys."""
    told: list[Event] = []
    emulator.faults.add(Fault("bad_gateway", operation="ListClusters"))
    retry = RetryPolicy(wait_initial=0.01)
    async with open_client(emulator.url, retry=retry, on_event=told.append) as client:
        placed = await client.clusters.deploy(SPEC)
        await client.clusters.list()
        await client.clusters.terminate(placed.id)
    assert [event.NAME for event in told] == ["attempt", "rented", "attempt", "repeat", "attempt", "attempt", "ended"]
    records = logged()
    assert [record.getMessage() for record in records] == [str(event) for event in told]
    for record, event in zip(records, told, strict=True):
        fields = vars(record)
        assert fields["tensorone.event"] == event.NAME
        assert fields["server.address"] == "127.0.0.1"
        assert event.attributes.items() <= fields.items()
        assert record.levelno == event.LEVEL
        assert pickle.loads(pickle.dumps(event)) == event
    rented = told[1]
    assert isinstance(rented, Rented)
    assert rented.attributes == {
        "tensorone.call": "clusters.deploy",
        "tensorone.cluster.id": placed.id,
        "tensorone.client_token": rented.client_token,
        "tensorone.gpu.type": "NVIDIA A40",
        "tensorone.kind": "on_demand",
        "tensorone.outcome": "ok",
    }
    with pytest.raises(FrozenInstanceError):
        rented.cluster_id = "another"


async def test_texts_of_requests_name_the_call_and_what_came_of_it(open_client, emulator, logged):
    """An attempt shows its answer, time and queue; a repeat why, when, and how many there may be."""
    emulator.faults.add(Fault("rate_limited", operation="ListClusters", retry_after=0), Fault("reset"))
    told: list[Event] = []
    retry = RetryPolicy(wait_initial=0.01, attempts=4)
    async with open_client(emulator.url, retry=retry, on_event=told.append) as client:
        await client.clusters.list()
    attempts = [event for event in told if isinstance(event, Attempted)]
    assert [(each.attempt, each.outcome, each.status_code) for each in attempts] == [
        (1, "refused", 429),
        (2, "lost", None),
        (3, "ok", 200),
    ]
    assert str(attempts[0]).startswith("clusters.list: 429, RateLimited, in ")
    assert "no readable answer, ConnectionFailed, in " in str(attempts[1])
    assert "(attempt 3, queued " in str(attempts[2])
    assert attempts[2].attributes["http.request.resend_count"] == 2
    repeats = [event for event in told if isinstance(event, Repeating)]
    assert "HTTP 429, Too Many Requests; again " in str(repeats[0])
    assert str(repeats[1]).endswith("(attempt 3 of 4)")


def test_a_pause_of_all_calls_is_told_once(run_virtually, open_client, logged):
    """Of several requests refused together one tells of the pause, a warning from one second on; others at DEBUG."""
    waits = ["3"] * 4 + ["0.5"] + ["1"]

    async def refuse(_: httpx.Request) -> httpx.Response:
        await anyio.sleep(0.1)
        if waits:
            return httpx.Response(429, headers={"retry-after": waits.pop(0)}, text="slow down")
        return httpx.Response(200, json={"data": {"myself": {"clusters": []}}})

    async def main():
        transport = httpx.MockTransport(refuse)
        async with open_client("http://localhost/", transport=transport, retry=RetryPolicy()) as client:
            await fan_out(lambda _: client.clusters.list(), range(4))

    run_virtually(main)
    pauses = [record for record in logged() if vars(record)["tensorone.event"] == "paused"]
    assert [(record.levelname, record.getMessage().partition(";")[0]) for record in pauses] == [
        ("WARNING", "rate limit: all calls of this client wait 3 s"),
        ("INFO", "rate limit: all calls of this client wait 500 ms"),
        ("WARNING", "rate limit: all calls of this client wait 1 s"),
    ]
    repeats = [record for record in logged() if vars(record)["tensorone.event"] == "repeat"]
    assert [record.levelname for record in repeats] == ["DEBUG"] * 6
    assert all("again after the pause" in record.getMessage() for record in repeats)


async def test_what_a_hook_raises_is_logged_once_and_costs_nothing(open_client, emulator, caplog):
    """A hook that always fails is logged with its traceback, once, and calls go on as without it."""

    def fail(_: Event) -> None:
        raise RuntimeError("mine")

    async with open_client(emulator.url, on_event=fail) as client:
        placed = await client.clusters.deploy(SPEC)
        await client.clusters.terminate(placed.id)
    assert caplog.text.count("on_event failed") == 1
    assert caplog.text.count("RuntimeError: mine") == 1
    caplog.set_level(logging.CRITICAL, "tensorone")
    async with open_client(emulator.url, on_event=fail) as client:
        await client.clusters.list()
    assert caplog.text.count("on_event failed") == 1  # by a log that is off, nothing
    with pytest.raises(tensorone.InvalidArgument, match="on_event"):
        open_client(emulator.url, on_event="loud")


def test_a_hook_of_which_a_call_alone_runs_nothing_is_refused(open_client):
    """An async function, a generator function and an async one are no hooks, as functions and as objects."""

    async def coroutine(_: Event) -> None: ...

    def generator(_: Event):
        yield

    async def both(_: Event):
        yield

    class Called:
        async def __call__(self, _: Event) -> None: ...

    for each in (coroutine, generator, both, Called()):
        with pytest.raises(tensorone.InvalidArgument, match="on_event: must be a plain function"):
            open_client("http://127.0.0.1:1/", on_event=each)


async def test_what_a_hook_returns_to_be_awaited_is_closed_and_told_once(open_client, emulator, caplog):
    """A lambda round an async function would do nothing, in silence: each hook that has one is named once."""
    ran: list[object] = []

    async def note(*about: object) -> None:
        ran.append(about)

    class Later:
        def __await__(self):
            raise AssertionError

    class Task(Later):  # which runs by itself, as its callbacks show
        def add_done_callback(self) -> None: ...

    bidding = BidPolicy(ceiling=0.3)
    async with open_client(emulator.url, on_event=called(note)) as client:
        placed = await client.clusters.deploy(SPEC)
        ids = [placed.id] * 3
        await fan_out(client.clusters.get, ids, on_progress=lambda *_: Later(), on_outcome=called(note))
        await client.spot.acquire(SPEC, bidding=bidding, timeout=60, on_attempt=called(note))
        await fan_out(client.clusters.get, ids, on_progress=lambda *_: Task())
    assert ran == []
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert errors == [
        f"{name} returned {what}, which nothing awaits: none of it was run; give it a plain function"
        for name, what in [
            ("on_event", "a coroutine"),
            ("on_outcome", "a coroutine"),
            ("on_progress", "an awaitable"),
            ("on_attempt", "a coroutine"),
        ]
    ]


async def test_an_answer_that_would_have_to_be_awaited_is_refused(client):
    """Where something depends on what a function says, a coroutine is an error of the call, and no answer."""
    placed = await client.clusters.deploy(SPEC)

    async def answer(*_: object) -> bool:
        return False

    with pytest.raises(InvalidArgument, match="predicate: returned a coroutine, which nothing awaits"):
        await client.clusters.wait_until(placed.id, called(answer), timeout=5)
    fleet = {placed.id: SPEC}
    bidding = BidPolicy(ceiling=0.3)
    with pytest.raises(InvalidArgument, match="on_state: returned a coroutine"):
        async with client.spot.keep_running(fleet, bidding=bidding, on_state=called(answer)) as events:
            await anext(events)
    with pytest.raises(InvalidArgument, match="state: returned a coroutine"):
        client.spot.keep_running(fleet, bidding=bidding, state=called(answer))


async def test_a_handler_of_the_program_that_raises_costs_no_cluster(client, capsys, caplog, monkeypatch):
    """What logging itself raises is shown on stderr as its own errors are; the deployment has its cluster."""

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name == "tensorone":
                raise RuntimeError("the disk is full")

    caplog.set_level(logging.INFO, "tensorone")
    monkeypatch.setattr(logging.getLogger("tensorone"), "handlers", [Broken()])
    placed = await client.clusters.deploy(SPEC)
    shown = capsys.readouterr().err
    assert "RuntimeError: the disk is full" in shown
    assert f"Message: 'clusters.deploy: rented cluster {placed.id}" in shown
    assert [each.cluster_id for each in client.rented] == [placed.id]


async def test_a_record_factory_of_the_program_that_raises_costs_no_cluster(client, capsys, caplog):
    """The line is logged all the same, as the standard library makes its record."""

    def broken(name, *about, **more):
        if name == "tensorone":
            raise LookupError("no request")
        return logging.LogRecord(name, *about, **more)

    caplog.set_level(logging.INFO, "tensorone")
    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(broken)
    try:
        placed = await client.clusters.deploy(SPEC)
    finally:
        logging.setLogRecordFactory(before)
    assert "LookupError: no request" in capsys.readouterr().err
    assert f"clusters.deploy: rented cluster {placed.id}" in caplog.text


async def test_nobody_listens_and_no_event_is_made(open_client, emulator):
    """With no hook, no SDK of OpenTelemetry and a log that is off, not one event object is made."""
    made: list[str] = []

    def count(frame, what, _):
        if what == "call" and frame.f_code.co_name == "__init__" and isinstance(frame.f_locals.get("self"), Event):
            made.append(type(frame.f_locals["self"]).__name__)

    async def work(**settings) -> None:
        retry = RetryPolicy(wait_initial=0.01)
        async with open_client(emulator.url, retry=retry, **settings) as client:
            emulator.faults.add(Fault("bad_gateway", operation="ListClusters"))
            placed = await client.clusters.deploy(SPEC)
            await client.clusters.list()
            await fan_out(client.clusters.terminate, [placed.id])
            emit_everywhere(logging.ERROR, Failure, text="of no client")

    logger = logging.getLogger("tensorone")
    before, sys_profile = logger.level, sys.getprofile()
    sys.setprofile(count)
    try:
        logger.setLevel(logging.CRITICAL)
        await work()
        quiet = list(made)
        await work(on_event=lambda _: None)
    finally:
        sys.setprofile(sys_profile)
        logger.setLevel(before)
    assert quiet == []
    assert {"Attempted", "Repeating", "Rented", "Ended", "Progress", "Failure"} <= set(made)


async def test_what_belongs_to_no_client_reaches_every_open_one(open_client, emulator, logged):
    """A fan-out tells its progress to the log once, and to the hook of each client that is open."""
    first: list[Event] = []
    second: list[Event] = []
    async with open_client(emulator.url, on_event=first.append) as client:
        async with open_client(emulator.url, on_event=second.append):
            await fan_out(client.clusters.terminate, ["gone"])
        await fan_out(client.clusters.get, ["gone"])
    texts = ["fan_out: 1 of 1 done", "fan_out: 1 done"]
    failed = ["fan_out: 1 of 1 done, 1 failed", "fan_out: 1 done, 1 failed"]
    assert [str(event) for event in second] == texts
    assert [str(event) for event in first if event.NAME == "progress"] == texts + failed
    levels = [(record.levelname, record.getMessage()) for record in logged() if "fan_out" in record.getMessage()]
    assert levels == list(zip(["DEBUG", "INFO"] * 2, texts + failed, strict=True))


def test_a_search_tells_each_reason_once_and_each_refused_bid(on, caplog):
    """Rounds that win nothing are logged at INFO while their reasons are new; what is won is logged as rented."""
    caplog.set_level(logging.INFO, "tensorone")

    async def main(client, emulator):
        emulator.world.set_minimum_bid("NVIDIA A40", "0.5")
        emulator.world.later(60, lambda: emulator.world.set_minimum_bid("NVIDIA A40", "0.2"))
        await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.3), timeout=600)

    on(main)
    texts = [record.getMessage() for record in caplog.records if record.name == "tensorone"]
    assert len(texts) == 2
    assert texts[0].startswith("spot.acquire: round 1 won nothing: NVIDIA A40: the market asks 0.5 USD per GPU-hour")
    assert "; next look in " in texts[0]
    assert texts[1].startswith("spot.rent: rented cluster ")


def test_a_market_that_cannot_be_read_and_a_refused_bid_are_told(on, caplog):
    """A failed read is a reason of its round; a refused bid is reported in the server's words."""
    caplog.set_level(logging.INFO, "tensorone")

    async def main(client, emulator):
        emulator.faults.add(Fault("bad_gateway", operation="gpuTypes"))
        emulator.faults.add(
            Fault("graphql_error", operation="RentSpotCluster", message="There are no longer any instances available")
        )
        await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.3), timeout=600)

    on(main)
    assert "round 1 won nothing: the market's prices could not be read: " in caplog.text
    assert "spot.acquire: NVIDIA A40, bid $0.21: " in caplog.text


async def test_what_ended_without_this_client_is_told(client, emulator, caplog):
    """A cluster that is rented here and preempted is reported when a listing shows it, and once."""
    caplog.set_level(logging.INFO, "tensorone")
    placed = await client.spot.rent(SPEC, bid_per_gpu=0.39)
    emulator.world.preempt(placed.id)
    await client.clusters.list()
    await client.clusters.list()
    told = [message for message in caplog.messages if "runs no more" in message]
    assert told == [f"cluster {placed.id} runs no more: preempted, or ended by someone else"]
    assert placed.id in client._session.rentals.lost


async def test_a_resume_and_an_earlier_rental_are_told(client, emulator, caplog):
    """A resume names cluster and machine; a call with a token that was used says which cluster it found."""
    caplog.set_level(logging.INFO, "tensorone")
    placed = await client.clusters.deploy(SPEC, client_token="nightly-run")
    await client.clusters.stop(placed.id)
    resumed = await client.clusters.resume(placed.id, gpu_count=1)
    await client.clusters.deploy(SPEC, client_token="nightly-run")
    told = [record.getMessage() for record in caplog.records if record.name == "tensorone"]
    gpus = f"1 x NVIDIA A40 on machine {placed.machine_id}"
    assert told == [
        f"clusters.deploy: rented cluster {placed.id}, {gpus}, token nightly-run",
        f"clusters.stop: cluster {placed.id} is stopped; a volume stays billed",
        f"clusters.resume: resumed cluster {placed.id} on machine {resumed.machine_id}",
        f"an earlier call rented cluster {placed.id} with the token nightly-run: adopted",
    ]


def test_a_fleet_tells_what_happens_once(on, caplog):
    """At INFO a preemption and the resume after it are a line each; at DEBUG the fleet's own events stand between."""
    caplog.set_level(logging.DEBUG, "tensorone")

    async def main(client, emulator):
        rental = await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.3), timeout=600)
        specs = {rental.cluster.id: rental.spec}
        emulator.world.later(20, lambda: emulator.world.preempt(rental.cluster.id))
        async with client.spot.keep_running(specs, bidding=BidPolicy(ceiling=0.3), strategy="in_place") as events:
            async for event in events:
                if isinstance(event, Recovered):
                    break

    on(main)
    told = [
        (record.levelname, vars(record)["tensorone.event"], record.getMessage())
        for record in caplog.records
        if record.name == "tensorone" and vars(record)["tensorone.event"] != "attempt"
    ]
    assert [(level, name) for level, name, _ in told] == [
        ("INFO", "rented"),
        ("DEBUG", "bid"),
        ("INFO", "ended"),
        ("DEBUG", "fleet"),
        ("INFO", "resumed"),
        ("DEBUG", "bid"),
        ("DEBUG", "fleet"),
    ]
    assert told[3][2].startswith("spot.keep_running: cluster ")
    assert told[6][2].endswith("runs again where it was, at $0.21 per GPU-hour")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Preempted("a", 0, while_booting=True, gone=False), "cluster a was lost while it started, and is to run again"),
        (Preempted("a", 0, while_booting=False, gone=True), "and its volume with it: another one is needed"),
        (Recovered("a", 0, None, without_gpus=True), "without GPUs, to save its data"),
        (Recovered("a", 0, Decimal("0.2")), "cluster a runs again where it was, at $0.2 per GPU-hour"),
        (Moved("a", "b", 0, None), "cluster b took the place of a"),
        (GaveUp("a", 0, "too expensive"), "cluster a is given up: too expensive"),
        (StatusUnknown("a", 0, "PAUSED"), "has the unknown status PAUSED"),
        (BudgetReached(0, "budget", Decimal(3), Decimal("0.5")), "budget is reached: no more bids; $3.00 spent"),
        (tensorone.BidMade("a", 0, Decimal("0.2"), "won"), "cluster a: bid $0.2: won"),
    ],
)
def test_the_fleet_s_events_have_words(change, text):
    """Each event of a fleet is a line for a person."""
    assert text in words(change)


def test_words_of_small_things():
    """Durations, tokens and duplicates read as people write them."""
    assert [seconds(each) for each in (0.0414, 0.9996, 2.0, 41.26)] == ["41 ms", "1 s", "2 s", "41.3 s"]
    assert [short(each) for each in ("job-7", "0123456789abcdef", "0123456789abcdef-12", "nightly-training-run")] == [
        "job-7",
        "012345…",
        "012345…-12",
        "nightl…",
    ]
    assert (
        str(Duplicate(cluster_id="a", how="stop", kept_id="b")) == "cluster a duplicates cluster b: stopping it again"
    )
    assert str(Ended(cluster_id="a", how="stop")) == "clusters.stop: cluster a is stopped; a volume stays billed"
    nothing = Rented(
        call="clusters.deploy",
        cluster_id="a",
        client_token=None,
        machine_id=None,
        gpu_type_id=None,
        gpu_count=0,
        kind="on_demand",
        usd_per_hour=0.0,
    )
    assert str(nothing) == "clusters.deploy: rented cluster a, $0 an hour"
    assert Ended(cluster_id="a", how="seen").attributes == {"tensorone.cluster.id": "a"}


class TestVariable:
    """`TENSORONE_LOG`."""

    @pytest.fixture(autouse=True)
    def as_before(self, capsys):
        """Puts the logger back, and reads what stderr shows."""
        self.captured = capsys
        logger = logging.getLogger("tensorone")
        level = logger.level
        yield
        logger.setLevel(level)
        logger.removeHandler(log._STDERR)

    async def deploy(self, open_client, emulator) -> str:
        """What stderr shows of one deployment by a second client."""
        async with open_client(emulator.url), open_client(emulator.url) as client:
            await client.clusters.deploy(SPEC)
        return self.captured.readouterr().err

    @pytest.mark.parametrize(("value", "lines"), [("info", 1), (" DEBUG ", 2), ("", 0)])
    async def test_it_shows_the_log_on_stderr_without_a_line_of_code(
        self, open_client, emulator, monkeypatch, value, lines
    ):
        """A line per event, once, however many clients there are; nothing of the emulator in the same process."""
        monkeypatch.setenv("TENSORONE_LOG", value)
        shown = (await self.deploy(open_client, emulator)).splitlines()
        assert len(shown) == lines
        assert all(" clusters.deploy: " in line for line in shown)

    async def test_it_adds_nothing_to_a_log_that_is_shown_there(self, open_client, emulator, monkeypatch):
        """A program whose own logging writes to stderr gets each line once."""
        monkeypatch.setenv("TENSORONE_LOG", "info")
        own = logging.StreamHandler(sys.stderr)
        own.addFilter(logging.Filter("tensorone"))
        logging.getLogger().addHandler(own)
        try:
            shown = await self.deploy(open_client, emulator)
        finally:
            logging.getLogger().removeHandler(own)
        assert shown.count("clusters.deploy: rented") == 1

    def test_another_value_is_refused(self, open_client, monkeypatch):
        """A value that is neither info nor debug is an error that names both."""
        monkeypatch.setenv("TENSORONE_LOG", "loud")
        with pytest.raises(ConfigurationError, match="TENSORONE_LOG='loud' is unknown: use 'info' or 'debug'"):
            open_client("http://127.0.0.1:1/")


@pytest.mark.parametrize("backend", ["httpx", "aiohttp"])
async def test_the_same_comes_with_fast(open_client, emulator, backend):
    """Whichever library sends the requests, the events are the same."""
    told: list[Event] = []
    async with open_client(emulator.url, http=backend, on_event=told.append) as client:
        placed = await client.clusters.deploy(SPEC)
        await client.clusters.get(placed.id)
    assert [(event.NAME, event.attributes.get("http.response.status_code")) for event in told] == [
        ("attempt", 200),
        ("rented", None),
        ("attempt", 200),
    ]
    assert all(event.request_id for event in told if isinstance(event, Attempted))
