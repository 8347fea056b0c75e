"""Order of events: whatever the world is asked, everything due by then has happened, each at its own time."""

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
    """Holds the lock, the clock and what was put off. May be used from any thread.

    Args:
        clock: Seconds since the world began.
        happen: Does what the world itself has due up to a time: told where it stands and how far it may go, it
            does the next thing and returns its time, or returns None.
    """

    def __init__(self, clock: Clock, happen: Callable[[float, float], float | None]) -> None:
        self._clock = clock
        self._happen = happen
        self._lock = threading.RLock()
        self._depth = 0
        self._now = 0.0
        self._began = datetime.now(UTC)
        self._put_off: list[tuple[float, int, Callable[[], object]]] = []
        self._serial = itertools.count()

    @contextmanager
    def moment(self) -> Generator[float]:
        """Holds the world still at its present time, for several steps that belong together."""
        with self._lock:
            if not self._depth:
                self._catch_up()
            self._depth += 1
            try:
                yield self._now
            finally:
                self._depth -= 1

    def date(self, seconds: float) -> datetime:
        """The date at so many seconds of the world."""
        return self._began + timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        """Lets time pass at once, with everything that happens in it."""
        with self._lock:
            self._clock.skip(seconds)
            with self.moment():
                pass

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Has something happen after so many seconds of the world."""
        with self.moment() as now:
            heapq.heappush(self._put_off, (now + seconds, next(self._serial), action))

    def _catch_up(self) -> None:
        target = self._clock.read()
        while self._put_off and self._put_off[0][0] <= target:
            due, _, action = heapq.heappop(self._put_off)
            self._pass_to(due)
            self._depth += 1
            try:
                action()
            finally:
                self._depth -= 1
        self._pass_to(target)

    def _pass_to(self, target: float) -> None:
        """Lets the world's own events happen, the earliest first."""
        while (happened := self._happen(self._now, target)) is not None:
            self._now = happened
        self._now = target
