"""The keywords of `TensorOne`, where they are handed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from tensorone._events.event import Event
    from tensorone._graphql.retry import RetryPolicy
    from tensorone._http.config import Arguments, Auth, Http
    from tensorone._http.transport import AsyncBaseTransport
    from tensorone._rate.gate import Gate


class Settings(TypedDict, total=False):
    """The keywords of `TensorOne`."""

    url: str | None
    auth: Auth
    transport: AsyncBaseTransport | None
    http: Http | None
    timeout: float
    retry: RetryPolicy | None
    arguments: Arguments
    max_connections: int
    max_response_bytes: int
    settle_time: float
    requests_per_second: float | None
    gate: Gate | None
    allow_insecure_http: bool
    max_hourly_spend: Decimal | float | None
    merge_reads: bool
    label: bool
    on_event: Callable[[Event], object] | None
