"""How long a search pauses between two rounds, two bids, and two attempts at one candidate. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from decimal import Decimal


PauseKind = Literal["round", "cool-down", "raise"]


# As shares of an interval: the longest first pause of a kind, and the longest of all.
SHARES: dict[PauseKind, tuple[float, float]] = {
    "round": (1 / 8, 1.0),  # after a round in which nothing was won
    "cool-down": (1 / 8, 1.0),  # of a candidate without capacity
    "raise": (1 / 64, 1 / 4),  # before a higher bid, if the prices do not explain the refusal
}


def pause(kind: PauseKind, times: int, every: float, draw: float) -> float:
    """Seconds to pause: doubling up to a bound, half of it jitter, so that many searches spread.

    Args:
        kind: What the pause is for.
        times: Pauses of that kind before this one, since the last success.
        every: The search's interval, seconds; no pause is longer.
        draw: A random number from 0 to 1.
    """
    first, most = SHARES[kind]
    return min(most, first * 2.0 ** min(times, 60)) * every * (0.5 + draw / 2)


@dataclass(slots=True)
class CandidateRecord:
    """What happened to one candidate so far in a search.

    Attributes:
        refused: Consecutive bids that were refused as too low.
        minimum: The market's minimum bid when it was last read.
        failures: Consecutive failures, such as a lack of capacity.
        cool_down_until: When it may be tried again, by anyio's clock.
    """

    refused: list[Decimal] = field(default_factory=list["Decimal"])
    minimum: float | None = None
    failures: int = 0
    cool_down_until: float = 0.0

    def seen(self, minimum: float | None) -> None:
        """The market's minimum was read. If it has fallen, earlier refusals no longer count."""
        if minimum is None or self.minimum is None or minimum < self.minimum:
            self.refused.clear()
        self.minimum = minimum

    def cool_down(self, now: float, every: float, draw: float) -> None:
        """An attempt failed: the candidate is not tried again for a while."""
        self.cool_down_until = now + pause("cool-down", self.failures, every, draw)
        self.failures += 1
        self.refused.clear()
