"""How each fault happens to a request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import anyio
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from tensorone.emulator._graphql.answers import Answer
from tensorone.emulator._refusals import INTERNAL

from .connection import Wire, until_disconnected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.types import Receive, Scope, Send

    from tensorone.emulator._world.world import World

    from .fault import Fault, Kind

    Json = dict[str, "Json"] | list["Json"] | str | float | bool | None


UNHEARD_OF = "HIBERNATING"


BAD_GATEWAY = (
    "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request about to be answered.

    Attributes:
        response_keys: Keys its `data` would have.
        enum_fields: Names of fields whose values are enum values.
        carry_out: Carries the request out, and answers it.
    """

    response_keys: tuple[str, ...]
    enum_fields: frozenset[str]
    carry_out: Callable[[], Answer]
    world: World
    wire: Wire
    receive: Receive

    def nothing(self) -> Answer:
        """Null for every root field."""
        return Answer(200, {"data": dict.fromkeys(self.response_keys)})


async def meet(faults: Sequence[Fault], exchange: Exchange) -> Response | None:
    """Answers a request with what its faults leave of the answer; None when no answer is left."""
    for fault in faults:
        if fault.kind == "delay":
            await anyio.sleep(fault.duration)
        elif fault.kind == "listing_lag":
            exchange = replace(exchange, carry_out=_lagging(fault, exchange))
        else:
            return await _strike(fault, exchange)
    return exchange.carry_out().response()


async def _strike(fault: Fault, exchange: Exchange) -> Response | None:
    answer = exchange.carry_out() if fault.commits else exchange.nothing()
    if fault.kind in _IN_THE_ANSWER:
        return _IN_THE_ANSWER[fault.kind](fault, exchange, answer)
    await _ON_THE_WIRE[fault.kind](fault, exchange)
    return None


def _lagging(fault: Fault, exchange: Exchange) -> Callable[[], Answer]:
    def carry_out() -> Answer:
        with exchange.world.listing_lags(fault.duration):
            return exchange.carry_out()

    return carry_out


async def _refuse(fault: Fault, exchange: Exchange) -> None:
    await exchange.wire.refuse(fault.duration)


async def _close(_: Fault, exchange: Exchange) -> None:
    exchange.wire.close()
    await until_disconnected(exchange.receive)


async def _reset(_: Fault, exchange: Exchange) -> None:
    exchange.wire.reset()
    await until_disconnected(exchange.receive)


async def _hang(_: Fault, exchange: Exchange) -> None:
    await until_disconnected(exchange.receive)


async def _commit_late(fault: Fault, exchange: Exchange) -> None:
    exchange.world.later(fault.duration, exchange.carry_out)
    await _close(fault, exchange)


def _truncate(_: Fault, exchange: Exchange, answer: Answer) -> Response:
    return _Cut(answer.response().body, exchange.wire)


def _rate_limited(fault: Fault, _: Exchange, __: Answer) -> Response:
    return too_many_requests(fault.retry_after)


def _bad_gateway(fault: Fault, _: Exchange, __: Answer) -> Response:
    return HTMLResponse(BAD_GATEWAY, fault.status or 502)


def _server_error(fault: Fault, _: Exchange, __: Answer) -> Response:
    return PlainTextResponse("Internal Server Error", fault.status or 500)


def _garbage(fault: Fault, _: Exchange, __: Answer) -> Response:
    return Response(fault.body, media_type="application/json")


def _null(_: Fault, exchange: Exchange, __: Answer) -> Response:
    return exchange.nothing().response()


def _internal_error(fault: Fault, exchange: Exchange, _: Answer) -> Response:
    return _data_with_errors(fault, exchange, exchange.nothing())


def _data_with_errors(_: Fault, exchange: Exchange, answer: Answer) -> Response:
    code = {"code": "INTERNAL_SERVER_ERROR"}
    errors = [{"message": INTERNAL, "path": [key], "extensions": code} for key in exchange.response_keys]
    return replace(answer, content={"errors": errors} | answer.content).response()


def _unknown_enum(_: Fault, exchange: Exchange, answer: Answer) -> Response:
    def change(fields: dict[str, Any]) -> dict[str, Any]:
        return fields | dict.fromkeys(fields.keys() & exchange.enum_fields, UNHEARD_OF)

    return _changed(answer, change)


def _extra_field(_: Fault, __: Exchange, answer: Answer) -> Response:
    return _changed(answer, lambda fields: fields | {"unheardOf": {"value": 1}})


def _changed(answer: Answer, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Response:
    """The answer with every object in its data changed; without data there is nothing to change."""

    def walk(value: Json) -> Json:
        if isinstance(value, list):
            return [walk(each) for each in value]
        if isinstance(value, dict):
            return change({key: walk(each) for key, each in value.items()})
        return value

    if "data" not in answer.content:
        return answer.response()
    return replace(answer, content=answer.content | {"data": walk(answer.content["data"])}).response()


def too_many_requests(retry_after: int | str) -> Response:
    """HTTP 429; what its body would be, nobody has recorded."""
    return PlainTextResponse("Too Many Requests", 429, {"retry-after": str(retry_after)})


class _Cut(Response):
    """Announces its whole length, sends half, and closes."""

    def __init__(self, body: bytes | memoryview, wire: Wire) -> None:
        super().__init__(bytes(body), media_type="application/json")
        self._wire = wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": half, "more_body": True})
        self._wire.close()
        await until_disconnected(receive)


_ON_THE_WIRE: dict[Kind, Callable[[Fault, Exchange], Awaitable[None]]] = {
    "refuse": _refuse,
    "close": _close,
    "reset": _reset,
    "hang": _hang,
    "commit_late": _commit_late,
}


_IN_THE_ANSWER: dict[Kind, Callable[[Fault, Exchange, Answer], Response]] = {
    "truncate": _truncate,
    "rate_limited": _rate_limited,
    "bad_gateway": _bad_gateway,
    "server_error": _server_error,
    "internal_error": _internal_error,
    "garbage": _garbage,
    "data_with_errors": _data_with_errors,
    "null": _null,
    "unknown_enum": _unknown_enum,
    "extra_field": _extra_field,
}
