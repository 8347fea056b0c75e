"""Reads that wait at the same time share a request: how many there are, and that each call stays its own."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import anyio
import httpx
import pytest
from wires import refusal

from tensorone import (
    AuthenticationError,
    ClusterNotFound,
    ConfigurationError,
    ConnectionFailed,
    InvalidArgument,
    OperationUnsupported,
    QueryError,
    RateLimited,
    RequestTimedOut,
    RetryPolicy,
    TensorOne,
    TensorOneError,
    UnexpectedResponse,
    fan_out,
)
from tensorone._session.shared_request import BatchSize
from tensorone.emulator import Emulator

KEY = "tpo_test_0123456789abcdef0123456789abcdef0123"
ASKED = re.compile(r'(?:(\w+):)?(?:cluster|gpuTypes)\(input:\{(?:clusterId|id):"([^"]+)"\}\)')
NULLS = dict.fromkeys(("imageName", "machineId", "machine", "name", "runtime"))
ONCE = RetryPolicy(attempts=1)


def ids(count: int, *, first: int = 0) -> list[str]:
    """So many ids."""
    return [f"id{first + index}" for index in range(count)]


def cluster(cluster_id: str) -> dict:
    """A cluster as the server returns it."""
    return {"id": cluster_id, "desiredStatus": "RUNNING", "env": [f"A=of-{cluster_id}"], **NULLS}


class Service(httpx.AsyncBaseTransport):
    """A server in this process, which answers each request after `takes` seconds of the event loop's clock.

    Args:
        status: The HTTP status of an answer to these ids, and its headers.
        entries: What stands in `errors`, by id.
        missing: Ids that are null without an error.
        silent: Ids that an answer to several leaves out.
        refuse: The whole answer to these ids, where it is not the usual one.
        takes: Seconds for these ids.
    """

    def __init__(self, *, entries=None, missing=(), silent=(), refuse=lambda ids: None, takes=lambda ids: 1.0):
        self.entries, self.missing, self.silent = entries or {}, missing, silent
        self.refuse, self.takes = refuse, takes
        self.asked: list[list[str]] = []
        self.names: Counter[str] = Counter()
        self.queries: list[str] = []
        self.began = anyio.Event()

    @property
    def sizes(self) -> list[int]:
        """Reads in each request."""
        return [len(asked) for asked in self.asked]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.queries.append(json.loads(await request.aread())["query"])
        asked = {alias or "cluster": each for alias, each in ASKED.findall(self.queries[-1])}
        self.asked.append(list(asked.values()))
        self.names[re.match(r"query (\w+)", self.queries[-1])[1]] += 1
        self.began.set()
        await anyio.sleep(self.takes(self.asked[-1]))
        return self.refuse(list(asked.values())) or self.answer(asked)

    def answer(self, asked: dict[str, str]) -> httpx.Response:
        """Each alias separately."""
        errors = [
            {**self.entries[each], "path": [alias, "runtime"]} for alias, each in asked.items() if each in self.entries
        ]
        data = {
            alias: None if each in self.missing or each in self.entries else cluster(each)
            for alias, each in asked.items()
            if each not in self.silent or len(asked) == 1
        }
        return says({"data": data} | ({"errors": errors} if errors else {}), **{"x-request-id": "r1"})

    def client(self, **settings) -> TensorOne:
        """A client of it."""
        given = {"transport": self, "retry": ONCE} | settings
        return TensorOne(KEY, url="http://localhost/graphql", **given)


def says(body: object, *, status: int = 200, **headers: str) -> httpx.Response:
    """A response with JSON in it."""
    return httpx.Response(status, json=body, headers=headers)


def refused(*entries: dict, status: int = 200, **headers: str) -> httpx.Response:
    """A response that is about none of its fields."""
    return says({"data": None, "errors": [{**entry, "path": None} for entry in entries]}, status=status, **headers)


async def together(call, items) -> dict[str, Any]:
    """What became of calls that begin in one turn, by item."""
    found: dict[str, Any] = {}

    async def one(item):
        try:
            found[item] = await call(item)
        except TensorOneError as error:
            found[item] = error

    async with anyio.create_task_group() as group:
        for item in items:
            group.start_soon(one, item)
    return found


def right(found: Mapping[str, Any]) -> list[str]:
    """The ids whose own cluster was read."""
    return [each for each, got in found.items() if getattr(got, "env", None) == [f"A=of-{each}"]]


async def test_a_thousand_reads_at_once_are_some_twenty_requests(emulator: Emulator):
    """Gathered reads share requests of fifty, on real sockets, and each has its own outcome."""
    async with TensorOne(KEY, url=emulator.url) as client:
        found = await together(client.clusters.get, [*ids(600), "riixlu8oclhp", "inzk6tzuz833h5"])
    assert {each: got.id for each, got in found.items() if not isinstance(got, ClusterNotFound)} == {
        "riixlu8oclhp": "riixlu8oclhp",
        "inzk6tzuz833h5": "inzk6tzuz833h5",
    }
    assert emulator.world.requests["cluster"] == 602
    assert len(emulator.world.log) <= 602 / 10  # on a slow machine requests become smaller


async def read_one_by_one(items):
    """The items as an async iterable that never waits, such as the rows of an answer that came."""
    for each in items:
        yield each


@pytest.mark.parametrize(("count", "limit", "bound"), [(1000, None, 1 / 25), (1200, 64, 1 / 12)])
@pytest.mark.parametrize("source", [list, read_one_by_one])
def test_few_requests_for_many_reads(run_virtually, source, count, limit, bound):
    """A thousand gathered reads cost a fortieth of a request each; those of a fan-out of 64 less than a twelfth."""
    service = Service(takes=lambda _: 0.03)

    async def main():
        async with service.client() as client:
            if limit is None:
                found = await together(client.clusters.get, ids(count))
            else:
                outcomes = await fan_out(client.clusters.get, source(ids(count)), limit=limit)
                found = {each.item: each.unwrap() for each in outcomes}
            assert sorted(right(found)) == sorted(ids(count))

    run_virtually(main)
    assert sum(service.sizes) == count
    assert max(service.sizes) <= 50
    assert len(service.asked) <= bound * count


def test_a_read_that_is_alone_is_its_own_request_at_once(run):
    """One after the other, each read has the request that it always had; nothing waits for company."""
    service = Service(takes=lambda _: 0.0)

    async def main():
        async with service.client() as client:
            for each in ids(3):
                assert (await client.clusters.get(each)).id == each
            await together(client.clusters.get, ids(5))
            assert (await client.clusters.get("id9")).id == "id9"

    run(main)
    assert service.sizes == [1, 1, 1, 1, 4, 1]
    assert service.names == {"GetCluster": 5, "GetClusters": 1}
    assert service.queries[0].replace("id0", "id9") == service.queries[-1]


def test_merging_can_be_switched_off(run):
    """With merge_reads=False, or by the generated client, each call is a request."""
    service = Service(takes=lambda _: 0.0)

    async def main():
        async with service.client(merge_reads=False) as client:
            assert len(right(await together(client.clusters.get, ids(20)))) == 20
        async with service.client() as client:
            await together(client.graphql.get_cluster, ids(20))

    run(main)
    assert service.sizes == [1] * 40


@pytest.mark.parametrize("style", ["literals", "variables"])
def test_prices_are_merged_too_each_for_its_number_of_gpus(run, emulator, style):
    """`gpu_types.get` and `spot.quote` share requests, with arguments of their own, and keep their own errors."""
    found = {}

    async def main():
        async with TensorOne(KEY, url=emulator.url, arguments=style) as client:

            async def ask(name, call, *args, **more):
                try:
                    found[name] = await call(*args, **more)
                except TensorOneError as error:
                    found[name] = error

            async with anyio.create_task_group() as group:
                group.start_soon(ask, "first", client.spot.quote, "NVIDIA L40S")
                for gpus in (1, 2, 8):
                    group.start_soon(lambda n: ask(n, client.spot.quote, "NVIDIA A40", gpu_count=n), gpus)
                group.start_soon(ask, "type", client.gpu_types.get, "NVIDIA A40")
                group.start_soon(ask, "wrong", client.gpu_types.get, "RTX 9999")
            alone = [await client.spot.quote("NVIDIA A40", gpu_count=gpus) for gpus in (1, 2, 8)]
            assert [found[gpus].gpu_count for gpus in (1, 2, 8)] == [1, 2, 8]
            assert [found[gpus].available for gpus in (1, 2, 8)] == [each.available for each in alone]

    run(main)
    assert len(emulator.world.log) <= 6
    assert found["first"].gpu_type_id == "NVIDIA L40S"
    assert found["type"].id == "NVIDIA A40"
    assert str(found["wrong"]).startswith("gpu_types.get: there is no GPU type 'RTX 9999'")
    assert found["wrong"].operation == "GetGpuType"


def test_a_failure_of_one_is_that_ones_alone(run):
    """A missing cluster, a null and a failing one spoil none of the others, and cost no further request."""
    entries = {"id7": refusal("Cluster not found"), "id8": refusal("boom of id8")}
    service = Service(entries=entries, missing=["id9"], takes=lambda _: 0.0)
    found = {}
    run(begin_first, service, found, 41)
    assert service.sizes == [1, 41]
    assert len(right(found)) == 39
    assert type(found["id7"]) is type(found["id9"]) is ClusterNotFound
    assert type(found["id8"]) is QueryError
    assert str(found["id8"]).startswith("clusters.get: boom of id8 (")
    assert str(found["id7"]).startswith("clusters.get: Cluster not found")
    assert "id9" in str(found["id9"])
    for name in ("id7", "id8"):
        error = found[name]
        assert (error.operation, error.attempts, error.request_id, error.status_code) == ("GetCluster", 1, "r1", 200)
        assert error.errors == [entries[name] | {"path": ["cluster", "runtime"]}]
        assert error.data == {"cluster": None}


def test_an_answer_of_another_shape_is_that_ones_alone(run):
    """Of several reads, the one whose data breaks the schema is refused, without the values of any other."""
    service = Service(takes=lambda _: 0.0)
    real = service.answer

    def bent(asked):
        body = json.loads(real(asked).content)
        for alias, each in asked.items():
            if each == "id3":
                body["data"][alias]["env"] = 7
        return says(body)

    service.answer = bent
    found = {}
    run(begin_first, service, found, 5)
    assert service.sizes == [1, 5]
    assert len(right(found)) == 5
    assert isinstance(found["id3"], UnexpectedResponse)
    assert "data.cluster.env" in str(found["id3"])
    assert "id4" not in found["id3"].excerpt


def test_what_an_answer_does_not_settle_is_asked_for_again(run):
    """A read that the answer leaves out, or that is null beside an error that names none, is sent once more."""
    found = {}
    silent = Service(silent=["id2"], takes=lambda _: 0.0)
    run(begin_first, silent, found, 5)
    assert silent.sizes == [1, 5, 1]
    assert len(right(found)) == 6

    nulled = Service(entries={"id2": refusal("boom")}, takes=lambda _: 0.0)
    real = nulled.answer

    def answer(asked):
        body = json.loads(real(asked).content)
        if "errors" in body and len(asked) > 1:
            body["data"] = None  # as where a field that must not be null was null
        return says(body)

    nulled.answer = answer
    run(begin_first, nulled, found, 5)
    assert nulled.sizes == [1, 5, 4]
    assert len(right(found)) == 5
    assert str(found["id2"]).startswith("clusters.get: boom (")


async def waiting(client: TensorOne, group, one, count: int) -> None:
    """Has `id0` under way alone, and behind it so many that wait for the one connection, `id1` in the lead."""
    group.start_soon(one, "id0")
    await anyio.wait_all_tasks_blocked()
    group.start_soon(one, "id1")
    await anyio.wait_all_tasks_blocked()
    for each in ids(count - 1, first=2):
        group.start_soon(one, each)
    await anyio.wait_all_tasks_blocked()
    assert client.throttle.waiting_reads == 1


VICTIMS = {"alone": "id0", "leader": "id1", "follower": "id2", "last": "id39"}


@pytest.mark.parametrize("victims", [["alone"], ["leader"], ["follower"], ["leader", "follower", "last"]])
def test_a_read_that_is_cancelled_in_the_queue_is_not_asked_for(run, victims):
    """Whoever is cancelled before the request leaves, the others share it all the same, and each is asked for once."""
    lost = {VICTIMS[each] for each in victims}
    found = {}

    async def main():
        hold = anyio.Event()
        service = Service(takes=lambda _: 0.0)
        scopes = {each: anyio.CancelScope() for each in ids(40)}

        async def held(request, send=service.handle_async_request):
            answer = await send(request)
            await hold.wait()
            return answer

        service.handle_async_request = held
        async with service.client(max_connections=1) as client, anyio.create_task_group() as group:

            async def one(each):
                with scopes[each]:
                    found[each] = await client.clusters.get(each)

            await waiting(client, group, one, 39)
            for each in lost:
                scopes[each].cancel()
            await anyio.wait_all_tasks_blocked()
            hold.set()
        return service

    service = run(main)
    assert set(right(found)) == set(ids(40)) - lost
    assert Counter(each for asked in service.asked for each in asked) == Counter({"id0"} | set(found))
    assert len(service.asked) == 2


@pytest.mark.parametrize(("cancelled", "requests"), [([], 2), (["id2"], 2), (["id1"], 3), (["id1", "id2"], 3)])
def test_a_leader_that_is_cancelled_under_way_hands_on(run_virtually, cancelled, requests):
    """The next one sends the request again, once, for those who still wait; after a follower, nobody does."""
    service = Service(takes=lambda _: 2.0)
    found, ended = {}, {}

    async def main():
        started = anyio.current_time()
        async with service.client(max_connections=1) as client, anyio.create_task_group() as group:

            async def one(each):
                with anyio.CancelScope(deadline=started + (3.0 if each in cancelled else 99.0)):
                    found[each] = await client.clusters.get(each)
                ended[each] = anyio.current_time() - started

            await waiting(client, group, one, 9)

    run_virtually(main)
    assert set(right(found)) == set(ids(10)) - set(cancelled)
    assert len(service.asked) == requests
    if requests > 2:
        assert sorted(service.asked[-1]) == sorted(set(ids(9, first=1)) - set(cancelled))
    assert {ended[each] for each in cancelled} <= {3.0}
    assert max(ended.values()) == (5.0 if requests > 2 else 4.0)


def test_a_waiters_own_time_limit_is_its_own(run_virtually):
    """Who stops waiting gets its time-out at its moment; the request goes on for the others."""
    service = Service(takes=lambda asked: 3.0)
    found = {}

    async def main():
        async with service.client() as client, anyio.create_task_group() as group:

            async def one(each, patience):
                try:
                    with anyio.fail_after(patience):
                        found[each] = (await client.clusters.get(each), anyio.current_time() - started)
                except TimeoutError:
                    found[each] = anyio.current_time() - started

            started = anyio.current_time()
            group.start_soon(one, "id0", 9)
            await anyio.wait_all_tasks_blocked()
            for index, each in enumerate(ids(6, first=1)):
                group.start_soon(one, each, 1.0 if index % 3 else 9)

    run_virtually(main)
    assert [each for each, got in found.items() if got == 1.0] == [
        each for each in found if each in {"id2", "id3", "id5", "id6"}
    ]
    assert {each for each, got in found.items() if got != 1.0} == {"id0", "id1", "id4"}
    assert service.sizes[:2] == [1, 6]
    assert sum(service.sizes) <= 9  # those that one of them led are asked for again without it


def test_a_read_that_hangs_holds_up_the_others_for_half_of_the_time(run_virtually):
    """After half the time of an attempt each is read alone: one fails, after its own attempt, with its own time-out."""
    service = Service(takes=lambda asked: 1000.0 if "id5" in asked else 1.0)
    found = {}
    run_virtually(begin_first, service, found, 11, {"timeout": 10.0})
    assert set(right(found)) == set(ids(12)) - {"id0", "id5"}  # id0 is held for longer than it waits
    assert type(found["id5"]) is RequestTimedOut
    assert (found["id5"].operation, found["id5"].attempts) == ("GetCluster", 1)
    assert "no response within 10 s; 1 attempt in 15.0 s" in str(found["id5"])
    assert service.sizes == [1, 11, *[1] * 11]


def test_the_total_timeout_covers_what_was_shared(run_virtually):
    """Time in a shared request counts: where nothing is left for a read alone, it ends as a time-out, on time."""
    service = Service(takes=lambda asked: 1000.0)
    times = {}

    async def main():
        async with service.client(timeout=10.0, retry=RetryPolicy(attempts=9, total_timeout=25.0)) as client:
            started = anyio.current_time()

            async def get(each):
                try:
                    return await client.clusters.get(each)
                finally:
                    times[each] = anyio.current_time() - started

            found = await together(get, ids(4))
            assert {type(each) for each in found.values()} == {RequestTimedOut}

    run_virtually(main)
    assert max(times.values()) == pytest.approx(25.0, abs=1.0)


BUSY = {"message": "worker lost"}


@pytest.mark.parametrize(
    ("answer", "kind", "sizes"),
    [
        (refused({"message": "Unauthorized", "extensions": {"code": "UNAUTHENTICATED"}}), AuthenticationError, [4]),
        (refused({"message": 'Cannot query field "cluster" on type "Query".'}), OperationUnsupported, [4]),
        (refused(BUSY, status=503), QueryError, [4]),
        (refused(BUSY, status=429, **{"retry-after": "0"}), RateLimited, [4]),
        (httpx.Response(200, text="garbage"), UnexpectedResponse, [4, 1, 1, 1, 1]),
        (httpx.Response(404, text="<html>nothing here</html>"), UnexpectedResponse, [4, 1, 1, 1, 1]),
        (refused({"message": "boom"}, status=500), QueryError, [4, 2, 2, 1, 1, 1, 1]),
    ],
)
def test_a_failure_of_all_is_an_error_of_each(run, answer, kind, sizes):
    """Each waiter gets an error object of its own, in the words of its own call and without the key."""
    service = Service(takes=lambda _: 0.0, refuse=lambda asked: None if "id0" in asked else answer)
    found = {}
    run(begin_first, service, found, 4)
    errors = [each for name, each in found.items() if name != "id0"]
    assert [type(each) for each in errors] == [kind] * 4
    assert len(set(map(id, errors))) == 4
    assert {(each.operation, each.attempts) for each in errors} == {("GetCluster", 1)}
    assert all(str(each).startswith("clusters.get: ") and KEY not in repr(vars(each)) for each in errors)
    assert sorted(service.sizes[1:], reverse=True) == sizes


async def begin_first(service, found, count: int, settings: Mapping[str, Any] | None = None) -> None:
    """Has `id0` read alone, and meanwhile so many others together."""
    hold = anyio.Event()

    async def held(request, send=service.handle_async_request):
        answer = await send(request)
        if b"id0" in request.content:
            await hold.wait()
        return answer

    service.handle_async_request = held

    async def one(each):
        try:
            found[each] = await client.clusters.get(each)
        except TensorOneError as error:
            found[each] = error

    async with service.client(**settings or {}) as client, anyio.create_task_group() as group:
        group.start_soon(one, "id0")
        await anyio.wait_all_tasks_blocked()
        async with anyio.create_task_group() as others:
            for each in ids(count, first=1):
                others.start_soon(one, each)
        hold.set()


@pytest.mark.parametrize(
    "answer",
    [
        refused(
            {"message": "query cost 700 is above 100", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}, status=400
        ),
        refused({"message": "too many aliases"}),
        httpx.Response(413, text="too large"),
        httpx.Response(200, content=b" " * 5000),
    ],
)
def test_what_the_server_takes_in_one_request_is_learned(run, answer):
    """A request refused for its size is halved until it is accepted; then none is larger, of `get_many` neither."""
    service = Service(takes=lambda _: 0.0, refuse=lambda asked: answer if len(asked) > 10 else None)

    async def main():
        async with service.client(max_response_bytes=4000) as client:
            assert len(right(await together(client.clusters.get, ids(41)))) == 41
            assert max(service.sizes[3:]) <= 20
            service.asked.clear()
            assert len(right(await together(client.clusters.get, ids(41)))) == 41
            assert max(service.sizes) == 10
            service.asked.clear()
            await client.clusters.get_many(ids(40))
            assert service.sizes == [10] * 4

    run(main)


def test_a_server_that_takes_no_two_reads_is_spared_further_ones(run):
    """Where even two are refused and each alone is not, every read has its own request from then on."""
    service = Service(takes=lambda _: 0.0, refuse=lambda asked: refused({"message": "no"}) if len(asked) > 1 else None)

    async def main():
        async with service.client() as client:
            assert len(right(await together(client.clusters.get, ids(9)))) == 9
            service.asked.clear()
            assert len(right(await together(client.clusters.get, ids(9)))) == 9

    run(main)
    assert service.sizes == [1] * 9


def test_one_read_that_spoils_its_requests_teaches_no_size(run):
    """Halving finds it, the others are read, and how many the server takes is as before."""
    boom = refused({"message": "boom"})
    service = Service(takes=lambda _: 0.0, refuse=lambda asked: boom if "id5" in asked else None)

    async def main():
        async with service.client() as client:
            found = await together(client.clusters.get, ids(9))
            assert len(right(found)) == 8
            assert str(found["id5"]).startswith("clusters.get: boom (")
            service.asked.clear()
            await client.clusters.get_many(ids(40, first=10))

    run(main)
    assert service.sizes == [40]


def test_a_limit_of_the_rate_refuses_one_request_and_not_fifty(run_virtually):
    """A request that is refused for the rate is repeated whole, after the pause that the server asks for."""
    pauses = iter([2, 3])
    service = Service(takes=lambda _: 0.1)

    def refuse(asked):
        if len(asked) == 1 or (pause := next(pauses, None)) is None:
            return None
        return refused({"message": "slow down"}, status=429, **{"retry-after": str(pause)})

    service.refuse = refuse

    async def main():
        async with service.client(retry=RetryPolicy()) as client:
            started = anyio.current_time()
            assert len(right(await together(client.clusters.get, ids(50)))) == 50
            assert anyio.current_time() - started == pytest.approx(5.4, abs=0.3)

    run_virtually(main)
    assert sorted(service.sizes) == [1, 49, 49, 49]


def test_reads_that_cannot_wait_as_long_as_a_pause_each_say_so(run):
    """Those that share a request when a pause begins that is longer than their time are not sent, and each says so."""
    limited = refused({"message": "slow down"}, status=429, **{"retry-after": "500"})
    found = {}

    async def main():
        hold = anyio.Event()
        service = Service(takes=lambda _: 0.0, refuse=lambda asked: limited)

        async def held(request, send=service.handle_async_request):
            await hold.wait()
            return await send(request)

        service.handle_async_request = held
        async with service.client(max_connections=1) as client, anyio.create_task_group() as group:

            async def one(each):
                with pytest.raises(RateLimited) as caught:
                    await client.clusters.get(each)
                found[each] = caught.value

            await waiting(client, group, one, 5)
            hold.set()
        return service

    service = run(main)
    assert service.sizes == [1]
    assert len(set(map(id, found.values()))) == 6
    assert [found[each].attempts for each in ids(6)] == [1, 0, 0, 0, 0, 0]
    assert {each.operation for each in found.values()} == {"GetCluster"}


def test_a_request_that_is_lost_is_repeated_for_all(run_virtually):
    """A 503 or a lost connection costs a shared request an attempt, as it would each of them."""
    service = Service(takes=lambda _: 0.1)
    real = service.handle_async_request
    lost: list[int] = []

    async def flaky(request):
        answer = await real(request)
        if b"GetClusters" in request.content and len(lost) < 3:
            lost.append(1)
            if len(lost) == 2:
                raise httpx.ReadError("gone")
            return httpx.Response(503)
        return answer

    service.handle_async_request = flaky

    async def main():
        async with service.client(retry=RetryPolicy()) as client:
            assert len(right(await together(client.clusters.get, ids(30)))) == 30

    run_virtually(main)
    assert sorted(service.sizes) == [1, 29, 29, 29, 29]


def test_a_lost_connection_is_an_error_of_each(run):
    """When the attempts are used up, each call has its own `ConnectionFailed`, with the cause."""
    service = Service(takes=lambda _: 0.0)
    real = service.handle_async_request

    async def gone(request):
        await real(request)
        raise httpx.ReadError("gone")

    service.handle_async_request = gone

    async def main():
        async with service.client() as client:
            found = await together(client.clusters.get, ids(5))
            assert [type(each) for each in found.values()] == [ConnectionFailed] * 5
            assert len(set(map(id, found.values()))) == 5
            assert all(isinstance(each.__cause__, httpx.ReadError) for each in found.values())

    run(main)
    assert service.sizes == [1, 4]


def test_reads_of_a_client_that_is_closed_or_given_nonsense_are_refused(run):
    """The lifetime and the arguments are checked for each call, with company too."""
    service = Service(takes=lambda _: 0.0)

    async def main():
        async with service.client() as client:
            found = await together(client.clusters.get, ["id0", "", "id1", "\ud800", "id2"])
            assert [type(found[each]) for each in ("", "\ud800")] == [InvalidArgument] * 2
            assert len(right(found)) == 3
            await together(client.clusters.get, ids(5))
        with pytest.raises(ConfigurationError) as caught:
            await client.clusters.get("id0")
        assert caught.value.operation == "GetCluster"

    run(main)


def test_clients_do_not_share_requests_but_the_scopes_of_one_do(run):
    """A client with a spending limit of its own has its reads merged with those of the client that it comes from."""
    service = Service(takes=lambda _: 0.0)

    async def main():
        async with service.client() as one, service.client() as other:
            scope = one.limited(max_hourly_spend=1)
            async with anyio.create_task_group() as group:
                for client in (one, other):
                    group.start_soon(together, client.clusters.get, ids(10))
                group.start_soon(together, scope.clusters.get, ids(10, first=10))

    run(main)
    assert sum(service.sizes) == 30
    assert sorted(service.sizes) == [1, 1, 9, 19]


def test_slow_shared_requests_become_smaller_by_themselves(run_virtually):
    """On a server that deals with one read after the other, requests shrink to what takes little longer than one."""
    service = Service(takes=lambda asked: 0.05 * len(asked))

    async def main():
        async with service.client() as client:
            await fan_out(client.clusters.get, ids(3000), limit=64)

    run_virtually(main)
    assert max(service.sizes[:4]) == 50
    assert max(service.sizes[len(service.sizes) // 2 :]) <= 10


def test_a_server_that_is_slow_as_a_whole_does_not_get_more_requests(run_virtually):
    """Where a read alone takes as long as a shared request, the latter stay as large as they were."""
    service = Service(takes=lambda asked: 2.0)

    async def main():
        async with service.client() as client:
            await fan_out(client.clusters.get, ids(3000), limit=64)

    run_virtually(main)
    assert len(service.sizes) <= 3000 / 12


def test_the_size_shrinks_and_grows():
    """A slow answer has one read compared; what is slower than that allows shrinks, and grows after eight in time."""
    size = BatchSize()
    size.answered(50, 0.1)
    assert not size.leaves()
    size.answered(50, 2.0)
    assert (size.leaves(), size.leaves()) == (True, False)
    size.answered(1, 0.1)
    size.answered(50, 0.4)
    assert size.most == 25
    size.answered(1, 0.1)
    size.answered(25, 3.0)
    assert size.most == 2
    size.answered(1, 0.1)
    for _ in range(8):
        size.answered(2, 0.2)
    assert size.most == 3
    size.too_many(80)
    assert size.most == 3
    size.too_many(1)
    assert size.most == 1
