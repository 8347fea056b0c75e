"""When a client may be used: after it was opened, before it was closed, on one event loop."""

import threading

import anyio
import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from wires import graphql, scripted

from tensorone import ClusterSpec, ConfigurationError, TensorOne
from tensorone.emulator import Emulator, Fault

EMPTY = graphql({"gpuTypes": [], "myself": {"clusters": []}})
GIVEN = "riixlu8oclhp"
KEY = "tpo_test_0123456789abcdef0123456789abcdef0123"


@pytest.fixture(params=["httpx", "aiohttp"], autouse=True)
def over(request, monkeypatch):
    """Over both transports; on trio there is only httpx's own."""
    monkeypatch.setenv("TENSORONE_HTTP", "auto" if request.param == "aiohttp" else "httpx")


async def list_them(client: TensorOne) -> list[object]:
    """One call."""
    return await client.gpu_types.list()


def test_a_client_opened_without_a_loop_belongs_to_the_first_it_is_used_on(run):
    """As in a fixture of a whole session; the end is awaited there, too."""

    async def main() -> None:
        async with scripted(EMPTY) as server:
            client = TensorOne("key", url=server.url)
            await anyio.to_thread.run_sync(client.open)
            assert await list_them(client) == []
            await client.aclose()
            with pytest.raises(ConfigurationError, match="make a new one"):
                await list_them(client)

    run(main)


async def test_open_returns_the_client_and_sends_nothing():
    """As in a notebook: one line opens it."""
    async with scripted(EMPTY) as server:
        client = TensorOne("key", url=server.url).open()
        assert server.connections == 0
        assert await list_them(client) == []
        await client.aclose()
        await client.aclose()


async def test_a_client_that_is_not_opened_says_how():
    """Both ways are named; opening twice is refused."""
    client = TensorOne("key", url="http://127.0.0.1:1/")
    with pytest.raises(ConfigurationError, match=r"async with TensorOne.*client\.open\(\).*aclose"):
        await list_them(client)
    client.open()
    for again in (client.open, client.__aenter__().__await__().__next__):
        with pytest.raises(ConfigurationError, match="is open and cannot be opened again"):
            again()
    await client.aclose()


@pytest.mark.parametrize("merge_reads", [True, False])
@pytest.mark.parametrize("given", [True, False], ids=["its transport", "our own"])
def test_a_client_that_is_closed_under_its_calls_sends_no_more(run, merge_reads, given):
    """Those in the queue say that it is closed, and so does one that would be repeated; a rental is never sent."""

    async def main() -> None:
        async with httpx.AsyncHTTPTransport() as transport:
            with Emulator(api_key=KEY) as emulator:
                client = TensorOne(
                    KEY,
                    url=emulator.url,
                    max_connections=1,
                    merge_reads=merge_reads,
                    transport=transport if given else None,
                ).open()
                emulator.faults.add(Fault("delay", times=1, seconds=0.3), Fault("bad_gateway", times=1))
                spec = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40")
                calls = [lambda: client.clusters.get(GIVEN), lambda: client.clusters.get(GIVEN), client.clusters.list]
                calls += [lambda: client.clusters.stop(GIVEN), lambda: client.spot.rent(spec, bid_per_gpu=1)]
                refused: list[str] = []

                async def refuse(call) -> None:
                    with pytest.raises(ConfigurationError, match="this client is closed") as error:
                        await call()
                    refused.append(str(error.value))

                async with anyio.create_task_group() as group:
                    group.start_soon(refuse, calls.pop(0))
                    await anyio.wait_all_tasks_blocked()  # it has the only turn
                    for call in calls:
                        group.start_soon(refuse, call)
                    await anyio.wait_all_tasks_blocked()
                    await client.aclose()
                assert len(refused) == 1 + len(calls)
                assert len(emulator.world.log) <= 1

    run(main)


async def test_a_scope_opens_and_closes_nothing():
    """It lives as long as the client that it came from."""
    async with scripted(EMPTY) as server, TensorOne("key", url=server.url) as client:
        scope = client.limited(max_hourly_spend=1).open()
        await scope.aclose()
        assert await list_them(scope) == []


@pytest.mark.parametrize("used_before", [True, False], ids=["used", "entered"])
def test_another_loop_is_refused_at_its_first_call(used_before):
    """Not after seconds, and without blaming the network; closing is refused likewise if there are connections."""
    with Emulator(api_key=KEY) as emulator:
        client = TensorOne(KEY, url=emulator.url)

        async def first() -> None:
            await client.__aenter__()
            if used_before:
                await list_them(client)

        async def second() -> None:
            with pytest.raises(ConfigurationError, match="another event loop: make one client per event loop"):
                await list_them(client)
            if used_before:
                with pytest.raises(ConfigurationError, match="another event loop"):
                    await client.aclose()
            else:
                await client.aclose()

        with start_blocking_portal() as portal:
            portal.call(first)
            anyio.run(second)
            anyio.run(second, backend="trio") if used_before else None
            portal.call(client.aclose)


CALLS = {
    "list": lambda client: client.clusters.list(),
    "wait": lambda client: client.clusters.wait_until("riixlu8oclhp", lambda _: True, timeout=9),
    "find": lambda client: client.clusters.find("token"),
    "graphql": lambda client: client.graphql.list_clusters(),
    "limited": lambda client: client.limited(max_hourly_spend=1).clusters.resume("inzk6tzuz833h5", gpu_count=1),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_second_thread_is_refused_and_waits_for_nothing(call):
    """Also while the first one is in the middle of the same call, whose result it might have shared."""
    asked, answer = threading.Event(), threading.Event()

    async def hold(stream) -> None:
        asked.set()
        await anyio.to_thread.run_sync(answer.wait)
        await stream.send(EMPTY)

    async def main() -> None:
        async with scripted(hold) as server:
            client = TensorOne("key", url=server.url)
            async with client, anyio.create_task_group() as group:
                group.start_soon(client.clusters.find, "token")
                await anyio.to_thread.run_sync(asked.wait)
                await anyio.to_thread.run_sync(anyio.run, elsewhere, client)
                answer.set()

    async def elsewhere(client: TensorOne) -> None:
        with pytest.raises(ConfigurationError, match="another event loop") as caught:
            await call(client)
        assert caught.value.operation

    anyio.run(main)
