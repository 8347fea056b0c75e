"""One connection in the place of httpcore's pool."""

from __future__ import annotations

import httpcore


class SingleConnection(httpcore.AsyncConnectionPool):
    """One connection in the place of a pool, for a caller that sends one request at a time.

    A pool's bookkeeping for waiters and other connections is half of what a request costs, and httpcore's also
    searches, at every request, for a module that need not be installed.
    """

    _connection: httpcore.AsyncConnectionInterface | None = None

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        # Not idle: it was interrupted, or it ended.
        if self._connection is None or not self._connection.is_idle() or self._connection.has_expired():
            await self.aclose()
            self._connection = self.create_connection(request.url.origin)
        return await self._connection.handle_async_request(request)

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()
