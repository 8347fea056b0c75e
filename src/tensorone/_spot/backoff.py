"""How long a search pauses between two looks, two bids, two tries of one candidate. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from decimal import Decimal


PauseKind = Literal["round", "rest", "raise"]


# Of an interval: how long the first pause of a kind is at most, and the longest.
SHARES: dict[PauseKind, tuple[float, float]] = {
    "round": (1 / 8, 1.0),  # after a round in which nothing was won
    "rest": (1 / 8, 1.0),  # of a candidate without capacity
    "raise": (1 / 64, 1 / 4),  # before a higher bid, where the market shows no reason for the refusal
}


def pause(kind: PauseKind, times: int, every: float, draw: float) -> float:
    """Seconds to pause: doubling up to a bound, half of it jitter, so that many searches spread.

    Args:
        kind: What for.
        times: Pauses of that kind before this one, since the last success.
        every: The search's interval, seconds; no pause is longer, so that none of them costs more than one interval.
        draw: A random number from 0 to 1.
    """
    first, most = SHARES[kind]
    return min(most, first * 2.0 ** min(times, 60)) * every * (0.5 + draw / 2)


@dataclass(slots=True)
class CandidateRecord:
    """How one candidate fared so far in a search.

    Attributes:
        refused: Bids refused as too low in a row.
        minimum: What the market asked for when it was seen last.
        failures: How often in a row there was nothing to be had.
        rests_until: When it may be tried again, by anyio's clock.
    """

    refused: list[Decimal] = field(default_factory=list["Decimal"])
    minimum: float | None = None
    failures: int = 0
    rests_until: float = 0.0

    def seen(self, minimum: float | None) -> None:
        """The market asks this much: where it has fallen, what was refused before says nothing any more."""
        if minimum is None or self.minimum is None or minimum < self.minimum:
            self.refused.clear()
        self.minimum = minimum

    def rest(self, now: float, every: float, draw: float) -> None:
        """There was nothing to be had."""
        self.rests_until = now + pause("rest", self.failures, every, draw)
        self.failures += 1
        self.refused.clear()
