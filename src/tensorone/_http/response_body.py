"""A response, and reading its body: unpacked, and never more of it in memory than allowed."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Self


Headers = Sequence[tuple[bytes, bytes]]


class Undelivered(Exception):
    """No complete response came."""

    def __init__(self, words: str, *, timed_out: bool = False) -> None:
        super().__init__(words)
        self.words = words
        self.timed_out = timed_out

    @classmethod
    def late(cls, timeout: float) -> Self:
        """None came in time."""
        return cls(f"no response within {timeout:g} s", timed_out=True)


class Unreadable(Exception):
    """The response is larger than the limit, or packed in a way that was not asked for."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.words = words
        self.status = status


class Stream(Protocol):
    """A body as it comes in, which is to be closed wherever reading stops."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...


class ResponseHead(NamedTuple):
    """The head of a response, and its body still to be read."""

    status: int
    headers: Headers
    body: Stream


class Response(NamedTuple):
    """What came back, whatever it is."""

    status: int
    content: bytes
    fields: Headers

    @property
    def headers(self) -> httpx.Headers:
        """Its headers by name; built on demand, since a success does not need them."""
        return httpx.Headers([*self.fields])


async def read(head: ResponseHead, limit: int) -> bytes:
    """The body, unpacked, and never more than `limit` bytes of it in memory."""
    inflater = _inflater(head)
    chunks: list[bytes] = []
    size = 0
    parts = aiter(head.body)
    try:
        async for part in parts:
            chunk = part if inflater is None else inflater.decompress(part, limit + 1 - size)
            size += len(chunk)
            if size > limit or (inflater is not None and inflater.unconsumed_tail):
                raise Unreadable(f"the body is larger than {limit} bytes", head.status)
            chunks.append(chunk)
    finally:  # wherever reading stopped
        if isinstance(parts, AsyncGenerator):
            await parts.aclose()
        await head.body.aclose()
    if inflater is not None and not inflater.eof:
        raise Undelivered("the compressed body ended early")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _inflater(head: ResponseHead) -> Any:
    packed = [value for name, value in head.headers if name.lower() == b"content-encoding"]
    encoding = packed[0].strip().lower() if packed else b"identity"
    if encoding == b"gzip":
        return zlib.decompressobj(wbits=31)
    if encoding != b"identity":
        shown = encoding[:40].decode("latin-1")
        raise Unreadable(f"the body is packed as {shown!r}, which was not asked for", head.status)
    return None
