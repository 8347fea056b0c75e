"""Serves an ASGI application on loopback, from a thread with an event loop of its own."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

from anyio.from_thread import start_blocking_portal
from uvicorn import Config, Server

if TYPE_CHECKING:
    from starlette.types import ASGIApp


class LoopbackServer:
    """A listening socket, a thread, and what stops both.

    Args:
        app: What answers.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
    """

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        config = Config(app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False)
        self._server = Server(config)
        self._address = (host, port)
        self._stack = ExitStack()

    def start(self) -> int:
        """Listens, and returns the port; requests are accepted from now on."""
        with ExitStack() as stack:
            listener = stack.enter_context(_bound(*self._address))
            portal = stack.enter_context(start_blocking_portal(name="tensorone-emulator"))
            stack.callback(portal.call, self._close)
            portal.call(self._open, listener)
            self._stack = stack.pop_all()
            return int(listener.getsockname()[1])

    def stop(self) -> None:
        """Drops every connection, and ends the thread."""
        self._stack.close()

    async def _open(self, listener: socket.socket) -> None:
        self._server.config.load()
        self._server.lifespan = self._server.config.lifespan_class(self._server.config)
        await self._server.startup(sockets=[listener])

    async def _close(self) -> None:
        for server in self._server.servers:
            server.close()
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()


def _bound(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    return listener
