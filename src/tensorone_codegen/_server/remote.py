"""A GraphQL server over HTTP, with a readable error for everything that can go wrong."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Literal, cast
from urllib.request import getproxies, proxy_bypass

import anyio
import httpx
from anyio.from_thread import start_blocking_portal
from graphql import GraphQLError, build_client_schema

from tensorone._data.json import as_object
from tensorone_codegen._errors import CodegenError

from .answers import Cleaner
from .introspection import INTROSPECTIONS

if TYPE_CHECKING:
    from graphql import GraphQLSchema, IntrospectionQuery

    from .answers import Reply


KEY_VARIABLE = "TENSORONE_API_KEY"


TIMEOUT = 60.0


LAST_PORT = 65535


Auth = Literal["query", "header"]


class Server:
    """One server and the key that it is asked with.

    Args:
        url: Its endpoint, without the key.
        key: The key, or nothing; it appears in no message and no log.
        auth: Where the key goes: `?api_key=` or `Authorization: Bearer`.
        timeout: Seconds until an answer must have come in whole.

    Raises:
        CodegenError: The URL is none, or holds a key, or the key would be sent in the clear to another machine.
    """

    def __init__(self, url: str, key: str = "", auth: Auth = "query", *, timeout: float = TIMEOUT) -> None:
        self._clean = Cleaner(key)
        try:
            self._url = _parsed(url)
        except (httpx.InvalidURL, UnicodeError) as error:
            # A mistyped URL may hold a key, in front of its host or behind its path.
            shown = re.sub(r"//[^/]*@", "//", re.split("[?#]", url)[0])
            raise CodegenError(
                f"{self._clean.text(shown)} is not a valid URL: {self._clean.text(str(error))}"
            ) from None
        self.url = self._clean.text(_bare(self._url))
        if "api_key" in self._url.params:
            raise CodegenError(f"{self.url}: leave api_key out of the URL, and set {KEY_VARIABLE}")
        if not (key.isascii() and key.isprintable()):
            raise CodegenError(f"{KEY_VARIABLE} holds characters that a key cannot have: copy it again")
        if key and self._url.scheme != "https" and not _is_here(self._url.host):
            raise CodegenError(f"{self.url}: the key would be readable on the network: use https")
        self._key = key
        self._auth: Auth = auth
        self._timeout = timeout

    def ask(self, document: str, operation_name: str) -> Reply:
        """The server's answer, whatever the HTTP status; what it says is cleaned.

        Raises:
            CodegenError: It cannot be reached, takes too long, refuses the key, or does not speak GraphQL.
        """
        try:
            # In a thread of its own, for callers that run a loop of events themselves.
            with start_blocking_portal() as portal:
                response = portal.call(self._post, {"query": document, "operationName": operation_name})
        except TimeoutError:
            raise CodegenError(f"{self.url} did not answer within {self._timeout:g} s") from None
        except httpx.HTTPError as error:
            problem = self._clean.text(f"{type(error).__name__} {error}".rstrip())
            raise CodegenError(f"{self.url} cannot be reached: {problem}") from None
        return self._read(response)

    async def _post(self, body: dict[str, str]) -> httpx.Response:
        # The deadline is for all of it: a server may drip its answer byte by byte.
        with anyio.fail_after(self._timeout):
            async with httpx.AsyncClient(transport=self._wire(), timeout=None) as client:  # noqa: S113 - the deadline above
                return await client.post(self._url, json=body)

    def _wire(self) -> _Keyed:
        direct = is_loopback(self._url.host) or proxy_bypass(self._url.host)
        proxy = None if direct else getproxies().get(self._url.scheme)
        try:
            return _Keyed(httpx.AsyncHTTPTransport(proxy=proxy), self._key, self._auth)
        except (ValueError, ImportError, RuntimeError, httpx.InvalidURL) as error:  # httpcore misses a package so
            raise CodegenError(f"the proxy that the environment names for {self.url} is of no use: {error}") from None

    def _read(self, response: httpx.Response) -> Reply:
        what_came = f"(HTTP {response.status_code}: {self._clean.excerpt(response.text)})"
        if response.status_code in {401, 403}:
            what = f"refuses the key in {KEY_VARIABLE}" if self._key else f"asks for a key: set {KEY_VARIABLE}"
            raise CodegenError(f"{self.url} {what} {what_came}")
        if response.has_redirect_location:
            where = self._clean.text(_bare(self._url.join(response.headers["location"])))
            raise CodegenError(
                f"{self.url} points to {where} (HTTP {response.status_code}): give that, if you trust it"
            )
        if reply := self._clean.reply(response.status_code, response.content):
            return reply
        raise CodegenError(f"{self.url} does not answer as a GraphQL server {what_came}")

    def introspect(self) -> GraphQLSchema:
        """The schema by introspection.

        Raises:
            CodegenError: Introspection is refused, or its answer is not a schema.
        """
        words = ""
        for document in INTROSPECTIONS:
            reply = self.ask(document, "IntrospectionQuery")
            if not reply.errors:
                return from_introspection(reply.data, self.url)
            words = reply.messages[0]
        raise CodegenError(
            f"{self.url} refuses introspection: {words}\n"
            "give the schema as a file, or ask the server which operations it accepts: probe"
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: a proxy would look for it on its own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def from_introspection(content: object, name: str) -> GraphQLSchema:
    """The schema that an introspection result describes; it may lie in an answer, under `data` or `result`.

    Raises:
        CodegenError: It describes none.
    """
    data = as_object(content)
    while data is not None and "__schema" not in data:
        data = as_object(data.get("data", data.get("result")))
    if data is None:
        raise CodegenError(f"{name}: not the introspection of a valid schema: there is no __schema in it")
    try:
        return build_client_schema(cast("IntrospectionQuery", data))
    except (GraphQLError, TypeError, KeyError, AttributeError, ValueError, RecursionError) as error:
        problem = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        # What graphql-core shows behind it is its own affair.
        problem = re.split(" Ensure that |: {", problem)[0]
        raise CodegenError(f"{name}: not the introspection of a valid schema: {problem}") from None


class _Keyed(httpx.AsyncBaseTransport):
    """Adds the key below the place where httpx logs the addresses of requests."""

    def __init__(self, wire: httpx.AsyncBaseTransport, key: str, auth: Auth) -> None:
        self._wire = wire
        self._params = {"api_key": key} if key and auth == "query" else {}
        self._header = {"Authorization": f"Bearer {key}"} if key and auth == "header" else {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = httpx.Headers(request.headers)
        headers.update(self._header)
        url = request.url.copy_merge_params(self._params)
        return await self._wire.handle_async_request(
            httpx.Request(request.method, url, headers=headers, stream=request.stream, extensions=request.extensions)
        )

    async def aclose(self) -> None:
        await self._wire.aclose()


def _parsed(url: str) -> httpx.URL:
    """A URL, with what httpx looks at only when it is used."""
    parsed = httpx.URL(url)
    if parsed.host and (parsed.port or 0) > LAST_PORT:
        raise httpx.InvalidURL(f"Invalid port: {parsed.port}")
    return parsed


def _bare(url: httpx.URL) -> str:
    """A URL without what may hold a key."""
    return str(url.copy_with(query=None, fragment=None, username=None, password=None))


def _is_here(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
