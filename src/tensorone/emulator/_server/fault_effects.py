"""Applies the faults of a request, in order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from .answer_faults import ON_THE_ANSWER
from .connection_faults import ON_THE_CONNECTION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.responses import Response

    from tensorone.emulator._graphql.answers import Answer

    from .exchange import Exchange
    from .fault import Fault


async def respond(faults: Sequence[Fault], exchange: Exchange) -> Response | None:
    """The answer to a request after its faults; None if the connection carries no answer."""
    for fault in faults:
        if fault.kind == "delay":
            await anyio.sleep(fault.duration)
        elif fault.kind == "listing_lag":
            exchange = replace(exchange, carry_out=_lagging(fault, exchange))
        else:
            return await _apply(fault, exchange)
    return exchange.carry_out().response(exchange.media_type)


async def _apply(fault: Fault, exchange: Exchange) -> Response | None:
    answer = exchange.carry_out() if fault.commits else exchange.nothing()
    if fault.kind in ON_THE_ANSWER:
        return ON_THE_ANSWER[fault.kind](fault, exchange, answer)
    return await ON_THE_CONNECTION[fault.kind](fault, exchange, answer)


def _lagging(fault: Fault, exchange: Exchange) -> Callable[[], Answer]:
    def carry_out() -> Answer:
        with exchange.world.listing_lags(fault.duration):
            return exchange.carry_out()

    return carry_out
