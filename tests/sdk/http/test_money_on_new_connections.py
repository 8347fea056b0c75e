"""What must not be sent twice goes out on a connection of its own, which no server closes under it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from wires import Scripted, graphql, scripted

from tensorone import ClusterSpec, RetryPolicy, TensorOne

PLACED = {"id": "abc", "desiredStatus": "RUNNING", "imageName": "i", "env": [], "machineId": None, "machine": None}
SPEC = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40")
ANSWERS = {
    "gpuTypes": [],
    "myself": {"clusters": []},
    "clusterFindAndDeployOnDemand": PLACED,
    "clusterRentInterruptable": PLACED,
    "clusterResume": PLACED,
    "clusterBidResume": PLACED,
    "clusterStop": {"id": "abc", "desiredStatus": "EXITED"},
}
CALLS = {
    "deploy": lambda client: client.clusters.deploy(SPEC),
    "rent": lambda client: client.spot.rent(SPEC, bid_per_gpu=0.2),
    "resume": lambda client: client.clusters.resume("abc", gpu_count=1),
    "resume a spot cluster": lambda client: client.spot.resume("abc", bid_per_gpu=0.2, gpu_count=1),
}


@asynccontextmanager
async def closing_when_used_again() -> AsyncIterator[Scripted]:
    """A server that closes a connection at the moment at which a second request arrives on it."""
    used = []

    async def answer(stream) -> None:
        if stream in used:
            await stream.aclose()
            return
        used.append(stream)
        query = server.requests[-1].query
        await stream.send(graphql({field: data for field, data in ANSWERS.items() if field in query}))

    async with scripted(answer) as server:
        yield server


@pytest.fixture(params=[("httpx", "asyncio"), ("auto", "asyncio"), ("httpx", "trio")], ids=str)
def on_each(request):
    """Runs a test over each transport and on each event loop; the client's settings come with it."""
    http, backend = request.param

    def runner(main) -> None:
        anyio.run(main, {"http": http, "settle_time": 0.0, "retry": RetryPolicy(attempts=3)}, backend=backend)

    return runner


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_costs_money_survives_a_server_that_closes_idle_connections(on_each, call):
    """It is sent once, on a connection that carried nothing before, and so are those that follow."""

    async def main(settings) -> None:
        async with closing_when_used_again() as server, TensorOne("key", url=server.url, **settings) as client:
            await client.gpu_types.list()
            for _ in range(2):
                assert (await call(client)).id == "abc"
            mutations = [one for one in server.requests if "mutation" in json.loads(one.body)["query"]]
            assert len(mutations) == 2
            assert server.connections == 3

    on_each(main)


def test_what_may_be_repeated_uses_idle_connections(on_each):
    """Reads and stops are sent again on another one where the server closes the first."""

    async def main(settings) -> None:
        async with closing_when_used_again() as server, TensorOne("key", url=server.url, **settings) as client:
            await client.gpu_types.list()
            await client.clusters.stop("abc")
            assert (server.connections, len(server.requests)) == (2, 3)

    on_each(main)


def test_a_proxy_of_the_environment_gets_a_new_connection_too(monkeypatch):
    """Also a proxy closes what is idle."""

    async def main() -> None:
        async with closing_when_used_again() as proxy:
            monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/graphql"))
            settings = {"url": "http://api.example/graphql", "allow_insecure_http": True, "settle_time": 0.0}
            async with TensorOne("key", **settings) as client:
                await client.gpu_types.list()
                assert (await client.clusters.deploy(SPEC)).id == "abc"
            assert proxy.connections == 2

    anyio.run(main)
