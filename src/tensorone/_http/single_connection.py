"""One connection in the place of httpcore's pool."""

from __future__ import annotations

import httpcore


class Line(httpcore.AsyncConnectionPool):
    """One connection in the place of a pool, for a caller that sends one request at a time.

    A pool's care for waiters and other connections is half of what a request costs, and httpcore's also looks for a
    module that need not be installed, at every request.
    """

    _line: httpcore.AsyncConnectionInterface | None = None

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        # Not idle: it was interrupted, or it ended.
        if self._line is None or not self._line.is_idle() or self._line.has_expired():
            await self.aclose()
            self._line = self.create_connection(request.url.origin)
        return await self._line.handle_async_request(request)

    async def aclose(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.aclose()
