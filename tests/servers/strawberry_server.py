"""The schema served by strawberry, from the code that strawberry makes of it; counts what is resolved.

    python strawberry_server.py DIRECTORY-OF-THE-CODE [no-mutations]
"""

import sys
import wsgiref.simple_server

import strawberry
from strawberry.extensions import SchemaExtension

sys.path.insert(0, sys.argv[1])
import made_schema

EXECUTED: list[str] = []


class Counting(SchemaExtension):
    """Notes every field that is resolved."""

    def resolve(self, _next, root, info, *arguments, **keywords):
        EXECUTED.append(info.field_name)
        return _next(root, info, *arguments, **keywords)


MUTATION = None if "no-mutations" in sys.argv else made_schema.Mutation
SCHEMA = strawberry.Schema(query=made_schema.Query, mutation=MUTATION, extensions=[Counting])


def answer(environ, start_response):
    """One request: a GraphQL one, or what was executed since the last time."""
    import json

    if environ["PATH_INFO"] == "/executed":
        content = json.dumps(EXECUTED)
        EXECUTED.clear()
    else:
        body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        found = SCHEMA.execute_sync(body["query"], operation_name=body.get("operationName"))
        errors = [error.formatted for error in found.errors or ()]
        content = json.dumps({"data": found.data} | ({"errors": errors} if errors else {}))
    start_response("200 OK", [("content-type", "application/json"), ("content-length", str(len(content.encode())))])
    return [content.encode()]


with wsgiref.simple_server.make_server("127.0.0.1", 0, answer) as server:
    print(server.server_port, flush=True)
    server.serve_forever()
