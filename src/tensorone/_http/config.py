"""Where the service is and how the key gets there: arguments, then environment variables, then defaults."""

from __future__ import annotations

import ipaddress
from dataclasses import field
from typing import TYPE_CHECKING, Literal, NoReturn, get_args
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from tensorone._data.dataclass import dataclass
from tensorone._data.hidden import hidden
from tensorone._errors import ConfigurationError
from tensorone._redaction import ENVIRON, without_frames

if TYPE_CHECKING:
    from collections.abc import Mapping


DEFAULT_URL = "https://api.tpu.one/graphql"

KEY_VARIABLE = "TENSORONE_API_KEY"

URL_VARIABLE = "TENSORONE_API_URL"

HTTP_VARIABLE = "TENSORONE_HTTP"

Auth = Literal["query", "header"]

Arguments = Literal["literals", "variables"]

Http = Literal["auto", "httpx", "aiohttp"]


class Secret:
    """A string that no repr, format, pickle or traceback of locals shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = str(value)

    def reveal(self) -> str:
        """The string itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an API key cannot be pickled; create a new client, which reads TENSORONE_API_KEY")


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """The service's address without the key, and the key beside it."""

    url: str
    key: Secret = field(repr=False)
    auth: Auth

    @property
    def host(self) -> str:
        """Host name."""
        return urlsplit(self.url).hostname or ""

    @property
    def place(self) -> str:
        """Host and port, as errors name them."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition(":")[0] if parts.port else parts.netloc
        return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"

    @property
    def shown(self) -> str:
        """The URL without its query, as errors name it."""
        return urlsplit(self.url)._replace(query="").geturl()

    def holds_key(self, text: str) -> bool:
        """Whether the key shows in a text, plain or in any of its escaped forms."""
        key = self.key.reveal()
        forms = (key, quote(key), quote(key, safe=""), repr(key)[1:-1], repr(key.encode())[2:-1])
        return any(form in text for form in forms)

    def keyed_target(self) -> str:
        """Path and query of the request line, the key among the parameters if it belongs there."""
        parts = urlsplit(self.url)
        query = parse_qsl(parts.query, keep_blank_values=True)
        if self.auth == "query":
            query.append(("api_key", self.key.reveal()))
        return (parts.path or "/") + ("?" + urlencode(query, quote_via=quote, safe="") if query else "")


def service_address(
    api_key: str | None,
    url: str | None,
    *,
    auth: str,
    allow_insecure_http: bool,
    environ: Mapping[str, str] = ENVIRON,
) -> ServiceAddress:
    """Reads the address and the key from the arguments, else from the environment.

    Raises:
        ConfigurationError: One of them is missing or unusable; names what to set.
    """
    api_key, url = hidden(api_key), hidden(url)
    if auth not in get_args(Auth):
        raise ConfigurationError(
            f"auth={auth!r} is unknown: use 'query' (?api_key=…) or 'header' (Authorization: Bearer …)"
        )
    return ServiceAddress(
        usable_url(url, allow_insecure_http=allow_insecure_http, environ=environ),
        Secret(_key(api_key or environ.get(KEY_VARIABLE), auth)),
        "header" if auth == "header" else "query",
    )


def http_backend(given: str | None, environ: Mapping[str, str] = ENVIRON) -> Http:
    """The HTTP library to use: as given, else as the environment says, else whatever is installed.

    Raises:
        ConfigurationError: The value is unknown.
    """
    value = given or environ.get(HTTP_VARIABLE) or "auto"
    backends: tuple[Http, ...] = ("auto", "httpx", "aiohttp")
    for known in backends:
        if value == known:
            return known
    raise ConfigurationError(f"http={value!r} is unknown: use 'auto', 'httpx' or 'aiohttp'")


def _key(key: object, auth: str) -> str:
    if key is None or key == "":
        raise ConfigurationError(f"no API key: pass TensorOne(api_key=…) or set the variable {KEY_VARIABLE}")
    if not isinstance(key, str):
        raise ConfigurationError(f"the API key must be a string, not {type(key).__name__}")
    if key != key.strip() or not key.isprintable():
        raise ConfigurationError("the API key has blanks around it or unprintable characters in it: copy it again")
    if auth == "header" and not key.isascii():
        raise ConfigurationError("the API key has characters that an HTTP header cannot carry: use auth='query'")
    return key


def usable_url(url: str | None, *, allow_insecure_http: bool = False, environ: Mapping[str, str] = ENVIRON) -> str:
    """The address of the service: as given, else the environment's, else the usual one.

    Raises:
        ConfigurationError: It cannot be used.
    """
    url = hidden(url)  # a password or a key may be in it
    try:
        return _address(url or environ.get(URL_VARIABLE) or DEFAULT_URL, allow_insecure_http=allow_insecure_http)
    except ConfigurationError as error:
        raise without_frames(error) from None


def _address(url: object, *, allow_insecure_http: bool) -> str:
    """The URL without fragment and trailing junk; errors do not repeat it, since a key may be in it."""
    if not isinstance(url, str):
        raise ConfigurationError(f"url must be a string such as {DEFAULT_URL}, not {type(url).__name__}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(f"url cannot be read: write it as {DEFAULT_URL}") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(f"url must begin with https:// and name a host: write it as {DEFAULT_URL}")
    if parts.username or parts.password:
        raise ConfigurationError("url must hold no user or password: the key goes into api_key")
    if any(name == "api_key" for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        raise ConfigurationError("url must not hold api_key: pass TensorOne(api_key=…), which keeps it out of logs")
    if parts.scheme == "http" and not allow_insecure_http and not is_loopback(host):
        raise ConfigurationError(
            f"url would send the key in clear text to {host}: use https, or pass allow_insecure_http=True"
        )
    return parts._replace(fragment="").geturl()


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name or address."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    inner: ipaddress.IPv4Address | None = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or (inner is not None and inner.is_loopback)
