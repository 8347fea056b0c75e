"""What carries requests: httpx's own transport on one connection each, or aiohttp's pool if the extra is installed."""

from __future__ import annotations

import urllib.request
from importlib.util import find_spec
from typing import TYPE_CHECKING

import anyio
import httpx

from ._errors import ConfigurationError

if TYPE_CHECKING:
    import ssl

    from ._config import Endpoint, Http

KEEPALIVE = 5.0  # seconds an idle connection is kept


class Opener:
    """Opens transports for one endpoint, all with one TLS context, through the environment's proxy if any.

    Raises:
        ConfigurationError: The proxy's variable holds no usable address, or the transport asked for is missing.
    """

    def __init__(self, endpoint: Endpoint, http: Http) -> None:
        self._proxy = environment_proxy(endpoint)
        self._secure = endpoint.url.startswith("https:") or self._proxy is not None
        self._context: ssl.SSLContext | None = None
        self._pool: httpx.AsyncBaseTransport | None = None
        self._http: Http = http
        if http == "aiohttp" and find_spec("httpx_aiohttp") is None:
            raise ConfigurationError("http='aiohttp' needs an extra: pip install 'tensorone[fast]'")

    def open(self) -> httpx.AsyncBaseTransport:
        """One transport more; the same one again where it is a pool that costs nothing per waiter.

        Raises:
            ConfigurationError: aiohttp was asked for on another event loop than asyncio's.
        """
        if self._pool is not None:
            return self._pool
        if self._uses_aiohttp():
            self._pool = _aiohttp_pool(self._tls())
            return self._pool
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE)
        return httpx.AsyncHTTPTransport(verify=self._tls(), limits=limits, proxy=self._proxy)

    def is_pool(self, lane: httpx.AsyncBaseTransport) -> bool:
        """Whether this is aiohttp's, which sends a whole body at once."""
        return lane is self._pool

    def _uses_aiohttp(self) -> bool:
        on_asyncio = anyio.get_cancelled_exc_class().__module__.startswith("asyncio")
        if self._http == "aiohttp" and not on_asyncio:
            raise ConfigurationError("http='aiohttp' works on asyncio only: leave it out, and httpx's own is used here")
        # A proxy is left to httpx, whose ways with it are tested.
        return self._http == "aiohttp" or (
            self._http == "auto" and on_asyncio and self._proxy is None and find_spec("httpx_aiohttp") is not None
        )

    def _tls(self) -> ssl.SSLContext:
        # Reading the certificates takes some 20 ms: not before it is needed.
        self._context = self._context or httpx.create_ssl_context(verify=self._secure)
        return self._context


def _aiohttp_pool(context: ssl.SSLContext) -> httpx.AsyncBaseTransport:
    """Aiohttp behind httpx's interface; imported here, since it takes as long as everything else together."""
    from aiohttp import ClientSession, DummyCookieJar, TCPConnector  # noqa: PLC0415
    from httpx_aiohttp import AiohttpTransport  # noqa: PLC0415

    def session() -> ClientSession:
        connector = TCPConnector(limit=0, ssl=context, keepalive_timeout=KEEPALIVE)  # the client's queue has the limit
        return ClientSession(connector=connector, cookie_jar=DummyCookieJar())

    return AiohttpTransport(verify=context, client=session)


def environment_proxy(endpoint: Endpoint) -> httpx.Proxy | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name for this host, as for curl.

    Raises:
        ConfigurationError: The variable holds no usable address.
    """
    proxies = urllib.request.getproxies()
    scheme = endpoint.url.partition(":")[0]
    address = proxies.get(scheme) or proxies.get("all")
    if not address or urllib.request.proxy_bypass(endpoint.host):
        return None
    try:
        return httpx.Proxy(address if "://" in address else f"http://{address}")
    except (ValueError, httpx.InvalidURL):
        raise ConfigurationError(f"the proxy that the environment names for {scheme} has no usable address") from None
