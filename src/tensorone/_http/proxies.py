"""Which proxy the environment names for an address, by the rules of curl. Pure, except that it reads the variables.

Loopback never goes through a proxy: a proxy elsewhere could not reach it. Otherwise the first of ``https_proxy``,
``HTTPS_PROXY``, ``all_proxy``, ``ALL_PROXY`` that is not empty is used (``http_proxy``, ``HTTP_PROXY`` for ``http://``),
unless ``no_proxy`` or ``NO_PROXY`` exempts the host. Three things differ from curl: ``HTTP_PROXY`` is ignored only in
a CGI program, where it is a header of whoever called it; an entry of ``NO_PROXY`` may have a port; ``socks://`` means
version 5, as desktops write it. Where no variable is set, the system's settings are used on macOS and Windows.
"""

from __future__ import annotations

import ipaddress
import re
import urllib.request
from dataclasses import field
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tensorone._data.dataclass import dataclass
from tensorone._errors import ConfigurationError
from tensorone._redaction import ENVIRON, SHORTEST, without_frames

from .config import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from urllib.parse import SplitResult


PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


_ALIASES = {"socks": "socks5"}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that can be used.

    Attributes:
        url: Its address, password and all.
        shown: Host and port, and the variable that names it.
    """

    url: str = field(repr=False)
    shown: str

    def holds_password(self, text: str) -> bool:
        """Whether the password shows in a text, as it is or as the URL writes it."""
        password = urlsplit(self.url).password or ""
        return len(password) >= SHORTEST and (password in text or unquote(password) in text)


def environment_proxy(url: str, environ: Mapping[str, str] = ENVIRON) -> Proxy | None:
    """The proxy for an address of the service; None to go there directly.

    Raises:
        ConfigurationError: The variable's value is not a usable address, or needs a package that is not installed.
    """
    try:
        return _environment_proxy(url, environ)
    except ConfigurationError as error:
        raise without_frames(error) from None  # a password may be in the address


def _environment_proxy(url: str, environ: Mapping[str, str]) -> Proxy | None:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    if is_loopback(host) or _exempt(host, port, environ):
        return None
    for variable, value in _named(parts.scheme, environ):
        if value.strip():
            return _proxy(variable, value.strip())
    system = urllib.request.getproxies().get(parts.scheme, "").strip()  # without settings, the variables again
    if not system or urllib.request.proxy_bypass(host):
        return None
    return _proxy("the system's settings", system)


def _named(scheme: str, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"):
        if not (name == "HTTP_PROXY" and "REQUEST_METHOD" in environ):
            yield name, environ.get(name, "")


def _proxy(variable: str, value: str) -> Proxy:
    parts = _parts(value if "://" in value else f"http://{value}")
    if parts is None or not parts.hostname:
        raise ConfigurationError(f"{variable} holds no usable address: write it as http://host:port")
    scheme = _ALIASES.get(parts.scheme, parts.scheme)
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = f"{name}:{parts.port or PORTS.get(scheme, 0)}"
    named = f"{variable}={parts.scheme}://{place} names a"
    if scheme not in PORTS:
        known = ", ".join(f"{each}://" for each in PORTS)
        raise ConfigurationError(f"{named} kind of proxy that is not supported: use {known}")
    if scheme.startswith("socks") and find_spec("socksio") is None:
        raise ConfigurationError(
            f"{named} SOCKS proxy: pip install 'httpx[socks]' to use it, or unset {variable} to do without"
        )
    url = parts._replace(scheme=scheme, path="", query="", fragment="").geturl()
    return Proxy(url, f"{place} ({variable})")


def _parts(value: str) -> SplitResult | None:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _exempt(host: str, port: int, environ: Mapping[str, str]) -> bool:
    entries = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    return any(_matches(entry, host.lower().rstrip("."), port) for entry in re.split(r"[\s,]+", entries) if entry)


def _matches(entry: str, host: str, port: int) -> bool:
    """Whether one entry of `NO_PROXY` speaks of a host: ``*``, a domain with all below it, an address, a network."""
    name, wanted = _name_and_port(entry.lower())
    if wanted is not None and wanted != port:
        return False
    if name == "*":
        return True
    address = _address(host)
    if address is not None:
        network = _network(name)
        return network is not None and address in network
    domain = name.removeprefix("*").strip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _name_and_port(entry: str) -> tuple[str, int | None]:
    found = re.fullmatch(r"(?P<name>\[[^\]]*\](?:/\d+)?|[^:]*)(?::(?P<port>\d+))?", entry)
    if found is None:  # an address of version 6 without brackets
        return entry, None
    return found["name"].replace("[", "").replace("]", ""), int(found["port"]) if found["port"] else None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
