"""One request on its way out: its body notes when it leaves, its address carries the key and does not show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import httpx

from tensorone._version import __version__

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tensorone._delivery import Delivery

    from .config import ServiceAddress


# A read; a mutation that may be repeated; one that must not be, and gets a connection of its own: a server may close
# an idle one at the moment at which a request leaves on it, and nobody can then tell whether it was acted on.
Care = Literal["read", "repeatable", "once"]


NEW_CONNECTION = "tensorone_new_connection"  # an extension of a request that no used connection may carry

JOINED = "tensorone_joined"  # an extension of a request whose headers may wait for its body


class Body(httpx.AsyncByteStream):
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


class Request(httpx.Request):
    """A request put together from parts made once; the constructor of httpx parses and copies them every time."""

    def __init__(  # noqa: PLR0913 - what one request is
        self, url: httpx.URL, headers: httpx.Headers, body: Body, *, shown: str, connect: float, care: Care
    ) -> None:
        self.method = "POST"
        self.url = url
        self.headers = headers
        self.stream = body
        timeout = {"connect": connect, "pool": connect, "read": None, "write": None}
        self.shown = shown
        self.extensions = {"timeout": timeout, NEW_CONNECTION: care == "once", JOINED: care == "read"}

    def __repr__(self) -> str:
        return f"<Request('POST', {self.shown!r})>"


class KeyedURL(httpx.URL):
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


def headers(service_address: ServiceAddress, host: bytes) -> list[tuple[bytes, bytes]]:
    """The headers of every request, but for the length of its body."""
    fields = [
        (b"host", host),
        (b"accept", b"application/json"),
        (b"accept-encoding", b"gzip"),
        (b"content-type", b"application/json"),
        (b"user-agent", f"tensorone-python/{__version__}".encode()),
    ]
    if service_address.auth == "header":
        fields.append((b"authorization", f"Bearer {service_address.key.reveal()}".encode("ascii")))
    return fields
