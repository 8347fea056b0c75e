"""aiohttp's pool behind httpx's interface; a separate module, since aiohttp is slow to import."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.hdrs import CONTENT_ENCODING
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import map_aiohttp_exceptions

from .request import NEW_CONNECTION
from .response_body import Response, ResponseHead, Undelivered, read

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping

    import httpx
    from aiohttp import ClientResponse


class AiohttpPool(AiohttpTransport):
    """Connections for all calls of a client at once; the client's queue limits their number.

    Mutations go through httpx's interface, which shows when their body leaves, and those that must not be repeated
    get a new connection each. Reads, which may be repeated, go to aiohttp directly.

    Args:
        context: For TLS.
        headers: Of every request.
        keepalive: Seconds for which an idle connection is kept.
    """

    def __init__(self, context: ssl.SSLContext, headers: Mapping[str, str], *, keepalive: float) -> None:
        self._session = _session(TCPConnector(limit=0, ssl=context, keepalive_timeout=keepalive), headers)
        once = _session(TCPConnector(limit=0, ssl=context, force_close=True), headers)
        self._once = AiohttpTransport(verify=context, client=once)
        self._limits = ClientTimeout()
        super().__init__(verify=context, client=self._session)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.extensions[NEW_CONNECTION]:
            return await self._once.handle_async_request(request)
        return await super().handle_async_request(request)

    async def aclose(self) -> None:
        await self._once.aclose()
        await super().aclose()

    async def read(self, url: str, body: bytes, *, timeout: float, connect: float, limit: int) -> Response:
        """Sends a read and reads its response.

        Args:
            url: Where to.
            body: What to send.
            timeout: Seconds, for all of it; by aiohttp's own timer, which costs less than a cancel scope.
            connect: Seconds, for connecting.
            limit: Largest response to read, in bytes.

        Raises:
            Undelivered: The time is over, or a packed body ended early.
            Unreadable: The response must not be read.
        """
        try:
            response = await self._session.post(
                url, data=body, allow_redirects=False, timeout=self._timeout(timeout, connect)
            )
            return Response(response.status, await _content(response, limit), response.raw_headers)
        except ClientError:
            with map_aiohttp_exceptions():
                raise
        except TimeoutError:
            raise Undelivered.late(timeout) from None

    def _timeout(self, total: float, connect: float) -> ClientTimeout:
        """The two limits as aiohttp takes them; most calls have those of the call before."""
        if self._limits.total != total:
            # aiohttp would round longer ones up to whole seconds of its clock.
            self._limits = ClientTimeout(total=total, sock_connect=connect, ceil_threshold=math.inf)
        return self._limits


def _session(connector: TCPConnector, headers: Mapping[str, str]) -> ClientSession:
    return ClientSession(connector=connector, cookie_jar=DummyCookieJar(), headers=headers, auto_decompress=False)


async def _content(response: ClientResponse, limit: int) -> bytes:
    """The whole body at once where its length is known beforehand, else part by part."""
    length = response.content_length
    if length is not None and length <= limit and CONTENT_ENCODING not in response.headers:
        return await response.read()
    return await read(ResponseHead(response.status, response.raw_headers, _Body(response)), limit)


class _Body:
    """The body of a response as it comes in."""

    __slots__ = ("_response",)

    def __init__(self, response: ClientResponse) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        part = await self._response.content.readany()
        if not part:
            raise StopAsyncIteration
        return part

    async def aclose(self) -> None:
        self._response.release()  # a connection whose response was not read to its end is closed by it
