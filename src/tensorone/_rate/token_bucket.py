"""Which token bucket explains what a server accepted and refused. Pure.

A bucket of B tokens that gains R a second accepts at most B + R t requests within any t seconds, and refuses a request
once some span that ends with it holds that many. B and R are two unknowns, so two refusals tell them: the first one
relates B to R, since the bucket was full before, and the second one, after a pause, leaves one pair.
"""

from __future__ import annotations

import math
from typing import NamedTuple

HALF = 0.5  # of a token: what a bucket holds on average when it refuses

TOO_SHORT = 0.01  # seconds: spans of which the clock of this side says little

ROUNDS = 4  # of solving for one unknown with the other; each leaves a small part of the error


class Flight(NamedTuple):
    """What was accepted before a refusal.

    Attributes:
        starts: When the accepted requests started, the earliest first; the latest some hundred of them.
        accepted: How many there were.
        end: When the refused request started, or an accepted one after it.
    """

    starts: tuple[float, ...]
    accepted: int
    end: float


def size(flight: Flight, rate: float) -> float:
    """Tokens of a bucket that was full at some time in the flight and empty at its end; 1 at least."""
    return max([1.0, *(left - rate * (flight.end - start) for left, start in _suffixes(flight))])


def refill(first: Flight, later: Flight, *, since: float, most: float) -> tuple[float, bool]:
    """Tokens a second, from the first two refusals or from the first and a later one.

    Args:
        first: What was accepted before the first refusal.
        later: What was accepted between the refusal before the last and the last one.
        since: When the request refused before started, which found the bucket empty.
        most: The rate at which requests were sent, an upper bound.

    Returns:
        The rate, and whether the bucket was full in between, so that some tokens were lost.
    """
    never_full = rate = (later.accepted + HALF) / max(later.end - since, TOO_SHORT)
    for _ in range(ROUNDS):
        tokens = size(first, rate)
        spans = [(left + HALF - tokens, later.end - start) for left, start in _suffixes(later)]
        rates = [beyond / seconds for beyond, seconds in spans if beyond > HALF and seconds > TOO_SHORT]
        rate = min(most, max([never_full, *rates]))
    return rate, rate > 1.001 * never_full


def fastest(flight: Flight, since: float, until: float) -> float:
    """The highest average rate of the requests from one of them on, counted from one time on at most, to another."""
    return max([left / max(until - max(start, since), 1e-3) for left, start in _suffixes(flight)], default=0.0)


def latest(flight: Flight, count: int) -> float:
    """The average rate of the latest so many requests, one at least: not below the rate of a window they fill."""
    starts = flight.starts[-max(count, 1) :]
    return len(starts) / max(flight.end - starts[0], 1e-3) if starts else math.inf


def _suffixes(flight: Flight) -> list[tuple[int, float]]:
    """For each accepted request, how many were accepted from it on, and when it started."""
    return [(len(flight.starts) - index, start) for index, start in enumerate(flight.starts)]
