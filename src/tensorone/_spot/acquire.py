"""`spot.acquire`: bids until a spot cluster is won."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack
from zlib import crc32

from tensorone._errors import InvalidArgument
from tensorone._events.spans import traced
from tensorone._session.cluster_status import STOPPED

from .request import checked_search, spot_request
from .search import Search
from .terms import TermOptions, search_terms

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tensorone._clusters.spec import ClusterSpec
    from tensorone._market.attempt_log import Attempt
    from tensorone._session.session import Session

    from .result import SpotRental


@traced("spot.acquire")
async def acquire(  # noqa: PLR0913 - what `spot.acquire` was given
    session: Session,
    spec: ClusterSpec,
    *,
    timeout: float,
    client_token: str | None = None,
    token_sent_at: datetime | None = None,
    expires_in: float | None = None,
    on_attempt: Callable[[Attempt], object] | None = None,
    call: str = "spot.acquire",
    **terms: Unpack[TermOptions],
) -> SpotRental:
    """The function behind `spot.acquire`: one search. `call` is what the user called."""
    request = spot_request(
        spec,
        search_terms(**terms),
        client_token=client_token,
        token_sent_at=token_sent_at,
        expires_in=expires_in,
        on_attempt=on_attempt,
        events=session.events,
        call=call,
    )
    checked_search(session, request, timeout)
    search = Search(session, request, turn=crc32(request.token.encode()))
    return not_stopped(await search.run(timeout))


def not_stopped(rental: SpotRental) -> SpotRental:
    """Refuses a stopped cluster that was found by its token: it was not won, and renting another would duplicate it.

    Raises:
        InvalidArgument: It is stopped.
    """
    status = getattr(rental.cluster, "desired_status", None)
    if rental.kind is None and status in STOPPED:
        raise InvalidArgument(
            "client_token",
            f"cluster {rental.cluster.id} has this token and is {status}: resume it with spot.recover, terminate it,"
            " or use another token",
        )
    return rental
