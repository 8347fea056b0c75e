"""Scripted markets: prices, capacity, preemptions and lost machines, each at its time. Pure."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


MILL = Decimal("0.001")


LOW, HIGH = Decimal("0.7"), Decimal("1.9")  # bounds of a minimum bid, as factors of its opening price


DRIFT = 0.08  # the largest relative move of a minimum bid per step


SELL_OUT, COME_BACK, PREEMPTION, LOSS = 0.04, 0.35, 0.10, 0.004  # probabilities per step and GPU type


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketMove:
    """A change to the market of one GPU type at one time; settings left out change nothing.

    Attributes:
        at: Seconds after the start of the script.
        gpu_type_id: The GPU type.
        minimum_bid: Fixes the minimum bid, US dollars per GPU and hour, and preempts clusters that bid less.
        free_gpus: GPUs that other accounts leave free, over all machines; -1 makes them return all of theirs.
        preempt: Number of running spot clusters that are outbid, the longest running first.
        notice: Seconds between the notice of a preemption, in the cluster's last status change, and the stop.
        lose_hosts: Number of machines that are lost, with everything on them; those with most clusters first.

    Raises:
        ValueError: A value is out of range.
    """

    at: float
    gpu_type_id: str
    minimum_bid: Decimal | str | None = None
    free_gpus: int | None = None
    preempt: int = 0
    notice: float = 0.0
    lose_hosts: int = 0

    def __post_init__(self) -> None:
        for name in ("at", "notice"):
            if not (math.isfinite(value := getattr(self, name)) and value >= 0):
                raise ValueError(f"{name} must be finite seconds from 0, not {value}")
        for name, least in (("free_gpus", -1), ("preempt", 0), ("lose_hosts", 0)):
            if (value := getattr(self, name)) is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")
        if self.minimum_bid is not None and not _is_price(self.minimum_bid):
            raise ValueError(f"minimum_bid must be US dollars above 0, not {self.minimum_bid}")


def _is_price(value: Decimal | str) -> bool:
    try:
        amount = Decimal(value)
    except ArithmeticError:
        return False
    return amount.is_finite() and amount > 0


def random_market(
    seed: int, openings: Mapping[str, Decimal | str], *, seconds: float, step: float = 300.0
) -> tuple[MarketMove, ...]:
    """A market drawn from a seed: moving prices, sell-outs, preemptions, and a rare lost machine.

    Args:
        seed: Same seed, same market.
        openings: Opening minimum bids, US dollars per GPU and hour, by GPU type.
        seconds: Length of the script.
        step: Seconds between two moves of a price.
    """
    moves = [move for name, opening in openings.items() for move in _one(seed, name, Decimal(opening), seconds, step)]
    return tuple(sorted(moves, key=lambda move: move.at))


def _one(seed: int, gpu_type_id: str, opening: Decimal, seconds: float, step: float) -> Iterator[MarketMove]:
    rng = random.Random(f"{seed}/{gpu_type_id}")  # noqa: S311 - a market, no secret
    price, sold_out, at = opening, False, 0.0
    while at < seconds:
        yield MarketMove(at=at, gpu_type_id=gpu_type_id, minimum_bid=price.quantize(MILL))
        if rng.random() < (COME_BACK if sold_out else SELL_OUT):
            sold_out = not sold_out
            yield MarketMove(at=at + step / 3, gpu_type_id=gpu_type_id, free_gpus=0 if sold_out else -1)
        if rng.random() < PREEMPTION:
            yield MarketMove(at=at + step / 2, gpu_type_id=gpu_type_id, preempt=rng.randint(1, 3), notice=5)
        if rng.random() < LOSS:
            yield MarketMove(at=at + step / 4, gpu_type_id=gpu_type_id, lose_hosts=1)
        price *= 1 + Decimal(str(round(rng.uniform(-DRIFT, DRIFT), 4)))
        price = min(max(price, opening * LOW), opening * HIGH)
        at += step
