"""Bytes out, a response or a failure back, the key on the wire and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, cast

import anyio
import httpx

from tensorone._errors import ConfigurationError
from tensorone._redaction import mask_logged_keys
from tensorone._version import __version__

from .connections import ConnectionOpener
from .response_body import ResponseHead, Undelivered, Unreadable, read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tensorone._delivery import Delivery

    from .config import Http, ServiceAddress
    from .response_body import Headers, Stream


# Within one attempt the connection must stand after this share of the time, and TLS after as much again: a
# connection that did not come about is then told apart from a request that was sent and not answered.
CONNECT_SHARE = 0.4


class Response(NamedTuple):
    """What came back, whatever it is."""

    status: int
    content: bytes
    fields: Headers

    @property
    def headers(self) -> httpx.Headers:
        """Its headers, to look them up; made when they are asked for, since a success needs none."""
        return httpx.Headers([*self.fields])


class _Body(httpx.AsyncByteStream):
    """The body of one request; notes when the transport begins to take it, which is after the headers left."""

    __slots__ = ("_content", "_delivery", "_left")

    def __init__(self, content: bytes, delivery: Delivery) -> None:
        self._content = self._left = content
        self._delivery = delivery

    # No async generator: one that is left in the middle is cleaned up late, and trio warns of it.
    def __aiter__(self) -> AsyncIterator[bytes]:
        self._left = self._content
        return self

    async def __anext__(self) -> bytes:
        self._delivery.started()
        if not self._left:
            raise StopAsyncIteration
        part, self._left = self._left, b""
        return part


class _Request(httpx.Request):
    """A request put together from parts made once; the constructor of httpx parses and copies them every time."""

    def __init__(self, url: httpx.URL, headers: httpx.Headers, body: _Body, connect: float) -> None:
        self.method = "POST"
        self.url = url
        self.headers = headers
        self.stream = body
        self.extensions = {"timeout": {"connect": connect, "pool": connect, "read": None, "write": None}}


class _KeyedURL(httpx.URL):
    """An address whose request line carries the key while every other view of it does not.

    httpx's own transport sends `raw_path`; logs, spans and exceptions show `str(url)`.
    """

    def __init__(self, shown: str, target: bytes) -> None:
        super().__init__(shown)
        self._target = target

    @property
    def raw_path(self) -> bytes:
        return self._target

    def __reduce__(self) -> tuple[type[httpx.URL], tuple[str]]:
        return httpx.URL, (str(self),)


class Transport:
    """Sends request bodies to one service_address.

    Its own connections are transports of a single connection each: a pool of many would walk all its
    connections and waiters at every request. They are opened when first needed, and the one used last is
    used first; how many there are at once is up to the caller.
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
        self._holds_key = service_address.holds_key
        self._given = transport
        self._idle: list[httpx.AsyncBaseTransport] = []
        self._own: list[httpx.AsyncBaseTransport] = []
        target = service_address.keyed_target().encode("ascii")
        shown = httpx.URL(service_address.url)
        self._blank = httpx.Request("POST", shown)
        self._host = shown.netloc
        self._keyed_url = _KeyedURL(service_address.url, target)
        self._plain_url = shown.copy_with(raw_path=target)
        self._keyed_address = str(self._plain_url)
        self._headers = _headers(service_address, self._host)
        self._opener = ConnectionOpener(service_address, http, dict(httpx.Headers(self._headers)))
        self.state: Literal["not opened", "open", "closed"] = "not opened"

    def open(self) -> None:
        """Begins the lifetime.

        Raises:
            ConfigurationError: It began already.
        """
        if self.state != "not opened":
            raise ConfigurationError(f"this client is {self.state} and cannot be entered again: make a new one")
        self.state = "open"

    def require_open(self) -> None:
        """Refuses to work outside the lifetime."""
        if self.state != "open":
            raise ConfigurationError(f"this client is {self.state}: use it inside 'async with TensorOne(…) as client:'")

    async def send(self, body: bytes, *, delivery: Delivery, timeout: float, watched: bool) -> Response:
        """One attempt, connecting included, within `timeout` seconds.

        Args:
            body: What to send.
            delivery: Told when it begins to leave.
            timeout: Seconds.
            watched: Whether that matters; otherwise the body may go at once, and `delivery` may be told too early.

        Raises:
            Undelivered: No complete response came; `delivery` tells whether the request may have been acted on.
            Unreadable: A response came that must not be read.
        """
        connection = self._given or (self._idle.pop() if self._idle else self._new_connection())
        try:
            with anyio.move_on_after(timeout):
                return await self._exchange(connection, body, delivery, timeout * CONNECT_SHARE, watched=watched)
        except (Undelivered, Unreadable):
            raise
        except Exception as error:  # noqa: BLE001 - a transport may raise anything, and money hangs on it
            raise Undelivered(self._words(error)) from self._shown(error)
        finally:
            if connection is not self._given:
                self._idle.append(connection)
        raise Undelivered(f"no response within {timeout:g} s", timed_out=True)

    async def aclose(self) -> None:
        """Closes what this object opened, and leaves alone what it was given."""
        self.state = "closed"
        with anyio.CancelScope(shield=True):
            while self._own:
                await self._own.pop().aclose()
        self._idle.clear()

    def _new_connection(self) -> httpx.AsyncBaseTransport:
        connection = self._opener.open()
        if connection not in self._own:
            self._own.append(connection)
        return connection

    async def _exchange(
        self, connection: httpx.AsyncBaseTransport, body: bytes, delivery: Delivery, connect: float, *, watched: bool
    ) -> Response:
        if (pool := self._opener.pool) is connection and pool is not None and not watched:
            delivery.started()
            head = await pool.post(self._keyed_address, body, connect=connect)
        else:
            response = await connection.handle_async_request(self._request(connection, body, delivery, connect))
            head = ResponseHead(response.status_code, response.headers.raw, cast("Stream", response.stream))
        return Response(head.status, await read(head, self._max_body_bytes), head.headers)

    def _request(
        self, connection: httpx.AsyncBaseTransport, body: bytes, delivery: Delivery, connect: float
    ) -> httpx.Request:
        headers = httpx.Headers([*self._headers, (b"content-length", b"%d" % len(body))])
        # Transports other than httpx's own may send any view of the address, so they get the plain one.
        url = self._keyed_url if isinstance(connection, httpx.AsyncHTTPTransport) else self._plain_url
        return _Request(url, headers, _Body(body, delivery), connect)

    def _words(self, error: Exception) -> str:
        words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return f"{type(error).__name__} (its words hold the API key)" if self._holds_key(words) else words

    def _shown(self, error: Exception) -> Exception | None:
        """The error as a cause that can be shown: without the keyed request, or not at all."""
        link: BaseException | None = error
        while link is not None:
            if isinstance(link, httpx.RequestError):
                link.request = self._blank
            if self._holds_key(str(link)):
                return None
            link = link.__cause__ or link.__context__
        return error


def _headers(service_address: ServiceAddress, host: bytes) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"host", host),
        (b"accept", b"application/json"),
        (b"accept-encoding", b"gzip"),
        (b"content-type", b"application/json"),
        (b"user-agent", f"tensorone-python/{__version__}".encode()),
    ]
    if service_address.auth == "header":
        headers.append((b"authorization", f"Bearer {service_address.key.reveal()}".encode("ascii")))
    return headers
