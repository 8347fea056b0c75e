"""Reading the body of an answer: unpacked, and never more of it in memory than allowed."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

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
    inflater = _inflater(response)
    chunks: list[bytes] = []
    size = 0
    parts = aiter(cast("AsyncIterable[bytes]", response.stream))
    try:
        async for part in parts:
            chunk = part if inflater is None else inflater.decompress(part, limit + 1 - size)
            size += len(chunk)
            if size > limit or (inflater is not None and inflater.unconsumed_tail):
                raise Unreadable(f"the body is larger than {limit} bytes", response.status_code)
            chunks.append(chunk)
    finally:  # wherever reading stopped
        if isinstance(parts, AsyncGenerator):
            await parts.aclose()
    if inflater is not None and not inflater.eof:
        raise Undelivered("the compressed body ended early")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _inflater(response: httpx.Response) -> Any:
    # The raw list, since a look into httpx's own mapping decodes every header.
    packed = [value for name, value in response.headers.raw if name.lower() == b"content-encoding"]
    encoding = packed[0].strip().lower() if packed else b"identity"
    if encoding == b"gzip":
        return zlib.decompressobj(wbits=31)
    if encoding != b"identity":
        shown = encoding[:40].decode("latin-1")
        raise Unreadable(f"the body is packed as {shown!r}, which was not asked for", response.status_code)
    return None
