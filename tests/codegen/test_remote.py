"""Servers as the generator meets them."""

from __future__ import annotations

import json
import logging
from typing import Any

import graphql
import pytest
from codegen.servers import NO_INTROSPECTION, GraphQLServer
from graphql.validation.rules import ValidationRule

from tensorone_codegen._errors import CodegenError
from tensorone_codegen._remote import KEY_VARIABLE, Server

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
            r"does not tell its schema: GraphQL introspection has been disabled[^;]*\n.* probe$",
        ),
        (
            GraphQLServer(reply=(401, b'{"error": "no"}')),
            rf'asks for a key: set {KEY_VARIABLE} \(HTTP 401: {{"error": "no"}}\)',
        ),
        (GraphQLServer(reply=(200, b"<html>Hello")), r"does not answer as a GraphQL server \(HTTP 200: <html>Hello\)"),
        (GraphQLServer(reply=(502, b'["data"]')), r"does not answer as a GraphQL server \(HTTP 502"),
        (GraphQLServer(reply=(200, b'{"data": {"__schema": {}}}')), "not the introspection of a valid schema"),
        (GraphQLServer(reply=(200, b'{"data": null}')), "not the introspection of a valid schema"),
    ],
)
def test_what_a_server_does_wrong_is_told(server: GraphQLServer, message: str) -> None:
    """No introspection, no key, no GraphQL and no schema are told apart."""
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
        ("https://example.org/", "k\n", "characters that no key has"),
        ("http://localhost:port/", "", "is no URL"),
    ],
)
def test_what_would_give_the_key_away_is_refused(url: str, key: str, message: str) -> None:
    """Nothing is sent in the clear, and nothing that is no key or no URL."""
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
        assert Server("http://server.example/graphql").ask("{__typename}", "")["data"]
        assert proxy.asked[0][0] == "http://server.example/graphql"
