"""How many requests at once, and when the next one may start: learned from the server's answers. Pure.

Two limits hold together. The *width* (requests in flight) grows with every response: fast where answers take long,
hardly where they queue up at the server, since width beyond that buys nothing, and whatever is in flight when a
limit is met gets refused. The *rate* is unlimited until the server answers 429, and is learned from then on. A refusal
also pauses everyone for what the server asked.
"""

from __future__ import annotations

import math
from collections import deque

from tensorone._rate.learned_rate import LearnedRate, Refusal
from tensorone._rate.token_bucket import Flight

START_WIDTH = 5.0  # about as many requests a first refusal costs

LEAST_WIDTH = 2.0  # that refusals leave: it grows again, and the rate is what slows down then

CREDIT_WIDTH = 12.0  # while what a pause saved is spent: as many are refused if it was less

LONG = 0.032  # seconds: where answers take this long, the width doubles with every round

QUICK = 0.002  # seconds: where answers come as soon, this machine is what limits, and many at once cost it less each

QUICK_STEP = 1 / 16  # of width, after a quick answer

SLOWER = 2.0  # answers that take this many times the best are queueing

FIRST_WAIT = 0.02  # seconds, where the server names no time; doubles until something is accepted again

LONGEST_WAIT = 30.0

FASTER = 6.0  # times the rate, while what a pause saved is spent

SAVED = 1.0 - 1.0 / FASTER  # of a request that starts so much sooner

FORGET = 60.0  # seconds without a refusal after which the rate is unlimited again

LOGGED = 512  # accepted requests whose starts are kept, to tell rate and bucket


class RateLimiter:
    """State of the two limits; every method takes the time, in seconds of one steady clock."""

    def __init__(self, max_width: int, *, requests_per_second: float = math.inf) -> None:
        self.max_width = max_width
        self.width = min(START_WIDTH, float(max_width))
        self.resume_at = -math.inf
        self._most = requests_per_second
        self._learned = LearnedRate(requests_per_second)
        self._next_at = -math.inf
        self._best: dict[str, float] = {}  # seconds that the quickest response took, by name
        self._starts: deque[float] = deque(maxlen=LOGGED)  # of accepted requests, since the last refusal
        self._since = -math.inf  # when the count of accepted requests began
        self._first_answer = -math.inf
        self._accepted = 0
        self._refused_at = -math.inf
        self._proven = True  # something that started after the last refusal was accepted
        self._wait = FIRST_WAIT
        self._spacing = 0.0  # seconds between requests that only try whether anything is accepted again
        self._credit = 0.0  # requests that may start sooner, after a pause

    @property
    def rate(self) -> float:
        """Requests a second; infinite while there is no limit."""
        return self._learned.value

    def delay(self, now: float) -> float:
        """Seconds until the next request may start, as far as the rate goes."""
        return max(self.resume_at, self._next_at, now) - now

    def start(self, now: float) -> None:
        """A request starts."""
        if math.isfinite(self.rate):
            gap = 1.0 / self.rate
            wait = max(gap, self._spacing)
            if self._credit > 0 and not self._spacing:
                self._credit -= SAVED
                wait = max(gap / FASTER, 1.0 / self._most)
            self._next_at = max(self._next_at, now - gap) + wait

    def accepted(self, now: float, *, name: str, took: float) -> None:
        """A request was answered, with whatever but a refusal."""
        self._accepted += 1
        if math.isinf(self._since):
            self._first_answer = self._since = now
        self._starts.append(now - took)
        self._widen(name, took)
        if self._learned.limited:
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
            self._slow(now, started, pause, named=retry_after is not None)

    def _slow(self, now: float, started: float, pause: float, *, named: bool) -> None:
        starts = tuple(sorted(self._starts))
        # On a busy machine some that started later are accepted nevertheless, from tokens that came in meanwhile.
        flight = Flight(starts, self._accepted, max((started, *starts[-1:])))
        known = self._learned.limited
        # The first answer may have taken long for reasons of this side, so the count begins shortly before it.
        since = self._since if known else self._first_answer - min(self._best.values(), default=0.0)
        refusal = Refusal(flight, now, pause, self.resume_at, named, since)
        self._credit = self._learned.refused(refusal, proven=self._proven) - SAVED
        if self._proven:
            least = min(self.width, LEAST_WIDTH)  # the next refusal is near
            self.width = max(least, self.width / 2.0) if known else least
            self._since, self._accepted = self.resume_at if named else now, 0
            self._starts.clear()
        self._refused_at, self._proven = now, False

    def _widen(self, name: str, took: float) -> None:
        best = self._best[name] = min(took, self._best.get(name, took))
        step = min(1.0, (best / LONG) ** 2)
        if best < QUICK and not self._learned.limited:
            step = max(step, QUICK_STEP)
        if took > SLOWER * best:
            step /= self.width
        most = max(self.width, CREDIT_WIDTH) if self._credit > 0 else math.inf
        self.width = min(float(self.max_width), most, self.width + step)

    def _quicken(self, now: float) -> None:
        if now - self._refused_at > FORGET:
            self._learned.forget()
            self._credit = 0.0
        elif self._credit <= 0:
            self._learned.rise()
