"""How many requests at once, and how many a second: learned from the server's answers. Pure.

Two limits hold together. The *width* (requests in flight) starts small, grows by one per answer while answers
come as quickly as they ever did, and more slowly once they queue up at the server: width beyond that buys
nothing. The *rate* is unlimited until the server answers 429; then it is what the server did accept since the
last refusal, and creeps up again with every answer. A refusal also pauses everyone for what the server asked.
"""

from __future__ import annotations

import math

START_WIDTH = 8.0
SLOWER = 2.0  # answers that take this many times the best are queueing
REFUSED_WAIT = 0.25  # seconds, where the server names no time
CUT = 0.95  # of what was accepted, after a refusal
CREEP = 0.02  # of the rate, per second without a refusal
FORGET = 60.0  # seconds without a refusal after which the rate is unlimited again


class Pace:
    """State of the two limits; every method takes the time, in seconds of one steady clock."""

    def __init__(self, max_width: int) -> None:
        self.max_width = max_width
        self.width = min(START_WIDTH, float(max_width))
        self.rate = math.inf
        self.resume_at = -math.inf
        self._next_at = -math.inf
        self._best: dict[str, float] = {}
        self._epoch = math.nan  # when the count of accepted requests began
        self._accepted = 0
        self._refused_at = -math.inf

    def delay(self, now: float) -> float:
        """Seconds until the next request may start, as far as the rate goes."""
        return max(self.resume_at, self._next_at, now) - now

    def start(self, now: float) -> None:
        """A request starts."""
        if math.isnan(self._epoch):
            self._epoch = now
        if math.isfinite(self.rate):
            self._next_at = max(self._next_at, now - 1.0 / self.rate) + 1.0 / self.rate

    def accepted(self, now: float, *, name: str, took: float) -> None:
        """A request was answered, with whatever but a refusal."""
        self._accepted += 1
        best = self._best[name] = min(took, self._best.get(name, took))
        step = 1.0 if took <= SLOWER * best else 1.0 / self.width
        self.width = min(float(self.max_width), self.width + step)
        if math.isfinite(self.rate):
            self._creep(now)

    def refused(self, now: float, *, started: float, retry_after: float | None) -> None:
        """A request was answered 429; of those in flight together only the first one counts as news."""
        self.resume_at = max(self.resume_at, now + (REFUSED_WAIT if retry_after is None else retry_after))
        if started < self._refused_at:
            return
        self._refused_at = now
        elapsed = max(self.resume_at - self._epoch, 1e-3)
        self.rate = min(self.rate, max(CUT * self._accepted / elapsed, 1.0))
        self.width = max(1.0, self.width / 2)
        self._epoch, self._accepted = self.resume_at, 0
        self._next_at = self.resume_at

    def _creep(self, now: float) -> None:
        if now - self._refused_at > FORGET:
            self.rate = math.inf
        else:
            self.rate *= 1.0 + CREEP / self.rate
