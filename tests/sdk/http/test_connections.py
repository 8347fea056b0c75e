"""What carries the requests: chosen by argument, environment, and what works."""

import anyio
import httpx
import pytest
from wires import graphql, http, scripted

from tensorone import ConfigurationError, TensorOne
from tensorone._http import connections
from tensorone._http.single_connection import SingleConnection

EMPTY = graphql({"myself": {"clusters": []}})


@pytest.mark.parametrize(
    ("given", "backend", "kind"),
    [
        ("httpx", "asyncio", "AsyncHTTPTransport"),
        ("auto", "asyncio", "AiohttpPool"),
        ("aiohttp", "asyncio", "AiohttpPool"),
        ("auto", "trio", "AsyncHTTPTransport"),
    ],
)
def test_the_fastest_that_works_is_used(given, backend, kind):
    """Aiohttp on asyncio where it is installed; one pool of it for all calls."""

    async def main() -> None:
        async with scripted(EMPTY) as server, TensorOne("key", url=server.url, http=given) as client:
            for _ in range(2):
                assert await client.clusters.list() == []
            async with anyio.create_task_group() as group:
                group.start_soon(client.clusters.list)
                group.start_soon(client.clusters.list)
            kinds = {type(connection).__name__ for connection in client._transport._own}
            assert kinds == {kind}
            assert kind == "AsyncHTTPTransport" or len(client._transport._own) == 1

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("given", ["httpx", "aiohttp"])
async def test_a_connection_serves_one_call_after_the_other(given):
    """Until a call on it is interrupted, or its server closes it: then the next call opens another."""
    stall, closing = anyio.Event(), http(200, '{"data": {"myself": {"clusters": []}}}', connection="close")

    async def hang(_):
        stall.set()
        await anyio.sleep_forever()

    answers = [EMPTY, EMPTY, hang, EMPTY, closing, EMPTY]
    async with scripted(*answers) as server, TensorOne("key", url=server.url, http=given) as client:
        for _ in range(2):
            await client.clusters.list()
        assert server.connections == 1
        async with anyio.create_task_group() as group:
            group.start_soon(client.clusters.list)
            await stall.wait()
            group.cancel_scope.cancel()
        for _ in range(2):
            await client.clusters.list()
        assert server.connections == 2
        await client.clusters.list()
        assert server.connections == 3


async def test_httpx_s_pool_is_passed_by():
    """Where httpx keeps its pool under another name, calls work all the same, but cost twice as much."""
    async with scripted(EMPTY) as server, TensorOne("key", url=server.url, http="httpx") as client:
        await client.clusters.list()
        (connection,) = client._transport._own
        assert type(connection._pool) is SingleConnection
        assert connection._pool._connection is not None


def test_aiohttp_needs_asyncio():
    """Asked for by name elsewhere, it is refused in words."""

    async def main() -> None:
        async with TensorOne("key", url="http://127.0.0.1:1/", http="aiohttp") as client:
            with pytest.raises(ConfigurationError, match="asyncio only"):
                await client.clusters.list()

    anyio.run(main, backend="trio")


def test_what_is_not_installed_is_named(monkeypatch):
    """With the extra that brings it; without being asked for, httpx's own is used."""
    monkeypatch.setattr(connections, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"tensorone\[fast\]"):
        TensorOne("key", http="aiohttp")

    async def main() -> None:
        async with scripted(EMPTY) as server, TensorOne("key", url=server.url, http="auto") as client:
            assert await client.clusters.list() == []
            assert isinstance(client._transport._own[0], httpx.AsyncHTTPTransport)

    anyio.run(main)


def test_the_choice_is_checked(monkeypatch):
    """As an argument and as a variable."""
    with pytest.raises(ConfigurationError, match="'auto', 'httpx' or 'aiohttp'"):
        TensorOne("key", http="curl")
    monkeypatch.setenv("TENSORONE_HTTP", "curl")
    with pytest.raises(ConfigurationError, match="curl"):
        TensorOne("key")
