"""The one error of a server that no longer offers spot clusters, whatever the request."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tensorone._errors import OperationUnsupported

if TYPE_CHECKING:
    from collections.abc import Generator


# What a server without spot lacks; None if it does not say what.
SPOT = frozenset({"clusterRentInterruptable", "clusterBidResume", "minimumBidPrice", None})


@contextmanager
def asking_for_spot() -> Generator[None]:
    """For requests that only spot clusters need: turns a refusal of the schema into the error of `no_spot`.

    Raises:
        OperationUnsupported: The server lacks something that spot clusters need.
    """
    try:
        yield
    except OperationUnsupported as error:
        if error.unsupported not in SPOT:
            raise
        raise no_spot(error) from error


def no_spot(error: OperationUnsupported) -> OperationUnsupported:
    """The error for a server without spot clusters, made from its own refusal."""
    return OperationUnsupported(
        f"this server offers no spot clusters to this version of the SDK: {error}."
        " Use clusters.deploy, or spot.acquire with capacity='auto' and an on_demand_ceiling; see `make update-schema`",
        unsupported=error.unsupported,
        operation=error.operation,
        attempts=error.attempts,
        errors=error.errors,
        status_code=error.status_code,
        request_id=error.request_id,
    )
