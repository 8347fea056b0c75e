"""How many requests at once, and how many a second: learned from the server's answers. Pure.

Two limits hold together. The *width* (requests in flight) grows with every response: fast where answers take long,
hardly where they queue up at the server, since width beyond that buys nothing, and whatever is in flight when a
limit is met gets refused. The *rate* is unlimited until the server answers 429; then it is what the server accepted
since the refusal before. From there it rises as in TCP CUBIC: slowly near that ceiling, then faster and faster, so
that it comes back by itself when the limit is gone. A refusal also pauses everyone for what the server asked.
"""

from __future__ import annotations

import math

START_WIDTH = 5.0  # about as many requests a first refusal costs

LEAST_WIDTH = 2.0  # that refusals leave: it grows again, and the rate is what slows down then

LONG = 0.032  # seconds: where answers take this long, the width doubles with every round

SLOWER = 2.0  # answers that take this many times the best are queueing

SLOWEST_RATE = 1.0  # requests a second: a stricter limit is left to the pauses

FIRST_WAIT = 0.02  # seconds, where the server names no time; doubles until something is accepted again

LONGEST_WAIT = 30.0

CUT = 0.94  # of the ceiling, after a refusal

TRUST = 0.6  # in the rate when refused, against the average before: the average counts the slow start too


# Refusals cost a pause and some requests, so the rise to the ceiling and past it takes many times as long.
PAUSES, REQUESTS = 20.0, 100.0


FIRST_REQUESTS = 3.0  # the first guess may be far too low, and is tried soon

ENOUGH = 45  # requests accepted, for a first guess to be relied on like a later one

LONGEST_RISE = 5.0  # seconds, as far as the number of requests goes

FORGET = 60.0  # seconds without a refusal after which the rate is unlimited again


class RateLimiter:
    """State of the two limits; every method takes the time, in seconds of one steady clock."""

    def __init__(self, max_width: int) -> None:
        self.max_width = max_width
        self.width = min(START_WIDTH, float(max_width))
        self.rate = math.inf
        self.resume_at = -math.inf
        self._next_at = -math.inf
        self._best: dict[str, float] = {}  # seconds that the quickest response took, by name
        self._since = math.nan  # when the count of accepted requests began
        self._accepted = 0
        self._refused_at = -math.inf
        self._proven = True  # something that started after the last refusal was accepted
        self._wait = FIRST_WAIT
        self._spacing = 0.0  # seconds between requests that only try whether anything is accepted again
        self._ceiling = math.inf
        self._rise = 1.0  # seconds; sets how fast the rate rises
        self._risen = 0.0  # seconds spent rising, counted by requests so that an idle client does not rise

    def delay(self, now: float) -> float:
        """Seconds until the next request may start, as far as the rate goes."""
        return max(self.resume_at, self._next_at, now) - now

    def start(self, now: float) -> None:
        """A request starts."""
        if math.isnan(self._since):
            self._since = now
        if math.isfinite(self.rate):
            gap = 1.0 / self.rate
            self._next_at = max(self._next_at, now - gap) + max(gap, self._spacing)

    def accepted(self, now: float, *, name: str, took: float) -> None:
        """A request was answered, with whatever but a refusal."""
        self._accepted += 1
        self._widen(name, took)
        if math.isfinite(self.rate):
            if not self._proven and now - took >= self._refused_at:
                self._proven, self._spacing = True, 0.0
                self._next_at = min(self._next_at, now + 1.0 / self.rate)
            self._quicken(now)

    def refused(self, now: float, *, started: float, retry_after: float | None) -> None:
        """A request was answered 429; of those in flight together only the first one counts as news."""
        news = started >= self._refused_at
        if news:
            self._wait = FIRST_WAIT if self._proven else min(2.0 * self._wait, LONGEST_WAIT)
            self._spacing = 2.0 * (self._wait + now - started) if retry_after is None else 0.0
        pause = self._wait if retry_after is None else retry_after
        self.resume_at = max(self.resume_at, now + pause)
        self._next_at = max(self._next_at, self.resume_at)
        if news:
            self._slow(now, pause, named=retry_after is not None)

    def _slow(self, now: float, pause: float, *, named: bool) -> None:
        if self._proven:
            self._measure(now, pause, named=named)
        elif named:  # it waited as long as the server asked, and is still too fast
            self._ceiling = self.rate = max(SLOWEST_RATE, CUT * self.rate)
        self._risen = 0.0
        self._refused_at, self._proven = now, False

    def _measure(self, now: float, pause: float, *, named: bool) -> None:
        """Sets the rate to what was accepted since the last count began, and begins another."""
        first = math.isinf(self.rate)
        count = max(self._accepted, 1)
        average = count / max((self.resume_at if named or first else now) - self._since, 1e-3)
        if first:
            self._ceiling = self.rate = max(SLOWEST_RATE, average)
            self._rise = max(PAUSES * pause * min(1.0, count / ENOUGH) ** 2, FIRST_REQUESTS / self.rate)
            self.width = min(self.width, LEAST_WIDTH)  # the next refusal is near
        else:
            known = average + TRUST * (min(self.rate, 2.0 * average) - average)
            self._ceiling = max(SLOWEST_RATE, min(self.rate, known))
            self.rate = max(SLOWEST_RATE, CUT * self._ceiling)
            self._rise = max(PAUSES * pause, min(REQUESTS / self.rate, LONGEST_RISE))
            self.width = max(min(self.width, LEAST_WIDTH), self.width / 2.0)
        self._since, self._accepted = self.resume_at if named else now, 0

    def _widen(self, name: str, took: float) -> None:
        best = self._best[name] = min(took, self._best.get(name, took))
        step = min(1.0, (best / LONG) ** 2)
        if took > SLOWER * best:
            step /= self.width
        self.width = min(float(self.max_width), self.width + step)

    def _quicken(self, now: float) -> None:
        if now - self._refused_at > FORGET:
            self.rate = math.inf
            return
        self._risen += 1.0 / self.rate
        beyond = self._risen / self._rise - (1.0 - CUT) ** (1 / 3)
        self.rate = max(self.rate, self._ceiling * (1.0 + beyond * beyond * beyond))
