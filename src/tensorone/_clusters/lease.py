"""A cluster for the length of a block: rented on the way in, ended on the way out, whatever happens between."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

import anyio

from tensorone import _checks
from tensorone._concurrency import shield
from tensorone._concurrency.once import Once
from tensorone._errors import InvalidArgument, OutcomeUnknown, TensorOneError, WaitTimedOut
from tensorone._events.rentals import LeftBehind
from tensorone._graphql import calls

from . import cleanup, end, wait
from .deploy import deploy
from .spec import checked_spec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from tensorone._generated import Cluster
    from tensorone._session.session import Session

    from .spec import ClusterSpec


OnExit = Literal["stop", "terminate"]

EVERY = 5.0  # seconds between polls of a cluster that starts


def lease(  # noqa: PLR0913 - what both calls share
    session: Session,
    rent: Callable[[], Awaitable[str]],
    *,
    timeout: float,
    on_exit: OnExit,
    port: int | None,
    call: str,
) -> AbstractAsyncContextManager[Cluster]:
    """The block behind `clusters.lease` and `spot.lease`, which `call` names; `rent` returns the cluster's id."""
    return Once(_lease(session, rent, timeout=timeout, on_exit=on_exit, port=port, call=call), made_by=call)


@asynccontextmanager
async def _lease(  # noqa: PLR0913 - as above
    session: Session,
    rent: Callable[[], Awaitable[str]],
    *,
    timeout: float,
    on_exit: OnExit,
    port: int | None,
    call: str,
) -> AsyncGenerator[Cluster]:
    _checks.one_of("on_exit", on_exit, OnExit)
    deadline = anyio.current_time() + _checks.seconds("timeout", timeout)
    if port is not None:
        _checks.port_number("port", port)
    with calls.named(call):
        cluster_id = await rent()
    late: TensorOneError | None = None
    try:  # nothing may be awaited between the rental and this line
        try:
            with calls.named(call):
                cluster = await _running(session, cluster_id, port, deadline)
        except (WaitTimedOut, InvalidArgument) as error:
            late = error
            raise
        yield cluster
    except BaseException:
        # What went wrong matters more than an end that fails, which is an event.
        if await _ended(session, cluster_id, on_exit) and late is not None:
            late.billing = None if on_exit == "terminate" else f"a volume of cluster {cluster_id}, which is stopped"
        raise
    if not await _ended(session, cluster_id, on_exit):
        raise OutcomeUnknown(
            _left(cluster_id, on_exit),
            operation="StopCluster" if on_exit == "stop" else "TerminateCluster",
            billing=f"cluster {cluster_id} may be running and billed",
        )


async def _running(session: Session, cluster_id: str, port: int | None, deadline: float) -> Cluster:
    left = max(deadline - anyio.current_time(), 0.001)  # a rental may end past the deadline; then one poll is due
    return await wait.wait_until_up(session, cluster_id, port, timeout=left, every=EVERY, begun=True)


async def _ended(session: Session, cluster_id: str, how: OnExit) -> bool:
    within = session.settle_time + cleanup.GRACE
    ended = await shield.shielded(lambda: end.end(session, cluster_id, how), within=within)
    if not ended:
        session.events.emit(LeftBehind, cluster_ids=(cluster_id,), usd_per_hour=None, text=_left(cluster_id, how))
    return ended


def _left(cluster_id: str, how: OnExit) -> str:
    return f"the lease of cluster {cluster_id} is over and the cluster may still run: {how} it"


def check_port(spec: ClusterSpec, port: int | None) -> None:
    """Refuses to wait, and pay, for a port that the spec leaves shut."""
    checked_spec(spec)
    # A template may open ports of its own.
    _checks.opened(port, () if "templateId" in spec.further else spec.ports)


def lease_on_demand(  # noqa: PLR0913 - what `clusters.lease` was given
    session: Session, spec: ClusterSpec, *, timeout: float, on_exit: OnExit, port: int | None, expires_in: float | None
) -> AbstractAsyncContextManager[Cluster]:
    """The block of `clusters.lease`."""
    check_port(spec, port)
    if expires_in is not None and _checks.seconds("expires_in", expires_in) <= _checks.seconds("timeout", timeout):
        words = f"{expires_in:g} s are not more than timeout={timeout:g}: it could expire before the block begins"
        raise InvalidArgument("expires_in", words)

    async def rent() -> str:
        return (await deploy(session, spec, client_token=None, expires_in=expires_in)).id

    return lease(session, rent, timeout=timeout, on_exit=on_exit, port=port, call="clusters.lease")
