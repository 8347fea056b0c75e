"""Opens connections: httpx's own transport with one connection each, or aiohttp's pool if the extra is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import anyio
import httpx

from tensorone._errors import ConfigurationError

from . import lazy_imports
from .proxies import environment_proxy

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from .aiohttp_pool import AiohttpPool
    from .config import Http, ServiceAddress
    from .proxies import Proxy


KEEPALIVE = 5.0  # seconds an idle connection is kept


class ConnectionOpener:
    """Opens transports for one address, all with the same TLS context, through the environment's proxy if any.

    Args:
        service_address: Where to.
        http: The HTTP library to use.
        headers: Of every request.
        unused: A transport was given, which has proxies of its own.

    Attributes:
        pool: aiohttp's, once it is open.
        proxy: The environment's, if it names one for this address.

    Raises:
        ConfigurationError: The proxy's variable holds no usable address, or the transport asked for is missing.
    """

    def __init__(
        self, service_address: ServiceAddress, http: Http, headers: Mapping[str, str], *, unused: bool
    ) -> None:
        self.pool: AiohttpPool | None = None
        self.proxy = None if unused else environment_proxy(service_address.url)
        self._proxy = _proxy(self.proxy) if self.proxy else None
        self._secure = service_address.url.startswith("https:") or self._proxy is not None
        self._context: ssl.SSLContext | None = None
        self._http: Http = http
        self._headers = headers
        if http == "aiohttp" and not unused and find_spec("httpx_aiohttp") is None:
            raise ConfigurationError("http='aiohttp' needs an extra: pip install 'tensorone[fast]'")

    def open(self) -> httpx.AsyncBaseTransport:
        """Another transport; the same one again if it is a pool, which costs nothing per waiter.

        Raises:
            ConfigurationError: aiohttp was asked for on another event loop than asyncio's.
        """
        if self.pool is None and self._uses_aiohttp():
            from .aiohttp_pool import AiohttpPool  # noqa: PLC0415 - slow to import, and needs the extra

            self.pool = AiohttpPool(self._tls(), self._headers, keepalive=KEEPALIVE)
        return self.pool or self._connection()

    def _connection(self) -> httpx.AsyncBaseTransport:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE)
        connection = httpx.AsyncHTTPTransport(verify=self._tls(), limits=limits, proxy=self._proxy)
        if self._proxy is None:
            from .single_connection import SingleConnection  # noqa: PLC0415 - httpx, too, imports httpcore late

            # If httpx kept its pool elsewhere, the connection would still work, at httpx's own cost.
            connection._pool = SingleConnection(self._tls(), keepalive=KEEPALIVE)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # see above
        return connection

    def prepare(self) -> None:
        """Imports what connections need on the running event loop, or, outside of any, on whichever there may be.

        Makes the TLS context, too: reading the certificates takes some 20 ms.

        Raises:
            ConfigurationError: The certificates to trust cannot be read.
            OSError: A file could not be read.
        """
        self._tls()
        on_asyncio = _on_asyncio()
        aiohttp = on_asyncio is not False and self._may_use_aiohttp()
        socks = self.proxy is not None and self.proxy.url.startswith("socks")
        lazy_imports.prepare(aiohttp=aiohttp, httpx=not aiohttp or on_asyncio is None, socks=socks)

    def _uses_aiohttp(self) -> bool:
        on_asyncio = _on_asyncio()
        if self._http == "aiohttp" and not on_asyncio:
            raise ConfigurationError("http='aiohttp' works on asyncio only: leave it out, and httpx's own is used here")
        return bool(on_asyncio) and self._may_use_aiohttp()

    def _may_use_aiohttp(self) -> bool:
        # Proxies always go through httpx, where they are tested, whatever `http` says.
        if self._proxy is not None or self._http == "httpx":
            return False
        return self._http == "aiohttp" or find_spec("httpx_aiohttp") is not None

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            try:
                self._context = httpx.create_ssl_context(verify=self._secure)
            except OSError as error:  # also what ssl says of a file without certificates
                raise ConfigurationError(
                    f"the certificates to trust cannot be read ({error}): look at SSL_CERT_FILE and SSL_CERT_DIR"
                ) from error
        return self._context


def _proxy(named: Proxy) -> httpx.Proxy:
    try:
        return httpx.Proxy(named.url)
    except (ValueError, httpx.InvalidURL):
        raise ConfigurationError(
            f"the proxy {named.shown} has no usable address: write it as http://host:port"
        ) from None


def _on_asyncio() -> bool | None:
    """Whether the running event loop is asyncio's; None outside of any."""
    try:
        return anyio.get_cancelled_exc_class().__module__.startswith("asyncio")
    except RuntimeError:  # how anyio says that there is none
        return None
