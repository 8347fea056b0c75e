"""The HTTP side: path, method, key, and a request id for each answer. Runs on any event loop."""

from __future__ import annotations

import itertools
import logging
import time
from collections import deque
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response

from tensorone.emulator._graphql.answers import Answer, refused
from tensorone.emulator._graphql.documents import BadRequest
from tensorone.emulator._graphql.service import Call, Service
from tensorone.emulator._world.request_log import Request

from .access_log import AccessEntry
from .answer_faults import too_many_requests
from .connection import NoConnection
from .exchange import Exchange
from .fault_effects import respond
from .media_type import negotiated

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from tensorone.emulator._graphql.resolvers import Right
    from tensorone.emulator._world.world import World

    from .faults import Faults
    from .keys import Keys
    from .rate_limit import RateLimit


PATH = "/graphql"


SECRET_HEADERS = frozenset({"authorization", "cookie"})


SLOW = 1.0


KEPT = 100  # lines of the log


_logger = logging.getLogger("tensorone.emulator")


class App:
    """The ASGI application.

    Attributes:
        world: The state that the answers come from; may be replaced between requests.
        rate_limit: Refuses requests beyond a rate; None refuses none.
        lines: The latest lines of the log of requests.
    """

    def __init__(self, service: Service, keys: Keys, faults: Faults, world: World, *, max_body: int) -> None:
        self.world = world
        self.rate_limit: RateLimit | None = None
        self.lines: deque[str] = deque(maxlen=KEPT)
        self._service = service
        self._keys = keys
        self._faults = faults
        self._max_body = max_body
        self._ids = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; ignores lifespan events."""
        if scope["type"] != "http":
            return
        entry = AccessEntry()
        try:
            response = await self._respond(HttpRequest(scope, receive), entry)
            entry.status = response.status_code if response else None
        except ClientDisconnect:
            return
        finally:
            self.lines.append(entry.write())
        if response is not None:
            response.headers["x-request-id"] = f"emulator-{next(self._ids):08}"
            await response(scope, receive, send)

    async def _respond(self, request: HttpRequest, entry: AccessEntry) -> Response | None:
        if request.url.path == "/" and request.method == "GET":
            return PlainTextResponse(f"tensorone emulator: POST {PATH}\n")
        if request.url.path != PATH:
            return PlainTextResponse("Not Found", 404)
        if request.method != "POST":
            return PlainTextResponse("Method Not Allowed", 405, {"allow": "POST"})
        body = await self._body(request)
        if body is None:
            return PlainTextResponse("Payload Too Large", 413)
        return await self._graphql(request, body, entry)

    async def _graphql(self, request: HttpRequest, body: bytes, entry: AccessEntry) -> Response | None:
        call = self._read(request, body)
        if isinstance(call, Call):
            entry.note_operation(call.chosen)
        self._record(request, body, call)
        if self.rate_limit is not None and (seconds := self.rate_limit.wait()):
            return too_many_requests(seconds)
        key = _key(request)
        rights = None if key is None else self._keys.rights(key)
        if key is not None and rights is None:
            return PlainTextResponse("Unauthorized", 401)
        if isinstance(call, BadRequest):
            return refused(call).response(_media_type(request))
        exchange = self._exchange(request, call, rights)
        faults = self._faults.for_request(call.chosen, exchange.world.now)
        entry.note_faults(faults)
        return await respond(faults, exchange)

    def _exchange(self, request: HttpRequest, call: Call, rights: frozenset[Right] | None) -> Exchange:
        world = self.world
        return Exchange(
            response_keys=call.chosen.response_keys,
            enum_fields=self._service.enum_fields,
            carry_out=lambda: self._carry_out(call, world, rights),
            world=world,
            media_type=_media_type(request),
            connection=request.scope.get("state", {}).get("connection") or NoConnection(),
            receive=request.receive,
        )

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

    def _carry_out(self, call: Call, world: World, rights: frozenset[Right] | None) -> Answer:
        began = time.perf_counter()
        answer = self._service.answer(call, world, rights)
        took = time.perf_counter() - began
        # Neither the document nor the URL, which contain env values and the key.
        level = logging.WARNING if took > SLOW else logging.DEBUG
        _logger.log(level, "%s: %d after %.1f ms", ", ".join(call.chosen.root_fields), answer.status, took * 1000)
        return answer

    async def _body(self, request: HttpRequest) -> bytes | None:
        """The whole body; None once it exceeds the limit."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._max_body:
                return None
        return bytes(body)


def _media_type(request: HttpRequest) -> str:
    return negotiated(request.headers.getlist("accept"))


def _key(request: HttpRequest) -> str | None:
    """The key of a request: in its URL, or as a bearer token."""
    if "api_key" in request.query_params:
        return request.query_params["api_key"]
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else None
