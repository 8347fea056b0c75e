"""How fast a rate rises after a refusal. Pure.

A rate that is known to be borne rises as in TCP CUBIC: slowly near it, then faster and faster. One that may be far too
low rises slowly at first, then by multiples.
"""

from __future__ import annotations

import math

CUT = 0.94  # of what is known, after a refusal: it is reached again when a part of `Rise.seconds` has passed

# Refusals cost a pause and some requests, so the rise to what is known and past it takes many times as long.
PAUSES, REQUESTS = 20.0, 100.0

LONGEST = 5.0  # seconds, as far as the number of requests goes

ENOUGH, FEW = 45, 10  # requests accepted, for a first guess to be relied on like a later one, and for a later one

FIRST_REQUESTS = 3.0  # the first guess may be far too low, and is tried soon

STEEPER = 4.0  # the rise past a rate that two refusals told, against one that was only averaged

STEEPEST = 50.0  # exponent of the rise by multiples: a bound that only numbers know

# How long a first guess may be wrong by little before the rate rises by multiples: of a pause, if the bucket held
# `PLENTY` requests, and less with the square of their number, to that of `SCARCE`.
RAMP, SCARCE, PLENTY = 1.4, 52, 100

RAMP_REQUESTS = 2.0  # likewise, as a number of requests, at least

# The same for a window of unknown length that takes few requests; one of many is doubted later, since a refusal costs
# a pause, and that of a window saves nothing.
WINDOW_RAMP, WINDOW_FEW, WINDOW_MANY = 2.5, 20, 40


class Rise:
    """What a rate is multiplied with as requests are accepted.

    Attributes:
        seconds: Sets how fast it rises.
        ramp: Seconds, more than 0 for a rise by multiples.
        steeper: What is known was told by two refusals.
        risen: Seconds spent rising, counted by requests so that an idle client does not rise.
    """

    def __init__(self, seconds: float, *, ramp: float = 0.0, steeper: bool = False) -> None:
        self.seconds, self.ramp, self.steeper = seconds, ramp, steeper
        self.risen = 0.0

    def factor(self, rate: float) -> float:
        """A request was accepted at this rate: how many times what is known the rate may be now, if that is more."""
        self.risen += 1.0 / rate
        if self.ramp:
            return math.exp(min(_exponent(self.risen / self.ramp), STEEPEST))
        beyond: float = self.risen / self.seconds - (1.0 - CUT) ** (1 / 3)
        return 1.0 + (STEEPER if self.steeper and beyond > 0 else 1.0) * beyond * beyond * beyond


def guessed(pause: float, count: int, rate: float, *, filled: bool) -> Rise:
    """After the first refusal, before which so many were accepted; by multiples if the pause filled the bucket."""
    seconds = max(PAUSES * pause * min(1.0, count / ENOUGH) ** 2, FIRST_REQUESTS / rate)
    held = min(max(count, SCARCE), PLENTY) / PLENTY
    return Rise(seconds, ramp=max(RAMP * pause * held**2, RAMP_REQUESTS / rate) if filled else 0.0)


def known(pause: float, rate: float, *, count: int = FEW, steeper: bool = False) -> Rise:
    """From a rate that rests on so many requests."""
    sure = min(1.0, count / FEW) ** 2
    return Rise(max(PAUSES * pause * sure, min(REQUESTS / rate, LONGEST)), steeper=steeper)


def shorter_window(pause: float, count: int) -> Rise:
    """From the rate of a window as long as the pause, which takes so many; it may be shorter."""
    held = min(max(count, WINDOW_FEW), WINDOW_MANY) / WINDOW_FEW
    return Rise(1.0, ramp=WINDOW_RAMP * pause * held**4)


def _exponent(part: float) -> float:
    return part * part if part < 1.0 else 2.0 * part - 1.0
