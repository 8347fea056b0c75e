"""The rate that a server bears, learned from its refusals. Pure.

It is unlimited until the first refusal, and then guessed: as if the bucket held what comes in during the pause asked
for. From there it rises slowly, then by multiples, the sooner the fewer requests the bucket held, since the guess may
be far too low. The second refusal tells rate and bucket. After that the rate rises as in TCP CUBIC: slowly near what
is known, then faster and faster, so that it comes back by itself when the limit is gone. What a pause filled into the
bucket may be spent at once.

A refusal while that is spent, after as many requests as before the first one, tells a window of time from a bucket.
Its length is not known if whole seconds were named, since they are rounded up: the rate rises by multiples once more.

Pauses shorter than `LONG_PAUSE` fill no bucket, and a refusal costs little; the rate is then what was accepted between
two refusals.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from . import rise, token_bucket
from .rise import CUT, Rise
from .token_bucket import Flight

SLOWEST = 1.0  # requests a second: a stricter limit is left to the pauses

LONG_PAUSE = 0.3  # seconds

REFUSED_TWICE = 0.8  # of the rate, where nothing was accepted between two refusals: others take what there is

CONTENDED = 0.7  # of the rate, where it was refused although the server bore more before: likewise

AS_BEFORE, LESS = 0.98, 0.7  # of what the server bore: from here on a refusal is no surprise; it bears less now

NEARLY = 0.99  # of a rate that is counted, not guessed

ROUNDED_UP = 1.1  # times the first guess, at most, where the time named was a whole number of seconds

SAME, SAME_OR_MORE = 0.05, 0.15  # of the requests before the first refusal: fewer, and more, than a window takes

BY_THE_SECOND = 1.35  # times the count of one second, at most: a window as long as the pause, met while speeding up

OVERSHOT = 0.85  # of the rate at which a shorter window was filled

TRUST_SHORT, TRUST_LONG = 0.6, 0.4  # in the rate when refused, against the average, which counts slow times too

REMEMBERED = 80  # requests that what is known rests on at most

SPENT = 0.9  # of the tokens that a pause filled in

MISTAKEN = 0.3  # of that share, after a refusal while they were spent

LEAST_CREDIT = 2.0  # tokens

SPENDING = 0.4, 1.5  # of the requests of a credit, and requests, as time at the rate learned: it is spent by then


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
        self._rise = Rise(1.0)
        self._solved = 0.0  # requests a second that two refusals told
        self._weight = 0  # requests that what is known rests on
        self._first = Flight((), 0, 0.0)
        self._by_window = 0.0  # requests a second, if the first refusal ended a window as long as the pause it named
        self._rounded = False  # that pause was a whole number of seconds
        self._windows = False  # the server counts by windows of time, of which a pause saves nothing
        self._before = 0.0  # when the request that was refused last had started
        self._share = SPENT
        self._credited_until = -math.inf
        self._mistaken = False  # refused while a credit was spent

    def refused(self, refusal: Refusal, *, proven: bool) -> float:
        """Slows down, and returns how many requests may start at once after the pause.

        Args:
            refusal: What happened.
            proven: Something that started after the refusal before was accepted.
        """
        self._mistaken = refusal.flight.end < self._credited_until
        if self._mistaken:
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
        self.limited, self._rise.risen, self._before = True, 0.0, refusal.flight.end
        return self._credit(refusal)

    def rise(self) -> None:
        """A request was accepted."""
        self.value = min(self._most, max(self.value, self._ceiling * self._rise.factor(self.value)))

    def _guess(self, refusal: Refusal) -> None:
        self._first = refusal.flight
        self._set(token_bucket.fastest(refusal.flight, refusal.counted_from, refusal.resume_at))
        self._rounded = refusal.pause >= 1.0 and refusal.pause == int(refusal.pause)
        counted = refusal.flight.accepted / refusal.pause if self._rounded else self.value
        self._by_window = min(NEARLY * counted, ROUNDED_UP * self.value)
        count = max(refusal.flight.accepted, 1)
        self._rise = rise.guessed(refusal.pause, count, self.value, filled=_long(refusal))

    def _solve(self, refusal: Refusal) -> None:
        knew, more = self._windows, refusal.flight.accepted - self._first.accepted
        found = self._mistaken and more <= SAME_OR_MORE * self._first.accepted + 1
        self._windows = (knew or found) and more >= -SAME * self._first.accepted
        if self._windows:
            self._share, self._weight, self._solved = 0.0, 0, 0.0
            self._count_by_windows(refusal, knew=knew)
        else:
            self._count_by_bucket(refusal, max(refusal.flight.accepted, 1))

    def _count_by_bucket(self, refusal: Refusal, count: int) -> None:
        rate, full = token_bucket.refill(self._first, refusal.flight, since=self._before, most=self.value)
        surprising = self.value < AS_BEFORE * self._solved and not self._mistaken
        contended = surprising and rate < LESS * self._solved
        self._solved = rate
        if not full:
            rate = _trusting(rate, self.value, TRUST_LONG)
        known = (self._weight * self._ceiling + count * rate) / (self._weight + count) if self._weight else rate
        if contended:
            known, self._weight = min(known, CONTENDED * self.value), 0
        self._weight = min(self._weight + count, REMEMBERED)
        self._settle(known)
        self._rise = rise.known(refusal.pause, self.value, count=self._weight, steeper=True)

    def _count_by_windows(self, refusal: Refusal, *, knew: bool) -> None:
        rate = min(self._by_window, ROUNDED_UP * self.value)
        if knew:
            filled = min(self.value, token_bucket.latest(refusal.flight, self._first.accepted))
            slowly = not self._rise.ramp and self.value > self._ceiling  # it had risen, so it was refused just above
            rate = rate if filled < BY_THE_SECOND * rate else (CUT if slowly else OVERSHOT) * filled
        self._set(rate)
        if self._rounded and not knew:
            self._rise = rise.shorter_window(refusal.pause, self._first.accepted)
        else:
            self._rise = rise.known(refusal.pause, rate)

    def _average(self, refusal: Refusal) -> None:
        end = refusal.resume_at if refusal.named else refusal.at
        average = max(refusal.flight.accepted, 1) / max(end - refusal.counted_from, 1e-3)
        self._solved, self._weight = 0.0, 0
        self._settle(_trusting(average, self.value, TRUST_SHORT))
        self._rise = rise.known(refusal.pause, self.value)

    def _settle(self, known: float) -> None:
        self._set(min(self.value, known))
        self.value = max(min(SLOWEST, self._most), CUT * self._ceiling)

    def _set(self, rate: float) -> None:
        self._ceiling = self.value = min(self._most, max(SLOWEST, rate))

    def _credit(self, refusal: Refusal) -> float:
        filled = min(token_bucket.size(self._first, self.value), self.value * refusal.pause)
        credit = self._share * (filled - 1.0) if _long(refusal) else 0.0
        if credit < LEAST_CREDIT:
            return 0.0
        self._credited_until = refusal.resume_at + (SPENDING[0] * credit + SPENDING[1]) / self.value
        return credit


def _long(refusal: Refusal) -> bool:
    return refusal.named and refusal.pause >= LONG_PAUSE


def _trusting(average: float, rate: float, trust: float) -> float:
    return average + trust * (min(rate, 2.0 * average) - average)
