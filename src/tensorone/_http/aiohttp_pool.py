"""aiohttp's pool behind httpx's interface; a separate module, since aiohttp is slow to import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import map_aiohttp_exceptions

from .request import NEW_CONNECTION
from .response_body import ResponseHead

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
        super().__init__(verify=context, client=self._session)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.extensions[NEW_CONNECTION]:
            return await self._once.handle_async_request(request)
        return await super().handle_async_request(request)

    async def aclose(self) -> None:
        await self._once.aclose()
        await super().aclose()

    async def post(self, url: str, body: bytes, *, connect: float) -> ResponseHead:
        """Sends a read, and returns once the headers of its response have arrived; `connect` is in seconds."""
        timeout = ClientTimeout(total=None, sock_connect=connect)
        try:
            response = await self._session.post(url, data=body, allow_redirects=False, timeout=timeout)
        except ClientError:
            with map_aiohttp_exceptions():
                raise
        return ResponseHead(response.status, response.raw_headers, _Body(response))


def _session(connector: TCPConnector, headers: Mapping[str, str]) -> ClientSession:
    return ClientSession(connector=connector, cookie_jar=DummyCookieJar(), headers=headers, auto_decompress=False)


class _Body:
    """The body of a response as it comes in."""

    __slots__ = ("_response",)

    def __init__(self, response: ClientResponse) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            part = await self._response.content.readany()
        except ClientError:
            with map_aiohttp_exceptions():
                raise
        if not part:
            raise StopAsyncIteration
        return part

    async def aclose(self) -> None:
        self._response.release()  # a connection whose response was not read to its end is closed by it
