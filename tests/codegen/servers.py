"""A GraphQL server on loopback that counts what it executes, and answers what a test has set."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import graphql
from graphql.validation.rules.custom.no_schema_introspection import NoSchemaIntrospectionCustomRule

if TYPE_CHECKING:
    from collections.abc import Iterator

Reply = tuple[int, bytes]


class GraphQLServer:
    """A server of a schema.

    Args:
        schema: What it serves.
        rules: Rules of validation beside the usual ones; None for no validation at all.
        reply: What it answers whatever is asked, if anything.
        unknown: Words in a document that it refuses, as an older server would.
    """

    def __init__(
        self, schema: str = "type Query { a: Int }", rules: Any = (), reply: Reply | None = None, unknown: str = ""
    ) -> None:
        self.schema = graphql.build_schema(schema)
        self.rules = rules
        self.reply = reply
        self.unknown = unknown
        self.url = ""
        self.executed: list[str] = []
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []

    def answer(self, body: dict[str, Any]) -> Reply:
        """Validates the whole document, then executes the operation that is named."""
        if self.reply:
            return self.reply
        if self.unknown and self.unknown in body["query"]:
            return _json(400, {"errors": [{"message": f"Unknown argument {self.unknown!r}."}]})
        document = graphql.parse(body["query"])
        rules = None if self.rules is None else [*graphql.specified_rules, *self.rules]
        if errors := rules and graphql.validate(self.schema, document, rules):
            return _json(400, {"errors": [error.formatted for error in errors]})
        result = graphql.execute_sync(
            self.schema, document, operation_name=body["operationName"], field_resolver=self._resolve
        )
        return _json(200, result.formatted)

    def _resolve(self, _: Any, info: graphql.GraphQLResolveInfo, **arguments: Any) -> Any:
        self.executed.append(info.field_name)

    @contextmanager
    def running(self) -> Iterator[GraphQLServer]:
        """Serves on a free port while the block lasts."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.asked.append((self.path, dict(self.headers), body))
                status, content = outer.answer(body)
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            self.url = f"http://127.0.0.1:{server.server_address[1]}/graphql"
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


def _json(status: int, content: Any) -> Reply:
    return status, json.dumps(content).encode()


NO_INTROSPECTION = (NoSchemaIntrospectionCustomRule,)
