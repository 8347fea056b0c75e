"""The order of events: before any access to the world, everything due has happened, each at its own time."""

from __future__ import annotations

import heapq
import itertools
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from .clock import Clock


class Timeline:
    """The lock, the clock and the scheduled actions of a world; safe to use from any thread.

    Args:
        clock: Seconds since the world began.
        next_event: Performs the world's next own event between two times and returns its time; None without one.
    """

    def __init__(self, clock: Clock, next_event: Callable[[float, float], float | None]) -> None:
        self._clock = clock
        self._next_event = next_event
        self._lock = threading.RLock()
        self._depth = 0
        self._now = 0.0
        self._began = datetime.now(UTC)
        self._scheduled: list[tuple[float, int, Callable[[], object]]] = []
        self._serial = itertools.count()

    @contextmanager
    def moment(self) -> Generator[float]:
        """Stops the clock at the present time, for several steps that belong together."""
        with self._lock:
            if not self._depth:
                self._catch_up()
            self._depth += 1
            try:
                yield self._now
            finally:
                self._depth -= 1

    def date(self, seconds: float) -> datetime:
        """The date, UTC, at a time of the world."""
        return self._began + timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Moves the clock forward at once; everything due in that time happens."""
        with self._lock:
            self._clock.skip(seconds)
            with self.moment():
                pass

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Calls a function once a number of the world's seconds have passed."""
        with self.moment() as now:
            heapq.heappush(self._scheduled, (now + seconds, next(self._serial), action))

    def _catch_up(self) -> None:
        target = self._clock.read()
        while self._scheduled and self._scheduled[0][0] <= target:
            due, _, action = heapq.heappop(self._scheduled)
            self._pass_to(due)
            self._depth += 1
            try:
                action()
            finally:
                self._depth -= 1
        self._pass_to(target)

    def _pass_to(self, target: float) -> None:
        """Performs the world's own events up to a time, the earliest first."""
        while (happened := self._next_event(self._now, target)) is not None:
            self._now = happened
        self._now = target
