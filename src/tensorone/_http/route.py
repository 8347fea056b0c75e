"""The way to a service: by which HTTP library, through which proxy, and how its clock differs. The key is not sent."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal

import anyio
import httpx

from tensorone._data.dataclass import dataclass

from .config import Secret, ServiceAddress, http_backend, usable_url
from .connections import ConnectionOpener
from .request import JOINED, NEW_CONNECTION

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT = 5.0  # seconds for the request that asks for the time


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How requests get to a service.

    Attributes:
        place: Host and port.
        library: What sends them.
        proxy: Host and port of the proxy and the variable that names it; None without one.
        clock_ahead: Seconds by which the server's clock is ahead of ours, to about one; None if it tells no time.
    """

    place: str
    library: Literal["aiohttp", "httpx"]
    proxy: str | None
    clock_ahead: float | None


async def route(url: str | None) -> Route:
    """Finds out, by one HEAD request without the key, which executes nothing.

    Args:
        url: The service's address; None for the environment's, else the usual one.

    Raises:
        ConfigurationError: The address or the proxy's cannot be used.
    """
    address = ServiceAddress(usable_url(url), Secret(""), "header")
    opener = ConnectionOpener(address, http_backend(None), {}, unused=False)
    async with opener.open() as connection:
        ahead = await _clock_ahead(connection, address.shown)
    return Route(
        place=address.place,
        library="httpx" if opener.pool is None else "aiohttp",
        proxy=opener.proxy.shown if opener.proxy else None,
        clock_ahead=ahead,
    )


async def _clock_ahead(connection: httpx.AsyncBaseTransport, url: str) -> float | None:
    """By the server's Date, which has whole seconds; None where none came, whatever the reason."""
    limits = dict.fromkeys(("connect", "pool", "read", "write"), LIMIT)
    request = httpx.Request("HEAD", url, extensions={"timeout": limits, NEW_CONNECTION: False, JOINED: False})
    sent = time.time()
    with anyio.move_on_after(LIMIT):
        try:
            response = await connection.handle_async_request(request)
            middle = (sent + time.time()) / 2
            await response.aclose()
        except (httpx.HTTPError, OSError):  # calls of the client say what is wrong
            return None
        return _ahead(response.headers, middle)
    return None


def _ahead(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds between the middle of the server's second and our time."""
    try:
        return parsedate_to_datetime(headers["date"]).timestamp() + 0.5 - now
    except (KeyError, ValueError):
        return None
