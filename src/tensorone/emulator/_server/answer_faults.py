"""Faults of the answer: another status, a body that is not JSON, or other JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, PlainTextResponse, Response

from tensorone.emulator._graphql.answers import Answer
from tensorone.emulator._refusals import INTERNAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from .exchange import Exchange
    from .fault import Fault, Kind

    Json = dict[str, "Json"] | list["Json"] | str | float | bool | None


UNKNOWN_VALUE = "HIBERNATING"


BAD_GATEWAY = (
    "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
)


MEANINGLESS = "Something was not right."


def too_many_requests(retry_after: int | str) -> Response:
    """HTTP 429; no body of the service is on record."""
    return PlainTextResponse("Too Many Requests", 429, {"retry-after": str(retry_after)})


def _rate_limited(fault: Fault, _: Exchange, __: Answer) -> Response:
    return too_many_requests(1 if fault.retry_after is None else fault.retry_after)


def _bad_gateway(fault: Fault, _: Exchange, __: Answer) -> Response:
    return HTMLResponse(BAD_GATEWAY, fault.status or 502, _retry_after(fault))


def _server_error(fault: Fault, _: Exchange, __: Answer) -> Response:
    return PlainTextResponse("Internal Server Error", fault.status or 500, _retry_after(fault))


def _graphql_error(fault: Fault, exchange: Exchange, _: Answer) -> Response:
    if fault.path is False:
        content: dict[str, Any] = {"errors": [_entry(fault)]}
    else:
        errors = [{"path": [key]} | _entry(fault) for key in exchange.response_keys]
        content = {"errors": errors} | exchange.nothing().content
    response = Answer(fault.status or 200, content).response(exchange.media_type)
    response.headers.update(_retry_after(fault))
    return response


def _entry(fault: Fault) -> dict[str, Any]:
    """An entry of `errors` as the fault describes it."""
    code = {} if fault.code is None else {"code": fault.code}
    extensions = code | dict(fault.extensions or {})
    message = MEANINGLESS if fault.message is None else fault.message
    return {"message": message} | ({"extensions": extensions} if extensions else {}) | dict(fault.entry or {})


def _retry_after(fault: Fault) -> dict[str, str]:
    return {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}


def _garbage(fault: Fault, exchange: Exchange, _: Answer) -> Response:
    return Response(fault.body, media_type=exchange.media_type)


def _null(_: Fault, exchange: Exchange, __: Answer) -> Response:
    return exchange.nothing().response(exchange.media_type)


def _internal_error(fault: Fault, exchange: Exchange, _: Answer) -> Response:
    return _data_with_errors(fault, exchange, exchange.nothing())


def _data_with_errors(_: Fault, exchange: Exchange, answer: Answer) -> Response:
    code = {"code": "INTERNAL_SERVER_ERROR"}
    errors = [{"message": INTERNAL, "path": [key], "extensions": code} for key in exchange.response_keys]
    return replace(answer, content={"errors": errors} | answer.content).response(exchange.media_type)


def _unknown_enum(_: Fault, exchange: Exchange, answer: Answer) -> Response:
    def change(fields: dict[str, Any]) -> dict[str, Any]:
        return fields | dict.fromkeys(fields.keys() & exchange.enum_fields, UNKNOWN_VALUE)

    return _changed(answer, change).response(exchange.media_type)


def _extra_field(_: Fault, exchange: Exchange, answer: Answer) -> Response:
    return _changed(answer, lambda fields: fields | {"unheardOf": {"value": 1}}).response(exchange.media_type)


def _changed(answer: Answer, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Answer:
    """The answer with every object in its data changed; without data it stays as it is."""

    def walk(value: Json) -> Json:
        if isinstance(value, list):
            return [walk(each) for each in value]
        if isinstance(value, dict):
            return change({key: walk(each) for key, each in value.items()})
        return value

    if "data" not in answer.content:
        return answer
    return replace(answer, content=answer.content | {"data": walk(answer.content["data"])})


ON_THE_ANSWER: dict[Kind, Callable[[Fault, Exchange, Answer], Response]] = {
    "rate_limited": _rate_limited,
    "bad_gateway": _bad_gateway,
    "server_error": _server_error,
    "internal_error": _internal_error,
    "graphql_error": _graphql_error,
    "garbage": _garbage,
    "data_with_errors": _data_with_errors,
    "null": _null,
    "unknown_enum": _unknown_enum,
    "extra_field": _extra_field,
}
