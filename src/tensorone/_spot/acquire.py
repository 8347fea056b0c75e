"""`spot.acquire`: bids until a spot cluster is won."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone._errors import InvalidArgument
from tensorone._session.cluster_status import STOPPED

if TYPE_CHECKING:
    from .result import SpotRental


def not_stopped(rental: SpotRental) -> SpotRental:
    """Refuses a cluster that was found by its token and does not run: it is not won, and another would duplicate it.

    Raises:
        InvalidArgument: It is stopped.
    """
    status = getattr(rental.cluster, "desired_status", None)
    if rental.kind is None and status in STOPPED:
        raise InvalidArgument(
            "client_token",
            f"cluster {rental.cluster.id} carries it and is {status}: resume it with spot.recover, or terminate it,"
            " or take another token",
        )
    return rental
