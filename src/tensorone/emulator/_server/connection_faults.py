"""Faults of the connection: refused, closed, reset, silent, or closed in the middle of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from .connection import Connection, until_disconnected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from tensorone.emulator._graphql.answers import Answer

    from .exchange import Exchange
    from .fault import Fault, Kind


async def _refuse(fault: Fault, exchange: Exchange, _: Answer) -> None:
    await exchange.connection.refuse(fault.duration)


async def _close(_: Fault, exchange: Exchange, __: Answer) -> None:
    exchange.connection.close()
    await until_disconnected(exchange.receive)


async def _reset(_: Fault, exchange: Exchange, __: Answer) -> None:
    exchange.connection.reset()
    await until_disconnected(exchange.receive)


async def _hang(_: Fault, exchange: Exchange, __: Answer) -> None:
    await until_disconnected(exchange.receive)


async def _commit_late(fault: Fault, exchange: Exchange, answer: Answer) -> None:
    exchange.world.later(fault.duration, exchange.carry_out)
    await _close(fault, exchange, answer)


async def _truncate(_: Fault, exchange: Exchange, answer: Answer) -> Response:
    return _Truncated(answer.response(exchange.media_type), exchange.connection)


class _Truncated(Response):
    """Announces the whole length of a response, sends half of it, and closes the connection."""

    def __init__(self, whole: Response, connection: Connection) -> None:
        super().__init__(bytes(whole.body), media_type=whole.media_type)
        self._connection = connection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": half, "more_body": True})
        self._connection.close()
        await until_disconnected(receive)


ON_THE_CONNECTION: dict[Kind, Callable[[Fault, Exchange, Answer], Awaitable[Response | None]]] = {
    "refuse": _refuse,
    "close": _close,
    "reset": _reset,
    "hang": _hang,
    "commit_late": _commit_late,
    "truncate": _truncate,
}
