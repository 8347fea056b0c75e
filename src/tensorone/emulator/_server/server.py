"""Serves an ASGI application on loopback, from a thread with its own event loop."""

from __future__ import annotations

import socket
import struct
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal
from anyio.lowlevel import checkpoint
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


ACCEPTING = 5  # rounds of the event loop, which take no time


NO_LINGER = struct.pack("ii", 1, 0)


class LoopbackServer:
    """A listening socket and a thread, with their start and stop.

    Args:
        app: The application.
        host: Address to listen on.
        port: Port to listen on; 0 chooses a free one.
    """

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        config = Config(
            self._serve,
            interface="asgi3",
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,  # it would contain the key of every URL
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=75,
        )
        self._app = app
        self._server = Server(config)
        self._host = host
        self._port = port
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None
        self._closings = 0  # callers of `refuse` whose seconds are not over
        self._reopened: anyio.Event  # set when the port opens before that

    def start(self) -> int:
        """Listens, and returns the port."""
        with ExitStack() as stack:
            self._closings = 0
            # Bound without listening, this socket reserves the port while the listening one is closed.
            holder = stack.enter_context(_bound(self._host, self._port))
            self._port = int(holder.getsockname()[1])
            portal = stack.enter_context(start_blocking_portal())
            portal.call(self._open)
            stack.callback(portal.call, portal.stop, True)  # cancels what waits to open the port
            stack.callback(portal.call, self._close)
            self._portal = portal
            self._stack = stack.pop_all()
        return self._port

    def stop(self) -> None:
        """Drops every connection, and ends the thread."""
        self._portal = None
        self._stack.close()

    def refuse(self, seconds: float) -> None:
        """Refuses connections for a number of real seconds, from now on, and closes the open ones.

        Raises:
            RuntimeError: It does not listen.
        """
        if self._portal is None:
            raise RuntimeError("the emulator does not listen, so `refuse` has no port to close")
        reopened = self._portal.call(self._close_port)
        self._portal.start_task_soon(self._reopen_after, seconds, reopened)

    async def refuse_and_wait(self, seconds: float) -> None:
        """Does the same from within a request."""
        await self._reopen_after(seconds, self._close_port())

    def reopen(self) -> None:
        """Accepts connections again, if it refuses them."""
        if self._portal is not None and self._closings:
            self._portal.call(self._reopen)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = _SocketConnection(scope["state"]["transport"], self)
        try:
            await self._app({**scope, "state": {"connection": connection}}, receive, send)
        except anyio.get_cancelled_exc_class():
            # Only `stop` cancels a request, and uvicorn would log the cancellation as an error.
            return

    async def _open(self) -> None:
        config = self._server.config
        if not config.loaded:
            config.load()
            self._server.lifespan = config.lifespan_class(config)
        await self._server.startup(sockets=[_bound(self._host, self._port)])

    async def _close(self) -> None:
        # A connection that is being accepted when asyncio closes the port is never closed itself: let it finish.
        for _ in range(ACCEPTING):
            await checkpoint()
        self._stop_listening()
        while self._server.server_state.tasks:
            for task in self._server.server_state.tasks:
                task.cancel()
            await checkpoint()

    def _close_port(self) -> anyio.Event:
        if not self._closings:
            self._reopened = anyio.Event()
        self._closings += 1
        self._stop_listening()
        return self._reopened

    def _stop_listening(self) -> None:
        for server in self._server.servers:
            server.close()
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()

    async def _reopen_after(self, seconds: float, reopened: anyio.Event) -> None:
        with anyio.move_on_after(seconds):
            await reopened.wait()
        if reopened.is_set():
            return
        self._closings -= 1
        if not self._closings:
            await self._open()

    async def _reopen(self) -> None:
        self._closings = 0
        self._reopened.set()
        await self._open()


class _Protocol(H11Protocol):
    """Gives the application the transport of its request."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _SocketConnection:
    """A connection over a socket."""

    def __init__(self, transport: Any, server: LoopbackServer) -> None:
        self._transport = transport
        self._server = server

    def close(self) -> None:
        self._transport.close()

    def reset(self) -> None:
        # Without lingering, closing the socket sends RST in place of FIN.
        with suppress(OSError):  # the client may have closed it meanwhile
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self._transport.abort()

    async def refuse(self, seconds: float) -> None:
        self.reset()
        await self._server.refuse_and_wait(seconds)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without an explicit protocol, asyncio leaves Nagle's algorithm on, which delays each answer by 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
