"""The one error of a server that no longer offers spot clusters, whatever was asked of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tensorone._errors import OperationUnsupported

if TYPE_CHECKING:
    from collections.abc import Generator


# What a server without spot lacks; None where it does not say what.
SPOT = frozenset({"clusterRentInterruptable", "clusterBidResume", "minimumBidPrice", None})


@contextmanager
def asking_for_spot() -> Generator[None]:
    """Says it of a request that can be asked for spot clusters only.

    Raises:
        OperationUnsupported: With the words of `no_spot`, where a part of spot is what the server lacks.
    """
    try:
        yield
    except OperationUnsupported as error:
        if error.unsupported not in SPOT:
            raise
        raise no_spot(error) from error


def no_spot(error: OperationUnsupported) -> OperationUnsupported:
    """The error that says so, of the server's own refusal."""
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
