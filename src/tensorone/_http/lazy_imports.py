"""What the HTTP libraries, the event loops and the resolver import late; `tensorone._client.warm` says why early."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


# For host names, for the worker threads that resolve them, and for the certificates.
_ALWAYS = ("certifi", "concurrent.futures.thread", "encodings.idna", "stringprep")


# httpx imports httpcore when it makes a transport, httpcore the protocol and the backend when it connects.
_HTTPX = ("httpcore", "httpcore._async.http11", "httpcore._backends.auto", "tensorone._http.single_connection")


_SOCKS = ("socksio", "httpcore._async.socks_proxy")


def prepare(*, aiohttp: bool, httpx: bool, socks: bool) -> None:
    """Imports what connections need; a module that the installed version of a library lacks is skipped.

    Raises:
        OSError: A file could not be read.
    """
    # All names before the first import: httpcore imports trio, which nobody runs then.
    for name in tuple(_names(aiohttp=aiohttp, httpx=httpx, socks=socks)):
        with suppress(ModuleNotFoundError):
            import_module(name)


def _names(*, aiohttp: bool, httpx: bool, socks: bool) -> Iterator[str]:
    yield from _ALWAYS
    if aiohttp:
        yield "tensorone._http.aiohttp_pool"
    if httpx:
        yield from _HTTPX
        yield from _SOCKS if socks else ()
    for loop, backend in (("asyncio", "anyio"), ("trio", "trio")):
        if loop in sys.modules:  # nobody runs the other one
            yield f"anyio._backends._{loop}"
            yield from (f"httpcore._backends.{backend}",) if httpx else ()
