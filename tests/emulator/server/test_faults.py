"""Faults: which requests they match, how they are counted, and the effect of each on a real socket."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tensorone.emulator import Emulator, Fault, Faults
from tensorone.emulator._graphql.documents import Chosen
from tensorone.emulator._server.fault import KINDS

if TYPE_CHECKING:
    from .conftest import Ask, Eventually

PROBE = "{ __typename }"
CLUSTER = '{ cluster(input: {clusterId: "riixlu8oclhp"}) { id desiredStatus clusterType } }'
STOP = 'mutation StopIt { clusterStop(input: {clusterId: "riixlu8oclhp"}) { id desiredStatus } }'
DEPLOY = 'mutation { clusterFindAndDeployOnDemand(input: {imageName: "i", gpuTypeId: "NVIDIA L4"}) { id } }'


def stopped(emulator: Emulator) -> bool:
    """Whether the cluster that STOP names is stopped."""
    return not emulator.world.clusters["riixlu8oclhp"].running


# --- the fault itself


@pytest.mark.parametrize("operation", ["clusterStop", "StopIt", None])
def test_a_fault_may_wait_for_an_operation(emulator: Emulator, ask: Ask, operation: str | None) -> None:
    """It matches by root field or operation name; other requests pass, and the hit is recorded."""
    fault = Fault("bad_gateway", operation=operation or "clusterStop")
    emulator.faults.add(fault)
    assert ask(PROBE).status_code == 200
    assert ask(STOP).status_code == 502
    assert ask(STOP).status_code == 200
    (hit,) = emulator.faults.hits
    assert (hit.fault, hit.root_fields, hit.operation_name, hit.at) == (fault, ("clusterStop",), "StopIt", 0.0)


def test_after_and_times_select_requests(emulator: Emulator, ask: Ask) -> None:
    """`after` requests pass, `times` are hit, the rest pass."""
    emulator.faults.add(Fault("bad_gateway", after=1, times=2))
    assert [ask(PROBE).status_code for _ in range(4)] == [200, 502, 502, 200]
    assert emulator.faults.pending == ()


def test_a_fault_may_last_until_it_is_cleared(emulator: Emulator, ask: Ask) -> None:
    """`times=None` is no limit; clearing disarms the fault and forgets its hits."""
    emulator.faults.add(Fault("bad_gateway", times=None))
    assert {ask(PROBE).status_code for _ in range(5)} == {502}
    assert len(emulator.faults.pending) == 1
    emulator.faults.clear()
    assert ask(PROBE).status_code == 200
    assert emulator.faults.hits == ()


def test_chance_follows_the_seed() -> None:
    """The same seed hits the same requests, about as many as the probability predicts."""

    def hits(seed: int) -> list[bool]:
        faults = Emulator(seed=seed).faults
        faults.add(Fault("bad_gateway", times=None, probability=0.3))
        return [bool(faults.for_request(Chosen(None, ("myself",), ("myself",)), 0.0)) for _ in range(60)]

    first = hits(1)
    assert first == hits(1) != hits(2)
    assert 5 < first.count(True) < 35


def test_probability_applies_to_each_request(emulator: Emulator, ask: Ask) -> None:
    """Probability 1 hits every request, 0 none."""
    emulator.faults.add(Fault("bad_gateway", times=None, probability=0), Fault("server_error", probability=1))
    assert [ask(PROBE).status_code for _ in range(2)] == [500, 200]
    assert [fault.kind for fault in emulator.faults.pending] == ["bad_gateway"]


def test_faults_need_no_port() -> None:
    """Clearing works without a port to open; `strike` is the older name of `for_request`."""
    faults = Faults(0, close_port=lambda seconds: None)
    faults.add(Fault("close", times=None))
    chosen = Chosen(None, ("myself",), ("myself",))
    assert faults.strike(chosen, 0.0) == faults.for_request(chosen, 0.0) == [Fault("close", times=None)]
    faults.clear()
    assert faults.for_request(chosen, 0.0) == []


def test_one_fault_at_a_time_decides(emulator: Emulator, ask: Ask) -> None:
    """The second waits for the next request; delays and lags combine with either."""
    emulator.faults.add(Fault("bad_gateway"), Fault("server_error"), Fault("delay", seconds=0.0))
    assert [ask(PROBE).status_code for _ in range(3)] == [502, 500, 200]
    assert [hit.fault.kind for hit in emulator.faults.hits] == ["delay", "bad_gateway", "server_error"]


def test_invalid_requests_meet_no_faults(emulator: Emulator, ask: Ask) -> None:
    """A request that cannot be read matches no fault."""
    emulator.faults.add(Fault("bad_gateway"))
    assert ask("{").status_code == 400
    assert len(emulator.faults.pending) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "explode"}, "kind must be one of refuse, close"),
        ({"kind": "delay", "commit": True}, "commit is not for delay"),
        ({"kind": "close", "seconds": 1}, "seconds are not for close"),
        ({"kind": "delay", "seconds": -1}, "or negative"),
        ({"kind": "close", "times": 0}, "times must be at least 1"),
        ({"kind": "close", "after": -1}, "after at least 0"),
        ({"kind": "close", "probability": 1.1}, "between 0 and 1"),
        ({"kind": "bad_gateway", "status": 100}, "between 200 and 599"),
        ({"kind": "graphql_error", "status": 600}, "between 200 and 599"),
        ({"kind": "rate_limited", "code": "THROTTLED"}, "code is for graphql_error, not for rate_limited"),
        ({"kind": "close", "path": False}, "path is for graphql_error"),
        ({"kind": "close", "entry": {}}, "entry is for graphql_error"),
    ],
)
def test_contradictory_faults_are_refused(settings: dict[str, Any], message: str) -> None:
    """The error names the setting."""
    with pytest.raises(ValueError, match=message):
        Fault(**settings)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("close", Fault("close")),
        ("close:", Fault("close")),
        (
            "close:operation=clusterStop,times=all,after=2,probability=0.5,commit=true",
            Fault("close", operation="clusterStop", times=None, after=2, probability=0.5, commit=True),
        ),
        ("close:times=3,commit=false", Fault("close", times=3, commit=False)),
        ("delay:seconds=0.5", Fault("delay", seconds=0.5)),
        ("bad_gateway:status=503", Fault("bad_gateway", status=503)),
        ("rate_limited:retry_after=7", Fault("rate_limited", retry_after="7")),
        ("garbage:body={", Fault("garbage", body="{")),
        (
            "graphql_error:code=THROTTLED,message=Slow down,path=false,status=200,retry_after=7",
            Fault("graphql_error", code="THROTTLED", message="Slow down", path=False, status=200, retry_after="7"),
        ),
    ],
)
def test_faults_can_be_written_down(text: str, fault: Fault) -> None:
    """The text form is that of the command line."""
    assert Fault.parse(text) == fault


@pytest.mark.parametrize("text", ["explode", "close:whom=me", "close:times=many", "close:commit=perhaps"])
def test_other_texts_are_refused(text: str) -> None:
    """Unknown kinds, names and values are refused."""
    with pytest.raises(ValueError, match=r".+"):
        Fault.parse(text)


def test_every_kind_is_tried_here() -> None:
    """Every kind of fault has a test in this file."""
    source = Path(__file__).read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f'Fault("{kind}"' not in source] == []


# --- on the wire


@pytest.mark.parametrize("commit", [False, True])
def test_close_ends_the_connection_without_an_answer(emulator: Emulator, ask: Ask, commit: bool) -> None:
    """The connection closes before the request is carried out, or after."""
    emulator.faults.add(Fault("close", commit=commit))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        ask(STOP)
    assert stopped(emulator) is commit
    assert ask(PROBE).status_code == 200


@pytest.mark.parametrize("commit", [False, True])
def test_reset_is_a_reset(emulator: Emulator, ask: Ask, commit: bool) -> None:
    """The client reads ECONNRESET."""
    emulator.faults.add(Fault("reset", commit=commit))
    with pytest.raises(httpx.ReadError, match="reset by peer"):
        ask(STOP)
    assert stopped(emulator) is commit


@pytest.mark.parametrize("commit", [False, True])
def test_hang_never_answers(emulator: Emulator, ask: Ask, eventually: Eventually, commit: bool) -> None:
    """The connection stays silent, while other requests are answered."""
    emulator.faults.add(Fault("hang", commit=commit, operation="clusterStop"))
    with raw(emulator, STOP) as connection:
        eventually(lambda: len(emulator.faults.hits) == 1)
        assert ask(PROBE).status_code == 200
        connection.settimeout(0.02)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    eventually(lambda: stopped(emulator) is commit)


def test_stopping_the_emulator_ends_what_hangs(eventually: Eventually) -> None:
    """A request that hangs ends with the emulator, which leaves nothing running."""
    with Emulator() as emulator:
        emulator.faults.add(Fault("hang"), Fault("delay", seconds=3600.0, after=1))
        connections = [raw(emulator, PROBE), raw(emulator, PROBE)]
        eventually(lambda: len(emulator.faults.hits) == 2)
    for connection in connections:
        with connection:
            assert connection.recv(1) == b""


def test_truncate_announces_more_than_it_sends(emulator: Emulator, ask: Ask) -> None:
    """The request is carried out, and half of its answer arrives."""
    emulator.faults.add(Fault("truncate"))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        ask(STOP)
    assert stopped(emulator)
    emulator.faults.add(Fault("truncate", commit=False))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        ask(DEPLOY)
    assert len(emulator.world.clusters) == 4


def test_refuse_closes_the_port_at_once(emulator: Emulator, ask: Ask) -> None:
    """Without further settings it refuses the next connection, until the faults are cleared."""
    emulator.faults.add(Fault("refuse", seconds=3600.0))
    with pytest.raises(ConnectionRefusedError):
        raw(emulator, PROBE)
    emulator.faults.clear()
    assert ask(PROBE).status_code == 200


def test_a_closed_port_opens_by_itself(emulator: Emulator, ask: Ask) -> None:
    """After its seconds the port accepts connections again."""
    emulator.faults.add(Fault("refuse", seconds=0.05))
    until_back(emulator)
    assert ask(PROBE).status_code == 200


def test_refuse_may_wait_for_a_request(emulator: Emulator, ask: Ask) -> None:
    """The matching request is reset before it is carried out; later connections are refused."""
    emulator.faults.add(Fault("refuse", seconds=3600.0, operation="clusterStop"))
    with pytest.raises(httpx.ReadError, match="reset by peer"):
        ask(STOP)
    with pytest.raises(ConnectionRefusedError):
        raw(emulator, PROBE)
    assert not stopped(emulator)
    emulator.reset()
    assert ask(PROBE).status_code == 200


def test_a_port_closed_twice_opens_once(emulator: Emulator, ask: Ask, eventually: Eventually) -> None:
    """It opens after the last closing, or when the faults are cleared."""
    emulator.faults.add(Fault("refuse", seconds=0.0), Fault("refuse", seconds=3600.0), Fault("refuse", seconds=0.0))
    server = emulator._server
    eventually(lambda: server._closings == 1)
    with pytest.raises(ConnectionRefusedError):
        raw(emulator, PROBE)
    emulator.faults.clear()
    assert ask(PROBE).status_code == 200
    emulator.faults.add(Fault("refuse", seconds=0.0), Fault("refuse", seconds=0.05))
    until_back(emulator)
    assert ask(PROBE).status_code == 200


def test_an_emulator_may_stop_while_its_port_is_closed() -> None:
    """The stop does not wait for the port to open."""
    with Emulator() as emulator:
        emulator.faults.add(Fault("refuse", seconds=3600.0))


def test_commit_late_loses_the_answer_and_changes_the_world_later(emulator: Emulator, ask: Ask) -> None:
    """The cluster appears at its time on the world's clock, and was created then."""
    emulator.faults.add(Fault("commit_late", seconds=30.0))
    with pytest.raises(httpx.RemoteProtocolError):
        ask(DEPLOY)
    emulator.world.advance(29)
    assert len(emulator.world.clusters) == 4
    emulator.world.advance(10)
    *_, late = emulator.world.clusters.values()
    assert late.created_at == 30
    assert emulator.world.requests["clusterFindAndDeployOnDemand"] == 1


# --- in the answer


def test_delay_comes_first_and_changes_nothing(emulator: Emulator, ask: Ask) -> None:
    """The answer is late, and otherwise as without the fault."""
    emulator.faults.add(Fault("delay", seconds=0.05))
    answer = ask(STOP)
    assert answer.elapsed.total_seconds() >= 0.05
    assert answer.json()["data"]["clusterStop"]["desiredStatus"] == "EXITED"


def test_a_lagging_list_shows_a_new_cluster_later(emulator: Emulator, ask: Ask) -> None:
    """The cluster runs and costs from the start; only the list shows it later."""
    emulator.faults.add(Fault("listing_lag", seconds=30.0))
    cluster_id = ask(DEPLOY).json()["data"]["clusterFindAndDeployOnDemand"]["id"]

    def listed() -> bool:
        clusters = ask("{ myself { clusters { id } } }").json()["data"]["myself"]["clusters"]
        return cluster_id in [each["id"] for each in clusters]

    assert not listed()
    emulator.world.advance(30)
    assert listed()


def test_a_lagging_list_goes_with_a_lost_answer(emulator: Emulator, ask: Ask) -> None:
    """The worst case of a deploy: carried out, unanswered, and not on the list yet."""
    emulator.faults.add(Fault("close", commit=True), Fault("listing_lag", seconds=30.0))
    with pytest.raises(httpx.RemoteProtocolError):
        ask(DEPLOY)
    assert len(emulator.world.clusters) == 5
    assert len(ask("{ myself { clusters { id } } }").json()["data"]["myself"]["clusters"]) == 4


@pytest.mark.parametrize("retry_after", [None, 7, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_rate_limited_says_when_to_come_back(emulator: Emulator, ask: Ask, retry_after: int | str | None) -> None:
    """429 with Retry-After, seconds or a date; nothing is carried out."""
    emulator.faults.add(Fault("rate_limited", retry_after=retry_after))
    answer = ask(STOP)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, str(retry_after or 1))
    assert not stopped(emulator)


@pytest.mark.parametrize(("commit", "status"), [(False, None), (True, 504)])
def test_a_bad_gateway_answers_html(emulator: Emulator, ask: Ask, commit: bool, status: int | None) -> None:
    """502 or another status, before or after the request was carried out."""
    emulator.faults.add(Fault("bad_gateway", commit=commit, status=status))
    answer = ask(STOP)
    assert answer.status_code == (status or 502)
    assert answer.headers["content-type"].startswith("text/html")
    assert stopped(emulator) is commit


@pytest.mark.parametrize("commit", [None, False])
def test_a_bare_500_may_hide_a_success(emulator: Emulator, ask: Ask, commit: bool | None) -> None:
    """By default the request is carried out."""
    emulator.faults.add(Fault("server_error", commit=commit))
    assert ask(STOP).status_code == 500
    assert stopped(emulator) is (commit is None)


def test_an_internal_error_may_hide_a_success(emulator: Emulator, ask: Ask) -> None:
    """HTTP 200 with the service's generic error, although the request was carried out."""
    emulator.faults.add(Fault("internal_error"))
    answer = ask(STOP.replace("clusterStop", "mine: clusterStop"))
    assert answer.status_code == 200
    assert answer.json()["data"] == {"mine": None}
    (error,) = answer.json()["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["mine"], "INTERNAL_SERVER_ERROR")
    assert stopped(emulator)


@pytest.mark.parametrize("code", ["THROTTLED", "RATELIMITED", "RESOURCE_EXHAUSTED", None])
def test_a_graphql_error_may_be_that_of_a_resolver(emulator: Emulator, ask: Ask, code: str | None) -> None:
    """Each root field is null, with an error that has its path; nothing is carried out."""
    emulator.faults.add(Fault("graphql_error", code=code))
    answer = ask(STOP.replace("clusterStop", "a: clusterStop"))
    assert (answer.status_code, "retry-after" in answer.headers) == (200, False)
    (error,) = answer.json()["errors"]
    assert answer.json()["data"] == {"a": None}
    assert (error["path"], error.get("extensions")) == (["a"], None if code is None else {"code": code})
    assert error["message"]
    assert not stopped(emulator)


@pytest.mark.parametrize(("status", "retry_after"), [(None, None), (429, 7), (503, "Wed, 21 Oct 2026 07:28:00 GMT")])
def test_a_graphql_error_may_refuse_the_whole_request(
    emulator: Emulator, ask: Ask, status: int | None, retry_after: int | str | None
) -> None:
    """The single entry has the given members, and the answer has no data."""
    extensions = {"http": {"status": 429}}
    words = {"code": "THROTTLED", "message": "Too many requests", "extensions": extensions, "entry": {"type": "LIMIT"}}
    emulator.faults.add(Fault("graphql_error", path=False, status=status, retry_after=retry_after, **words))
    answer = ask(STOP)
    assert answer.status_code == (status or 200)
    assert answer.headers.get("retry-after") == (None if retry_after is None else str(retry_after))
    assert answer.json() == {
        "errors": [
            {"message": "Too many requests", "extensions": {"code": "THROTTLED", **extensions}, "type": "LIMIT"},
        ],
    }


def test_a_graphql_error_may_hide_a_success(emulator: Emulator, ask: Ask) -> None:
    """With `commit` the request is carried out nevertheless."""
    emulator.faults.add(Fault("graphql_error", commit=True))
    assert ask(STOP).json()["data"] == {"clusterStop": None}
    assert stopped(emulator)


@pytest.mark.parametrize("fault", [Fault("bad_gateway", retry_after=7), Fault("server_error", retry_after=7)])
def test_errors_without_json_may_say_when_to_come_back(emulator: Emulator, ask: Ask, fault: Fault) -> None:
    """Retry-After is sent with their pages, and only if the fault sets it."""
    emulator.faults.add(fault, Fault(fault.kind))
    assert [ask(PROBE).headers.get("retry-after") for _ in range(2)] == ["7", None]


def test_a_fault_with_mappings_is_hashable() -> None:
    """Equal faults are one element of a set; mappings count for equality only."""
    made = {Fault("graphql_error", entry={"type": kind}) for kind in ("A", "A", "B")}
    assert len(made) == 2


def test_garbage_is_not_json(emulator: Emulator, ask: Ask) -> None:
    """HTTP 200 whose media type is JSON and whose body is not."""
    emulator.faults.add(Fault("garbage"), Fault("garbage", body="<>"))
    with pytest.raises(json.JSONDecodeError):
        ask(PROBE).json()
    assert ask(PROBE).text == "<>"


def test_data_may_come_with_errors(emulator: Emulator, ask: Ask) -> None:
    """The complete answer has an error beside it."""
    emulator.faults.add(Fault("data_with_errors"))
    content = ask(STOP).json()
    assert content["data"]["clusterStop"]["id"] == "riixlu8oclhp"
    assert content["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


@pytest.mark.parametrize("commit", [None, True])
def test_null_is_neither_data_nor_error(emulator: Emulator, ask: Ask, commit: bool | None) -> None:
    """By default nothing is carried out."""
    emulator.faults.add(Fault("null", commit=commit))
    assert ask(STOP).json() == {"data": {"clusterStop": None}}
    assert stopped(emulator) is bool(commit)


def test_enums_may_grow(emulator: Emulator, ask: Ask) -> None:
    """Values of enum fields, including those in lists, are unknown ones."""
    emulator.faults.add(Fault("unknown_enum"), Fault("unknown_enum"))
    assert ask(CLUSTER).json()["data"]["cluster"] == {
        "id": "riixlu8oclhp",
        "desiredStatus": "HIBERNATING",
        "clusterType": "HIBERNATING",
    }
    clusters = ask("{ myself { clusters { desiredStatus } } }").json()["data"]["myself"]["clusters"]
    assert clusters == [{"desiredStatus": "HIBERNATING"}] * 4


def test_answers_may_grow(emulator: Emulator, ask: Ask) -> None:
    """Every object has a field that the request did not select."""
    emulator.faults.add(Fault("extra_field"))
    content = ask(CLUSTER).json()["data"]
    assert "unheardOf" in content
    assert "unheardOf" in content["cluster"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault("garbage"),
        Fault("internal_error"),
        Fault("data_with_errors"),
        Fault("null"),
        Fault("unknown_enum"),
        Fault("extra_field"),
    ],
    ids=lambda fault: fault.kind,
)
def test_a_fault_keeps_the_media_type(emulator: Emulator, fault: Fault) -> None:
    """A changed answer has the media type that the request accepts."""
    emulator.faults.add(fault)
    headers = {"accept": "application/graphql-response+json"}
    answer = httpx.post(emulator.url, params={"api_key": emulator.api_key}, headers=headers, json={"query": CLUSTER})
    assert answer.headers["content-type"] == "application/graphql-response+json"


def test_a_refused_document_is_left_unchanged(emulator: Emulator, ask: Ask) -> None:
    """An invalid document is answered with its errors, since there is no data to change."""
    emulator.faults.add(Fault("extra_field"))
    answer = ask("{ nonsense }")
    assert (answer.status_code, answer.json().keys()) == (400, {"errors"})


# --- the rate limit


def test_requests_beyond_the_rate_are_refused_and_counted() -> None:
    """A burst passes, then one request at a time by the emulator's clock."""
    real = [0.0]
    with Emulator(clock=lambda: real[0]) as emulator, httpx.Client() as client:
        emulator.rate_limit(0.5, burst=2)

        def status() -> tuple[int, str | None]:
            answer = client.post(emulator.url, params={"api_key": emulator.api_key}, json={"query": PROBE})
            return answer.status_code, answer.headers.get("retry-after")

        assert [status() for _ in range(3)] == [(200, None), (200, None), (429, "2")]
        real[0] = 1.5
        assert status() == (429, "1")
        real[0] = 2.0
        assert [status(), status()] == [(200, None), (429, "2")]
        assert emulator.rate_limited == 3
        emulator.rate_limit(None)
        assert status() == (200, None)
        assert emulator.rate_limited == 0


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_limit_is_positive(emulator: Emulator, rate: float, burst: int) -> None:
    """A rate or burst of 0 is refused."""
    with pytest.raises(ValueError, match="more than 0"):
        emulator.rate_limit(rate, burst=burst)


def raw(emulator: Emulator, document: str) -> socket.socket:
    """A connection on which a request has been sent."""
    url = httpx.URL(emulator.url)
    body = json.dumps({"query": document}).encode()
    head = f"POST /graphql?api_key={emulator.api_key} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    connection = socket.create_connection((url.host, url.port), timeout=5)
    connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    return connection


def until_back(emulator: Emulator) -> None:
    """Waits until the port accepts connections again."""
    while True:
        with suppress(ConnectionRefusedError), raw(emulator, PROBE) as connection:
            assert connection.recv(12) == b"HTTP/1.1 200"
            return
