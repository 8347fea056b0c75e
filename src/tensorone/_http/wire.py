"""A connected socket as httpcore takes it, at less cost than httpcore's own."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

import anyio
import httpcore
from anyio.abc import SocketAttribute
from anyio.streams.tls import TLSStream

if TYPE_CHECKING:
    import ssl

    from anyio.abc import ByteStream


class Wire(httpcore.AsyncNetworkStream):
    """A stream without a limit of time for each step: one limit holds for the whole attempt.

    Attributes:
        joined: Whether the headers of a request wait for its body and leave with it, by one system call. Only for
            requests that may be repeated: the body is taken, which is what others note, before the headers leave.
    """

    def __init__(self, stream: ByteStream) -> None:
        self.joined = False
        self._stream = stream
        self._socket = stream.extra(SocketAttribute.raw_socket)  # noqa: S610 - the rule means Django
        self._held = b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - none is asked for
        try:
            return await self._stream.receive(max_bytes)
        except anyio.EndOfStream:
            return b""
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise httpcore.ReadError(error) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - likewise
        self._held += buffer
        if self.joined and buffer:  # the end of a request is written as nothing
            return
        whole, self._held = self._held, b""
        if whole:
            try:
                await self._stream.send(whole)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
                raise httpcore.WriteError(error) from error

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> object:
        """Only whether there is something to read, which on an idle connection is its end."""
        return self._readable() if info == "is_readable" else None

    def _readable(self) -> bool:
        if self._socket.fileno() < 0:
            return True
        if not hasattr(select, "poll"):  # Windows, where select() takes any descriptor
            return bool(select.select([self._socket], [], [], 0)[0])
        watched = select.poll()
        watched.register(self._socket, select.POLLIN)
        return bool(watched.poll(0))


async def connect(origin: httpcore.Origin, context: ssl.SSLContext, timeout: float) -> Wire:
    """Connects, each step within so many seconds.

    Raises:
        httpcore.ConnectError: There is no connection.
        httpcore.ConnectTimeout: Not in time.
    """
    host = origin.host.decode("ascii")
    try:
        with anyio.fail_after(timeout):
            stream: ByteStream = await anyio.connect_tcp(host, origin.port)
        return Wire(await _secured(stream, context, host, timeout) if origin.scheme == b"https" else stream)
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(error) from error
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream) as error:  # also those of TLS
        raise httpcore.ConnectError(error) from error


async def _secured(stream: ByteStream, context: ssl.SSLContext, host: str, timeout: float) -> ByteStream:
    context.set_alpn_protocols(["http/1.1"])
    try:
        with anyio.fail_after(timeout):
            return await TLSStream.wrap(stream, ssl_context=context, hostname=host, standard_compatible=False)
    except BaseException:
        await anyio.aclose_forcefully(stream)
        raise
