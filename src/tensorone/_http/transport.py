"""Bytes out, a response or a failure back, the key on the wire and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import anyio
import httpx
from httpx import AsyncBaseTransport as AsyncBaseTransport  # noqa: PLC0414 - what a client may be given

from tensorone._data.hidden import HiddenText
from tensorone._errors import TensorOneError
from tensorone._redaction import mask_logged_keys

from .connections import ConnectionOpener
from .foreign_errors import ForeignErrors, came_through
from .request import Body, KeyedURL, Request, headers
from .request import Care as Care  # noqa: PLC0414 - an argument of `send`
from .response_body import Response as Response  # noqa: PLC0414 - what `send` answers
from .response_body import ResponseHead, Undelivered, Unreadable, read

if TYPE_CHECKING:
    from tensorone._delivery import Delivery

    from .config import Http, ServiceAddress
    from .response_body import Stream


# Within one attempt the connection must stand after this share of the time, and TLS after as much again: a
# connection that did not come about can then be distinguished from a request that was sent and not answered.
CONNECT_SHARE = 0.4


class Transport:
    """Sends request bodies to one address.

    Its own connections are transports of a single connection each: a pool of many would walk all its
    connections and waiters at every request. They are opened on demand, and the one used last is used first;
    the caller decides how many there are at once.

    Attributes:
        place: Host and port, and the proxy if there is one, as errors name them.
        url: The URL without its query, likewise.
    """

    def __init__(
        self,
        service_address: ServiceAddress,
        *,
        transport: httpx.AsyncBaseTransport | None,
        http: Http,
        max_body_bytes: int,
    ) -> None:
        mask_logged_keys()
        self._max_body_bytes = max_body_bytes
        self._given = transport
        self._idle: list[httpx.AsyncBaseTransport] = []
        self._own: list[httpx.AsyncBaseTransport] = []
        shown = httpx.URL(service_address.url)
        self._keyed_url = KeyedURL(service_address.url, service_address.keyed_target().encode("ascii"))
        self._plain_url = shown.copy_with(raw_path=self._keyed_url.raw_path)
        self._keyed_address = HiddenText(self._plain_url)
        self._headers = headers(service_address, shown.netloc)
        self._opener = ConnectionOpener(
            service_address, http, dict(httpx.Headers(self._headers)), unused=transport is not None
        )
        proxy = self._opener.proxy
        self.place = service_address.place + (f" through proxy {proxy.shown}" if proxy else "")
        self.url = service_address.shown
        self._errors = ForeignErrors(
            lambda text: service_address.holds_key(text) or (proxy is not None and proxy.holds_password(text)),
            httpx.Request("POST", shown),
        )

    async def send(self, body: bytes, *, delivery: Delivery, timeout: float, care: Care) -> Response:
        """One attempt, connecting included, within `timeout` seconds.

        Args:
            body: What to send.
            delivery: Notified when it begins to leave; for a read at once, since nobody asks.
            timeout: Seconds.
            care: How much hangs on it.

        Raises:
            Undelivered: No complete response came; `delivery` says whether the request may have been acted on.
            Unreadable: A response came that must not be read.
        """
        kept = connection = self._given or self._opener.pool
        try:
            connection = connection or (self._idle.pop() if self._idle else self._new_connection())
            if care == "read" and (pool := self._opener.pool) is not None:
                delivery.started()
                connect, limit = timeout * CONNECT_SHARE, self._max_body_bytes
                return await pool.read(self._keyed_address, body, timeout=timeout, connect=connect, limit=limit)
            with anyio.move_on_after(timeout):
                return await self._exchange(connection, body, delivery, timeout * CONNECT_SHARE, care)
        except (Undelivered, Unreadable, TensorOneError):
            raise
        except Exception as error:  # noqa: BLE001 - a transport may raise anything, and money hangs on it
            frames = self._opener.pool is None and not came_through(error, read.__code__)
            raise Undelivered(self._errors.words(error)) from self._errors.cause(error, frames=frames)
        finally:
            if kept is None and connection is not None:
                self._idle.append(connection)
        raise Undelivered.late(timeout)

    def prepare(self) -> None:
        """Imports what sending needs; a given transport imports what it needs itself.

        Raises:
            OSError: A file could not be read.
        """
        if self._given is None:
            self._opener.prepare()

    @property
    def connected(self) -> bool:
        """Whether it has connections of its own, which belong to an event loop."""
        return bool(self._own)

    async def aclose(self) -> None:
        """Closes what this object opened; a given transport stays open."""
        if self._own:  # without connections, closing needs no event loop
            with anyio.CancelScope(shield=True):
                while self._own:
                    await self._own.pop().aclose()
        self._idle.clear()

    def _new_connection(self) -> httpx.AsyncBaseTransport:
        connection = self._opener.open()
        self._own.append(connection)
        return connection

    async def _exchange(
        self, connection: httpx.AsyncBaseTransport, body: bytes, delivery: Delivery, connect: float, care: Care
    ) -> Response:
        if care == "once" and connection is not self._given and connection is not self._opener.pool:
            await connection.aclose()  # httpx's own opens another connection when it is used again
        request = self._request(connection, body, delivery, connect, care)
        response = await connection.handle_async_request(request)
        head = ResponseHead(response.status_code, response.headers.raw, cast("Stream", response.stream))
        return Response(head.status, await read(head, self._max_body_bytes), head.headers)

    def _request(
        self, connection: httpx.AsyncBaseTransport, body: bytes, delivery: Delivery, connect: float, care: Care
    ) -> Request:
        fields = httpx.Headers([*self._headers, (b"content-length", b"%d" % len(body))])
        # Transports other than httpx's own may send any view of the address, so they get the plain one.
        url = self._keyed_url if isinstance(connection, httpx.AsyncHTTPTransport) else self._plain_url
        return Request(url, fields, Body(body, delivery), shown=self.url, connect=connect, care=care)
