"""The HTTP side: one path, one method, the key, and answers with a request id. Runs on any event loop."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response

from ._documents import BadRequest
from ._journal import Request
from ._service import Answer, Call, Service, refused

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from ._keys import Keys
    from ._world import World

PATH = "/graphql"
SECRET_HEADERS = frozenset({"authorization", "cookie"})


class App:
    """The ASGI application.

    Attributes:
        world: What the answers come from; may be exchanged between requests.
    """

    def __init__(self, service: Service, keys: Keys, world: World, *, max_body: int) -> None:
        self.world = world
        self._service = service
        self._keys = keys
        self._max_body = max_body
        self._ids = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; there is nothing to do for a lifespan."""
        if scope["type"] != "http":
            return
        response = await self._respond(HttpRequest(scope, receive))
        response.headers["x-request-id"] = f"emulator-{next(self._ids):08}"
        await response(scope, receive, send)

    async def _respond(self, request: HttpRequest) -> Response:
        if request.url.path != PATH:
            if request.method == "GET" and request.url.path == "/":
                return PlainTextResponse(f"tensorone emulator: POST {PATH}\n")
            return PlainTextResponse("Not Found", 404)
        if request.method != "POST":
            return PlainTextResponse("Method Not Allowed", 405, {"allow": "POST"})
        body = await self._body(request)
        if body is None:
            return PlainTextResponse("Payload Too Large", 413)
        return self._graphql(request, body)

    def _graphql(self, request: HttpRequest, body: bytes) -> Response:
        call = self._read(request, body)
        self._record(request, body, call)
        key = _key(request)
        rights = None if key is None else self._keys.rights(key)
        if key is not None and rights is None:
            return PlainTextResponse("Unauthorized", 401)
        if isinstance(call, BadRequest):
            return _json(refused(call))
        return _json(self._service.answer(call, self.world, rights))

    def _read(self, request: HttpRequest, body: bytes) -> Call | BadRequest:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return BadRequest("BAD_REQUEST", "The content type must be application/json.")
        try:
            return self._service.read(body)
        except BadRequest as error:
            return error

    def _record(self, request: HttpRequest, body: bytes, call: Call | BadRequest) -> None:
        entry = Request(
            root_fields=call.chosen.root_fields if isinstance(call, Call) else (),
            operation_name=call.chosen.name if isinstance(call, Call) else None,
            body=body.decode(errors="replace"),
            headers={name: value for name, value in request.headers.items() if name not in SECRET_HEADERS},
            at=self.world.now,
        )
        self.world.record(entry)

    async def _body(self, request: HttpRequest) -> bytes | None:
        """The whole body; None as soon as it is too large."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._max_body:
                return None
        return bytes(body)


def _key(request: HttpRequest) -> str | None:
    """The key of a request: in its URL, or as a bearer token."""
    if "api_key" in request.query_params:
        return request.query_params["api_key"]
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else None


def _json(answer: Answer) -> Response:
    """JSON in plain ASCII: what a client sends may hold lone surrogates, and comes back."""
    return Response(json.dumps(answer.content), answer.status, media_type="application/json")
