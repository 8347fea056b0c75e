"""A GraphQL server as the generator meets it: asked over HTTP, and whatever is wrong told in words."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.request import getproxies, proxy_bypass

import httpx
from graphql import (
    REMOVE,
    GraphQLError,
    Visitor,
    VisitorAction,
    build_client_schema,
    get_introspection_query,
    parse,
    print_ast,
    visit,
)

from ._errors import CodegenError

if TYPE_CHECKING:
    from graphql import FieldNode, GraphQLSchema, IntrospectionQuery

KEY_VARIABLE = "TENSORONE_API_KEY"
EXCERPT = 300
TIMEOUT = 60.0

Auth = Literal["query", "header"]

# Levels of wrapping that are asked for where the depth of documents is limited; `[[T!]!]!` has five.
SHALLOW = 6


class _Shallow(Visitor):
    """Cuts off what an introspection asks of types that are wrapped many times."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def enter_field(self, node: FieldNode, *_: object) -> VisitorAction:
        if node.name.value == "ofType" and self._depth == SHALLOW:
            return REMOVE
        self._depth += node.name.value == "ofType"
        return None

    def leave_field(self, node: FieldNode, *_: object) -> None:
        self._depth -= node.name.value == "ofType"


# Newest first: older servers refuse what they do not know, and careful ones what is nested deeply.
_INTROSPECTIONS = (
    get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    ),
    print_ast(
        visit(parse(get_introspection_query(directive_is_repeatable=True, input_value_deprecation=True)), _Shallow())
    ),
    print_ast(visit(parse(get_introspection_query()), _Shallow())),
)


class Server:
    """One server and the key that it is asked with.

    Args:
        url: Its endpoint, without the key.
        key: The key, or nothing; it appears in no message and no log.
        auth: Where the key goes: `?api_key=` or `Authorization: Bearer`.

    Raises:
        CodegenError: The URL is none, or holds a key, or the key would be sent in the clear to another machine.
    """

    def __init__(self, url: str, key: str = "", auth: Auth = "query") -> None:
        try:
            self._url = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise CodegenError(f"{url} is no URL: {error}") from None
        self.url = str(self._url.copy_with(query=None, fragment=None, username=None, password=None))
        if "api_key" in self._url.params:
            raise CodegenError(f"{self.url}: leave api_key out of the URL, and set {KEY_VARIABLE}")
        if not (key.isascii() and key.isprintable()):
            raise CodegenError(f"{KEY_VARIABLE} holds characters that no key has: copy it anew")
        if key and self._url.scheme != "https" and not _is_here(self._url.host):
            raise CodegenError(f"{self.url}: the key would be readable on the network: use https")
        self._key = key
        self._auth: Auth = auth

    def ask(self, document: str, operation_name: str) -> dict[str, Any]:
        """The server's answer, `data` or `errors` or both, whatever the HTTP status.

        Raises:
            CodegenError: It cannot be reached, refuses the key, or does not speak GraphQL.
        """
        proxy = None if proxy_bypass(self._url.host) else getproxies().get(self._url.scheme)
        wire = _Keyed(httpx.HTTPTransport(proxy=proxy), self._key, self._auth)
        try:
            with httpx.Client(transport=wire, timeout=TIMEOUT) as client:
                response = client.post(self._url, json={"query": document, "operationName": operation_name})
        except httpx.HTTPError as error:
            raise CodegenError(f"{self.url} cannot be reached: {type(error).__name__} {error}".rstrip()) from None
        return self._read(response)

    def _read(self, response: httpx.Response) -> dict[str, Any]:
        excerpt = " ".join(response.text.split())
        excerpt = (excerpt.replace(self._key, "***") if self._key else excerpt)[:EXCERPT]
        told = f"(HTTP {response.status_code}: {excerpt})"
        if response.status_code in {401, 403}:
            what = f"refuses the key in {KEY_VARIABLE}" if self._key else f"asks for a key: set {KEY_VARIABLE}"
            raise CodegenError(f"{self.url} {what} {told}")
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if isinstance(answer, dict) and {"data", "errors"} & cast("dict[str, Any]", answer).keys():
            return cast("dict[str, Any]", answer)
        raise CodegenError(f"{self.url} does not answer as a GraphQL server {told}")

    def introspect(self) -> GraphQLSchema:
        """The schema as the server tells it.

        Raises:
            CodegenError: It does not tell, or what it tells is no schema.
        """
        answer: dict[str, Any] = {}
        for document in _INTROSPECTIONS:
            answer = self.ask(document, "IntrospectionQuery")
            if not answer.get("errors"):
                return from_introspection(answer.get("data"), self.url)
        raise CodegenError(
            f"{self.url} does not tell its schema: {words(answer).partition('; ')[0]}\n"
            "give it as a file, or ask what the server takes of the operations: probe"
        )


def words(answer: dict[str, Any]) -> str:
    """What the errors of an answer say."""
    return "; ".join(str(error.get("message", error)) for error in errors_of(answer))


def errors_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The errors of an answer, whatever their shape."""
    errors: Any = answer.get("errors") or []
    listed: list[Any] = errors if isinstance(errors, list) else [errors]  # pyright: ignore[reportUnknownVariableType] - JSON
    return [cast("dict[str, Any]", each) if isinstance(each, dict) else {"message": str(each)} for each in listed]


def from_introspection(data: object, name: str) -> GraphQLSchema:
    """The schema that an introspection result describes.

    Raises:
        CodegenError: It describes none.
    """
    try:
        return build_client_schema(cast("IntrospectionQuery", data))
    except (GraphQLError, TypeError, KeyError, AttributeError, ValueError) as error:
        raise CodegenError(f"{name}: not the introspection of a valid schema: {error}") from None


class _Keyed(httpx.BaseTransport):
    """Adds the key below the place where httpx logs the addresses of requests."""

    def __init__(self, wire: httpx.BaseTransport, key: str, auth: Auth) -> None:
        self._wire = wire
        self._params = {"api_key": key} if key and auth == "query" else {}
        self._header = {"Authorization": f"Bearer {key}"} if key and auth == "header" else {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = httpx.Headers(request.headers)
        headers.update(self._header)
        url = request.url.copy_merge_params(self._params)
        return self._wire.handle_request(httpx.Request(request.method, url, headers=headers, stream=request.stream))

    def close(self) -> None:
        self._wire.close()


def _is_here(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
