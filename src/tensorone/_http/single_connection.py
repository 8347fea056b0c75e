"""One connection in the place of httpcore's pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import httpcore

from .request import JOINED
from .wire import connect

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from .wire import Wire


class SingleConnection(httpcore.AsyncConnectionPool):
    """One connection in the place of a pool, for a caller that sends one request at a time.

    A pool's bookkeeping for waiters and other connections is half of what a request costs, and httpcore's also
    searches, at every request, for a module that need not be installed.
    """

    _connection: httpcore.AsyncHTTP11Connection | None = None
    _wire: Wire

    def __init__(self, context: ssl.SSLContext, *, keepalive: float) -> None:
        super().__init__(ssl_context=context)
        self._tls = context
        self._keepalive = keepalive

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        extensions = cast("Mapping[str, Any]", request.extensions)  # pyright: ignore[reportUnknownMemberType]  # a dict
        # Not idle: it was interrupted, or it ended.
        if self._connection is None or not self._connection.is_idle() or self._connection.has_expired():
            await self.aclose()
            self._connection = await self._connected(request.url.origin, extensions["timeout"]["connect"])
        self._wire.joined = extensions[JOINED]
        return await self._connection.handle_async_request(request)

    async def _connected(self, origin: httpcore.Origin, timeout: float) -> httpcore.AsyncHTTP11Connection:
        self._wire = await connect(origin, self._tls, timeout)
        return httpcore.AsyncHTTP11Connection(origin, self._wire, keepalive_expiry=self._keepalive)

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()
