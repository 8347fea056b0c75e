"""The rate that a server bears, learned from its refusals. Pure.

It is unlimited until the first refusal, and then guessed: as if the bucket held what comes in during the pause asked
for. From there it rises slowly, then by multiples, since the guess may be far too low. The second refusal tells rate
and bucket. After that the rate rises as in TCP CUBIC: slowly near what is known, then faster and faster, so that it
comes back by itself when the limit is gone. What a pause filled into the bucket may be spent at once.

Pauses shorter than `LONG_PAUSE` fill no bucket, and a refusal costs little; the rate is then what was accepted between
two refusals.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from . import token_bucket
from .token_bucket import Flight

SLOWEST = 1.0  # requests a second: a stricter limit is left to the pauses

LONG_PAUSE = 0.3  # seconds

CUT = 0.94  # of what is known, after a refusal

REFUSED_TWICE = 0.8  # of the rate, where nothing was accepted between two refusals: others take what there is

CONTENDED = 0.7  # of the rate, where it was refused although the server bore more before: likewise

AS_BEFORE = 0.98  # of what the server bore: from here on a refusal is no surprise

NEARLY = 0.99  # of a rate that is counted, not guessed

ROUNDED_UP = 1.1  # times the first guess, at most, where the time named was a whole number of seconds

SAME = 0.05  # of the requests: the same number twice, so it counts by windows of time, of which a pause saves nothing

TRUST_SHORT, TRUST_LONG = 0.6, 0.4  # in the rate when refused, against the average, which counts slow times too

STEEPEST = 50.0  # exponent of the rise by multiples: a bound that only numbers know

REMEMBERED = 80  # requests that what is known rests on at most

RAMP = 1.25  # of a pause: how long a first guess may be wrong by little before the rate rises by multiples

RAMP_REQUESTS = 2.0  # likewise, as a number of requests

# Refusals cost a pause and some requests, so the rise to what is known and past it takes many times as long.
PAUSES, REQUESTS = 20.0, 100.0

LONGEST_RISE = 5.0  # seconds, as far as the number of requests goes

FIRST_REQUESTS = 3.0  # the first guess may be far too low, and is tried soon

ENOUGH = 45  # requests accepted, for a first guess to be relied on like a later one

STEEPER = 4.0  # the rise past a rate that two refusals told, against one that was only averaged

SPENT = 0.9  # of the tokens that a pause filled in

MISTAKEN = 0.5  # of that share, after a refusal that soon followed

LEAST_CREDIT = 2.0  # tokens


class Refusal(NamedTuple):
    """A refusal, and what led to it.

    Attributes:
        flight: What was accepted since the one before.
        at: When it came.
        pause: Seconds that the server asked for, or that are waited where it named no time.
        resume_at: When requests start again.
        named: The server named the time.
        counted_from: When the count of accepted requests began.
    """

    flight: Flight
    at: float
    pause: float
    resume_at: float
    named: bool
    counted_from: float


class LearnedRate:
    """Requests a second; at most as many as its user allows.

    Attributes:
        value: The rate now.
        limited: The server refused something not long ago.
    """

    def __init__(self, most: float = math.inf) -> None:
        self._most = most
        self.forget()

    def forget(self) -> None:
        """The server refused nothing for long."""
        self.value = self._most
        self.limited = False
        self._ceiling = math.inf  # what is known to be borne
        self._rise = 1.0  # seconds; sets how fast the rate rises
        self._risen = 0.0  # seconds spent rising, counted by requests so that an idle client does not rise
        self._ramp = 0.0  # seconds; more than 0 while there was only one refusal
        self._solved = 0.0  # requests a second that two refusals told
        self._weight = 0  # requests that what is known rests on
        self._first = Flight((), 0, 0.0)
        self._window = 0.0  # seconds to wait that the first refusal named
        self._before = 0.0  # when the request that was refused last had started
        self._share = SPENT
        self._credited_until = -math.inf

    def refused(self, refusal: Refusal, *, proven: bool) -> float:
        """Slows down, and returns how many requests may start at once after the pause.

        Args:
            refusal: What happened.
            proven: Something that started after the refusal before was accepted.
        """
        if refusal.at < self._credited_until:
            self._share *= MISTAKEN
        if not self.limited:
            self._guess(refusal)
        elif not proven:
            if refusal.named:
                self._set((REFUSED_TWICE if _long(refusal) else CUT) * self.value)
        elif _long(refusal):
            self._solve(refusal)
        else:
            self._average(refusal)
        self.limited, self._risen, self._before = True, 0.0, refusal.flight.end
        return self._credit(refusal)

    def rise(self) -> None:
        """A request was accepted."""
        self._risen += 1.0 / self.value
        if self._ramp:
            factor = math.exp(min(_ramp(self._risen / self._ramp), STEEPEST))
        else:
            beyond = self._risen / self._rise - (1.0 - CUT) ** (1 / 3)
            factor = 1.0 + (STEEPER if self._solved and beyond > 0 else 1.0) * beyond**3
        self.value = min(self._most, max(self.value, self._ceiling * factor))

    def _guess(self, refusal: Refusal) -> None:
        self._first, self._ramp = refusal.flight, 0.0
        count = max(refusal.flight.accepted, 1)
        self._window = refusal.pause
        self._set(token_bucket.fastest(refusal.flight, refusal.counted_from, refusal.resume_at))
        if _long(refusal):
            self._ramp = max(RAMP * refusal.pause, RAMP_REQUESTS / self.value)
        self._rise = max(PAUSES * refusal.pause * min(1.0, count / ENOUGH) ** 2, FIRST_REQUESTS / self.value)

    def _solve(self, refusal: Refusal) -> None:
        count = max(refusal.flight.accepted, 1)
        windows = self._ramp > 0 and abs(count - self._first.accepted) <= SAME * count
        contended = self.value < AS_BEFORE * self._solved
        rate, full = token_bucket.refill(self._first, refusal.flight, since=self._before, most=self.value)
        self._solved = rate
        if windows:
            rate, self._share = self._by_windows(), 0.0
        elif not full:
            rate = _trusting(rate, self.value, TRUST_LONG)
        known = (self._weight * self._ceiling + count * rate) / (self._weight + count) if self._weight else rate
        if contended:
            known, self._weight = min(known, CONTENDED * self.value), 0
        self._weight = min(self._weight + count, REMEMBERED)
        self._settle(known, refusal.pause, 1.0 if windows else CUT)

    def _by_windows(self) -> float:
        """The first guess; where whole seconds were named, they were rounded up and hold the count of one window."""
        if self._window == int(self._window):
            rate = min(NEARLY * self._first.accepted / self._window, ROUNDED_UP * self._ceiling)
            self.value = max(self.value, rate)
            return max(self._ceiling, rate)
        return self._ceiling

    def _average(self, refusal: Refusal) -> None:
        end = refusal.resume_at if refusal.named else refusal.at
        average = max(refusal.flight.accepted, 1) / max(end - refusal.counted_from, 1e-3)
        self._solved, self._weight = 0.0, 0
        self._settle(_trusting(average, self.value, TRUST_SHORT), refusal.pause, CUT)

    def _settle(self, known: float, pause: float, cut: float) -> None:
        self._set(min(self.value, known))
        self.value = max(min(SLOWEST, self._most), cut * self._ceiling)
        self._ramp = 0.0
        self._rise = max(PAUSES * pause, min(REQUESTS / self.value, LONGEST_RISE))

    def _set(self, rate: float) -> None:
        self._ceiling = self.value = min(self._most, max(SLOWEST, rate))

    def _credit(self, refusal: Refusal) -> float:
        filled = min(token_bucket.size(self._first, self.value), self.value * refusal.pause)
        credit = self._share * (filled - 1.0) if _long(refusal) else 0.0
        if credit < LEAST_CREDIT:
            return 0.0
        self._credited_until = refusal.resume_at + refusal.pause
        return credit


def _long(refusal: Refusal) -> bool:
    return refusal.named and refusal.pause >= LONG_PAUSE


def _ramp(part: float) -> float:
    """How far the rise by multiples has come: slow at first."""
    return part * part if part < 1.0 else 2.0 * part - 1.0


def _trusting(average: float, rate: float, trust: float) -> float:
    return average + trust * (min(rate, 2.0 * average) - average)
