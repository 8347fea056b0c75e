"""How long a member of a fleet waits between two recoveries. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .state import FleetSettings


def backoff(strikes: int, settings: FleetSettings) -> float:
    """Seconds to wait before a recovery after so many in a row that failed or did not last."""
    if strikes == 0:
        return 0.0
    return min(settings.backoff_max, settings.backoff_initial * 2.0 ** min(strikes - 1, 60))
