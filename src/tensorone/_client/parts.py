"""What a client is put together from.

httpx, pydantic and the wings come with it, so it is imported when a client is made, and not with the client's class.
"""

from __future__ import annotations

from typing import Any

from tensorone import _checks
from tensorone._errors import InvalidArgument
from tensorone._events.emitter import Emitter
from tensorone._events.log import show_as_configured
from tensorone._graphql.executor import Executor
from tensorone._graphql.request_queue import RequestQueue
from tensorone._graphql.retry import RetryPolicy
from tensorone._http.lifetime import Lifetime
from tensorone._http.transport import Transport
from tensorone._namespaces.account import Accounts
from tensorone._namespaces.clusters import Clusters
from tensorone._namespaces.endpoints import Endpoints
from tensorone._namespaces.fleet import Fleets
from tensorone._namespaces.gpu_types import GpuTypes
from tensorone._namespaces.spot import Spot
from tensorone._namespaces.templates import Templates
from tensorone._session.gated_executor import GatedExecutor
from tensorone._session.session import Session

from .warm import warm

__all__ = [
    "Accounts",
    "Clusters",
    "Emitter",
    "Endpoints",
    "Executor",
    "Fleets",
    "GatedExecutor",
    "GpuTypes",
    "Lifetime",
    "RetryPolicy",
    "Session",
    "Spot",
    "Templates",
    "Transport",
    "checked_retry",
    "checked_transport",
    "queue",
    "show_as_configured",
    "warm",
]


def checked_retry(given: object) -> RetryPolicy:
    """How often to repeat what is safe to repeat; by itself as `RetryPolicy` has it."""
    return RetryPolicy() if given is None else _checks.instance("retry", given, RetryPolicy, "RetryPolicy(…)")


def checked_transport(given: Any) -> Any:
    """A transport of the caller's own, if any: an asynchronous one, since the client is."""
    if given is not None and not callable(getattr(given, "handle_async_request", None)):
        words = f"must be an asynchronous transport, such as httpx.ASGITransport(app), not {type(given).__name__}"
        raise InvalidArgument("transport", words)
    return given


def queue(max_connections: int, requests_per_second: float | None) -> RequestQueue:
    """The queue of a client's requests, as its arguments say."""
    width = _checks.integer("max_connections", max_connections, least=1)
    if requests_per_second is None:
        return RequestQueue(width)
    return RequestQueue(width, requests_per_second=_checks.rate("requests_per_second", requests_per_second))
