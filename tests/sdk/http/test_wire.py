"""The socket under httpx: what ends it, and what its errors say."""

import select
import ssl

import anyio
import httpcore
import pytest
from wires import CERTIFICATE, graphql, scripted

from tensorone import ConnectionFailed, RetryPolicy, TensorOne
from tensorone._http import wire

EMPTY = graphql({"myself": {"clusters": []}})
TRUSTING = ssl.create_default_context(cafile=CERTIFICATE)


def origin(url: str) -> httpcore.Origin:
    """Of a server."""
    parsed = httpcore.URL(url)
    return httpcore.Origin(parsed.scheme, parsed.host, parsed.port)


@pytest.mark.parametrize("tls", [False, True])
def test_calls_go_over_either_loop_with_tls_or_without(run, monkeypatch, tls):
    """One connection serves them, kept between them."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))

    async def main() -> None:
        async with scripted(EMPTY, tls=tls) as server, TensorOne("key", url=server.url, http="httpx") as client:
            for _ in range(3):
                assert await client.clusters.list() == []
            assert server.connections == 1

    run(main)


async def test_a_certificate_that_is_not_trusted_is_a_connection_that_failed():
    """The error says why."""
    retry = RetryPolicy(attempts=1)
    async with scripted(EMPTY, tls=True) as server:
        async with TensorOne("key", url=server.url, http="httpx", retry=retry) as client:
            with pytest.raises(ConnectionFailed, match=r"(?i)certificate"):
                await client.clusters.list()
        assert server.requests == []


def test_a_handshake_that_hangs_ends_in_time(run):
    """Its connection is closed with it."""

    async def main() -> None:
        ended = anyio.Event()

        async def hang(stream) -> None:
            async with stream:
                async for _ in stream:
                    pass
                ended.set()

        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with listener, anyio.create_task_group() as group:
            group.start_soon(listener.serve, hang)
            with pytest.raises(httpcore.ConnectTimeout):
                await wire.connect(origin(f"https://127.0.0.1:{port}"), TRUSTING, 0.2)
            await ended.wait()
            group.cancel_scope.cancel()

    run(main)


def test_a_closed_wire_refuses_in_httpcore_s_words(run):
    """And counts as readable, which ends a connection that is kept."""

    async def main() -> None:
        async with scripted(EMPTY) as server:
            line = await wire.connect(origin(server.url), TRUSTING, 5)
            assert not line.get_extra_info("is_readable")
            assert line.get_extra_info("ssl_object") is None
            await line.aclose()
            with pytest.raises(httpcore.WriteError):
                await line.write(b"x")
            with pytest.raises(httpcore.ReadError):
                await line.read(1)
            await anyio.lowlevel.checkpoint()
            assert line.get_extra_info("is_readable")

    run(main)


@pytest.mark.parametrize("poll", [True, False])
async def test_the_server_s_end_is_seen_where_there_is_no_poll(monkeypatch, poll):
    """As on Windows."""
    if not poll:
        monkeypatch.delattr(select, "poll", raising=False)
    closing = anyio.Event()

    async def close(stream) -> None:
        await stream.send(EMPTY)
        await closing.wait()
        await stream.aclose()

    async with scripted(close, EMPTY) as server, TensorOne("key", url=server.url, http="httpx") as client:
        await client.clusters.list()
        (connection,) = client._transport._own
        closing.set()
        while not connection._pool._wire.get_extra_info("is_readable"):
            await anyio.lowlevel.checkpoint()
        await client.clusters.list()
        assert server.connections == 2


async def test_what_waits_for_a_body_leaves_with_it():
    """In one piece, at the end of the request, which is written as nothing."""
    received, arrived = b"", anyio.Event()

    async def take(stream) -> None:
        nonlocal received
        async with stream:
            received = await stream.receive()
            arrived.set()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, take)
        line = await wire.connect(origin(f"http://127.0.0.1:{port}"), TRUSTING, 5)
        line.joined = True
        for part in (b"head", b"body", b""):
            await line.write(part)
        await arrived.wait()
        assert received == b"headbody"
        await line.aclose()
        group.cancel_scope.cancel()
