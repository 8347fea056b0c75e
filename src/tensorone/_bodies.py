"""Reading the body of an answer: unpacked, and never more of it in memory than allowed."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    import httpx


class Undelivered(Exception):
    """No complete answer came."""

    def __init__(self, words: str, *, timed_out: bool = False) -> None:
        super().__init__(words)
        self.words = words
        self.timed_out = timed_out


class Unreadable(Exception):
    """The answer is larger than the limit, or packed in a way that was not asked for."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.words = words
        self.status = status


async def read(response: httpx.Response, limit: int) -> bytes:
    """The body, unpacked, and never more than `limit` bytes of it in memory."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise Unreadable(f"the body is packed as {encoding[:40]!r}, which was not asked for", response.status_code)
    inflater = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    chunks: list[bytes] = []
    size = 0
    async with _parts(response) as parts:
        async for part in parts:
            chunk = part if inflater is None else inflater.decompress(part, limit + 1 - size)
            size += len(chunk)
            if size > limit or (inflater is not None and inflater.unconsumed_tail):
                raise Unreadable(f"the body is larger than {limit} bytes", response.status_code)
            chunks.append(chunk)
    if inflater is not None and not inflater.eof:
        raise Undelivered("the compressed body ended early")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


@asynccontextmanager
async def _parts(response: httpx.Response) -> AsyncGenerator[AsyncIterator[bytes], None]:
    """The body piece by piece; closed at the end, wherever reading stopped."""
    parts = aiter(cast("AsyncIterable[bytes]", response.stream))
    try:
        yield parts
    finally:
        if isinstance(parts, AsyncGenerator):
            await parts.aclose()
