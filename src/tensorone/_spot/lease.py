"""`spot.lease`: a spot cluster for the duration of a block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from tensorone._clusters.lease import check_port, lease

from .acquire import acquire
from .terms import OptionalTerms

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tensorone._clusters.lease import OnExit
    from tensorone._clusters.spec import ClusterSpec
    from tensorone._generated import Cluster
    from tensorone._market.attempt_log import Attempt
    from tensorone._market.bidding import BidPolicy
    from tensorone._session.session import Session


class SearchOptions(OptionalTerms, total=False):
    """Keywords of `spot.acquire` that `spot.lease` passes on."""

    expires_in: float | None
    on_attempt: Callable[[Attempt], object] | None


def lease_spot(  # noqa: PLR0913 - what `spot.lease` was given
    session: Session,
    spec: ClusterSpec,
    *,
    bidding: BidPolicy,
    timeout: float,
    on_exit: OnExit,
    port: int | None,
    **search: Unpack[SearchOptions],
) -> AbstractAsyncContextManager[Cluster]:
    """The block of `spot.lease`."""
    check_port(spec, port)

    async def rent() -> str:
        rental = await acquire(session, spec, bidding=bidding, timeout=timeout, call="spot.lease", **search)
        return rental.cluster.id

    return lease(session, rent, timeout=timeout, on_exit=on_exit, port=port, call="spot.lease")
