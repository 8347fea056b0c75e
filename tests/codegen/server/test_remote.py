"""Servers as the generator meets them."""

from __future__ import annotations

import json
import logging
import select
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import graphql
import pytest
from codegen.servers import NO_INTROSPECTION, GraphQLServer
from graphql.validation.rules import ValidationRule

from tensorone_codegen._errors import CodegenError
from tensorone_codegen._server.remote import KEY_VARIABLE, Server, is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "tpo_test_0123456789abcdef"
SCHEMA = """
directive @twice repeatable on FIELD
scalar When @specifiedBy(url: "https://example.org/when")
"A root."
type Query { "A field." a(x: Int @deprecated(reason: "no"), y: [[Int!]!]! = [[1]]): When @deprecated(reason: "old") }
input In { x: Int = 3 @deprecated(reason: "gone"), y: [In!] }
"""


class TooDeep(ValidationRule):
    """Refuses what is nested deeply, as careful servers do."""

    def enter_field(self, node: graphql.FieldNode, *place: Any) -> None:
        if sum(isinstance(each, graphql.FieldNode) for each in place[-1]) > 6:
            self.report_error(graphql.GraphQLError("too deep", node))


def test_everything_comes_over() -> None:
    """Descriptions, defaults and every deprecation are asked for."""
    with GraphQLServer(SCHEMA).running() as server:
        schema = Server(server.url).introspect()
    printed = graphql.print_schema(graphql.lexicographic_sort_schema(schema))
    expected = graphql.print_schema(graphql.lexicographic_sort_schema(graphql.build_schema(SCHEMA)))
    assert printed == expected


@pytest.mark.parametrize(
    ("server", "attempts"),
    [
        (GraphQLServer(SCHEMA, unknown="specifiedByURL"), 2),
        (GraphQLServer(SCHEMA, unknown="isRepeatable"), 3),
        (GraphQLServer(SCHEMA, [TooDeep]), 2),
    ],
)
def test_older_and_careful_servers_are_asked_for_less(server: GraphQLServer, attempts: int) -> None:
    """What one server refuses is left out for it, until it answers."""
    with server.running():
        schema = Server(server.url).introspect()
    assert str(graphql.build_schema(SCHEMA).type_map["Query"].fields["a"].args["y"].type) == "[[Int!]!]!"
    assert str(schema.type_map["Query"].fields["a"].args["y"].type) == "[[Int!]!]!"
    assert len(server.asked) == attempts


@pytest.mark.parametrize(
    ("server", "message"),
    [
        (
            GraphQLServer(SCHEMA, NO_INTROSPECTION),
            r"refuses introspection: GraphQL introspection has been disabled[^;]*\n.* probe$",
        ),
        (
            GraphQLServer(reply=(401, b'{"error": "no"}')),
            rf'asks for a key: set {KEY_VARIABLE} \(HTTP 401: {{"error": "no"}}\)',
        ),
        (GraphQLServer(reply=(200, b"<html>Hello")), r"does not answer as a GraphQL server \(HTTP 200: <html>Hello\)"),
        (GraphQLServer(reply=(502, b'["data"]')), r"does not answer as a GraphQL server \(HTTP 502"),
        (GraphQLServer(reply=(200, b'{"data": {"__schema": {}}}')), "of a valid schema: 'types' is missing$"),
        (GraphQLServer(reply=(200, b'{"data": {"__schema": null}}')), "of a valid schema: Invalid or incomplete"),
        (GraphQLServer(reply=(200, b'{"data": null}')), "of a valid schema: there is no __schema in it"),
        (GraphQLServer(reply=(200, b'{"data":' + b"[" * 100_000)), "does not answer as a GraphQL server"),
        (GraphQLServer(reply=(200, b'{"data":' + b'{"a":' * 400 + b"1" + b"}" * 401)), "there is no __schema in it"),
    ],
)
def test_what_a_server_does_wrong_is_told(server: GraphQLServer, message: str) -> None:
    """No introspection, no key, no GraphQL and no schema have messages of their own."""
    with server.running(), pytest.raises(CodegenError, match=message):
        Server(server.url).introspect()


@pytest.mark.parametrize("auth", ["query", "header"])
def test_the_key_goes_where_it_belongs(auth: Any, caplog: pytest.LogCaptureFixture) -> None:
    """It reaches the server in one place, and no log and no message."""
    caplog.set_level(logging.DEBUG)
    with GraphQLServer(reply=(403, f"bad {KEY}".encode())).running() as server:
        with pytest.raises(
            CodegenError, match=rf"refuses the key in {KEY_VARIABLE} \(HTTP 403: bad \*\*\*\)"
        ) as caught:
            Server(server.url, KEY, auth).ask("{__typename}", "")
        path, headers, _ = server.asked[0]
    assert (KEY in path, KEY in str(headers)) == (auth == "query", auth == "header")
    assert KEY not in caplog.text + str(caught.value)
    assert "HTTP Request: POST" in caplog.text


@pytest.mark.parametrize(
    ("url", "key", "message"),
    [
        ("https://example.org/?api_key=x", "", "leave api_key out"),
        ("http://example.org/", "k", "use https"),
        ("http://10.0.0.1/", "k", "use https"),
        ("https://example.org/", "k\n", "characters that a key cannot have"),
        ("http://localhost:port/", "", "^http://localhost:port/ is not a valid URL: Invalid port"),
        (
            f"http://{KEY}:x@here:bad/graphql?api_key={KEY}",
            "",
            "^http://here:bad/graphql is not a valid URL: Invalid port: 'bad'$",
        ),
        ("http://localhost:65536/", "", "is not a valid URL: Invalid port: 65536"),
        ("http://xn--/", "", "^http://xn--/ is not a valid URL: Malformed A-label"),
        (f"http://here:bad/{KEY}", KEY, r"^http://here:bad/\*\*\* is not a valid URL"),
    ],
)
def test_what_would_give_the_key_away_is_refused(url: str, key: str, message: str) -> None:
    """Nothing is sent in the clear, and a wrong key or URL is refused."""
    with pytest.raises(CodegenError, match=message):
        Server(url, key)


def test_this_machine_needs_no_tls() -> None:
    """Loopback is fine by name and by number."""
    assert [Server(f"http://{host}/", KEY).url for host in ("localhost", "127.0.0.1", "[::1]")]
    assert KEY not in repr(Server("http://localhost/", KEY))


def test_proxies_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment says of proxies holds here too."""
    answer = json.dumps({"data": {"__typename": "Query"}}).encode()
    with GraphQLServer(reply=(200, answer)).running() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        assert Server("http://server.example/graphql").ask("{__typename}", "").data
        assert proxy.asked[0][0] == "http://server.example/graphql"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("bad tpo_a/b+c&d", "bad ***"),
        ("/?api_key=tpo_a%2Fb%2Bc%26d&x", "/?api_key=***&x"),
        ("/?api_key=tpo_a%2fb%2bc%26d", "/?api_key=***"),
        ("/?api_key=tpo_a%252Fb%252Bc%2526d", "/?api_key=***"),
        ("/?api_key=tpo_a/b%2Bc%26d", "/?api_key=***"),
        ("<b>tpo_a/b+c&amp;d</b>", "<b>***</b>"),
        ("\x1b[31mred\x1b[0m\nof \u202etpo_a/b\x1b[1m+c&d", "red of ***"),
    ],
)
@pytest.mark.parametrize("status", [403, 500])
def test_no_spelling_of_the_key_is_shown(said: str, shown: str, status: int) -> None:
    """However a server repeats it; and what it says is one line of what can be printed."""
    with GraphQLServer(reply=(status, said.encode())).running() as server, pytest.raises(CodegenError) as caught:
        Server(server.url, "tpo_a/b+c&d").ask("{__typename}", "")
    assert str(caught.value).endswith(f"(HTTP {status}: {shown})")


def test_descriptions_keep_their_lines() -> None:
    """The schema that is applied is as it was written, but for the key and what steers a terminal."""
    written = (
        f'{{"data": {{"__typename": "one\\n\\ttwo\\u001b[1m {KEY}", "{KEY}": 1}}, "errors": [{{"message": "{KEY}"}}]}}'
    )
    with GraphQLServer(reply=(200, written.encode())).running() as server:
        reply = Server(server.url, KEY).ask("{__typename}", "")
    assert reply.data == {"__typename": "one\n\ttwo ***", "***": 1}
    assert reply.words == "***"


def test_a_short_key_is_part_of_other_words() -> None:
    """A server on this machine may be asked with any word for a key, and answers whole."""
    with GraphQLServer(reply=(200, b'{"data": {"__typename": "Test"}}')).running() as server:
        assert Server(server.url, "Test").ask("{__typename}", "").data == {"__typename": "Test"}


@contextmanager
def dripping(head: bytes) -> Iterator[str]:
    """A server whose answer goes on until the client has gone."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(head)
                while not select.select([connection], [], [], 0.01)[0] or connection.recv(65536):
                    connection.sendall(b"x")

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join()


@contextmanager
def redirecting(location: str) -> Iterator[str]:
    """A server that points elsewhere."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(307)
            self.send_header("location", location)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        thread.join()


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", b"HTTP/1.1 200 OK\r\nx-slow: "])
def test_an_answer_has_a_deadline(head: bytes) -> None:
    """It is for the whole answer, whether head or body is slow."""
    with dripping(head) as url, pytest.raises(CodegenError, match=r"did not answer within 0\.2 s"):
        Server(url, timeout=0.2).ask("{__typename}", "")


@pytest.mark.parametrize(
    ("location", "where"),
    [
        (f"https://user:pass@other.example/graphql?api_key={KEY}", "https://other.example/graphql"),
        ("/v2/graphql", r"http://127.0.0.1:\d+/v2/graphql"),
    ],
)
def test_a_redirect_is_told_and_not_followed(location: str, where: str) -> None:
    """Where it points, without what may hold the key."""
    with redirecting(location) as url, pytest.raises(CodegenError, match=rf" points to {where} \(HTTP 307\): give"):
        Server(url, KEY).ask("{__typename}", "")


def test_this_machine_is_never_asked_for_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server on loopback is reached directly, by name or address, whatever the environment says."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    answer = json.dumps({"data": {"__typename": "Query"}}).encode()
    with GraphQLServer(reply=(200, answer)).running() as server:
        for url in (server.url, server.url.replace("127.0.0.1", "localhost")):
            assert Server(url).ask("{ __typename }", "Any").data == {"__typename": "Query"}
    assert [is_loopback(each) for each in ("a.localhost", "::1", "127.9.9.9", "10.0.0.1", "host")] == [
        *(True, True, True),
        *(False, False),
    ]


@pytest.mark.parametrize("proxy", ["gopher://proxy", "socks5://proxy:1", "http://proxy:port"])
def test_a_proxy_that_is_of_no_use_is_told(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """A scheme that is not known, one that needs another package, and no URL."""
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(CodegenError, match=r"the proxy that the environment names for http://a/ is of no use: "):
        Server("http://a/").ask("{__typename}", "")
