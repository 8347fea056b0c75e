"""A token bucket: a rate of requests, and how long to wait beyond it."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class RateLimit:
    """Accepts requests up to a rate, and counts those beyond.

    Args:
        per_second: Average rate, requests a second.
        burst: Requests at once after a pause.
        clock: Returns real time in seconds.

    Attributes:
        refused: Requests beyond the limit so far.
    """

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float]) -> None:
        if not per_second > 0 or burst < 1:
            raise ValueError(
                f"a rate limit needs more than 0 requests a second and a burst from 1, not {per_second} and {burst}"
            )
        self.per_second = per_second
        self.refused = 0
        self._burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = float(burst)
        self._filled_at = clock()

    def wait(self) -> int:
        """Spends a token and returns 0; without a token, the whole seconds until the next one."""
        with self._lock:
            now = self._clock()
            self._tokens = min(float(self._burst), self._tokens + (now - self._filled_at) * self.per_second)
            self._filled_at = now
            if self._tokens >= 1:
                self._tokens -= 1
                return 0
            self.refused += 1
            return math.ceil((1 - self._tokens) / self.per_second)
