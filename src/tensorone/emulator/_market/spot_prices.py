"""Prices: fixed for on-demand, a moving minimum bid for spot."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .catalogue import GpuModel
    from .cluster import Cloud


TICK = 300.0  # seconds between two moves of the minimum bids


CENT = Decimal("0.01")


HOUR = 3600.0


class Market:
    """Prices in US dollars per GPU and hour; the minimum bids depend on the time and the seed.

    Each minimum bid moves between 80 and 110 per cent of its opening price, and never above the cheapest fixed price.
    """

    def __init__(self, models: Iterable[GpuModel], seed: int) -> None:
        self._models = {model.id: model for model in models}
        self._seed = seed
        self._pinned: dict[str, Decimal] = {}

    @property
    def models(self) -> tuple[GpuModel, ...]:
        """The GPU types, with their present fixed prices."""
        return tuple(self._models.values())

    def fixed_price(self, gpu_type_id: str, cloud: Cloud) -> Decimal | None:
        """The on-demand price; None if the cloud type lacks the GPU type."""
        model = self._models[gpu_type_id]
        return model.secure_price if cloud == "SECURE" else model.community_price

    def minimum_bid(self, gpu_type_id: str, now: float) -> Decimal:
        """The minimum bid at a time."""
        if gpu_type_id in self._pinned:
            return self._pinned[gpu_type_id]
        model = self._models[gpu_type_id]
        moved = (model.minimum_bid * self._factor(gpu_type_id, now)).quantize(CENT, ROUND_HALF_UP)
        return min(price for price in (moved, model.secure_price, model.community_price) if price is not None)

    def pin(self, gpu_type_id: str, minimum_bid: Decimal | None) -> None:
        """Fixes the minimum bid; None lets it move again."""
        self._pinned.pop(self._models[gpu_type_id].id, None)
        if minimum_bid is not None:
            self._pinned[gpu_type_id] = minimum_bid

    def reprice(self, gpu_type_id: str, cloud: Cloud, price: Decimal) -> None:
        """Changes a fixed price; running clusters keep the price of their start."""
        model = self._models[gpu_type_id]
        changed = replace(model, secure_price=price) if cloud == "SECURE" else replace(model, community_price=price)
        self._models[gpu_type_id] = changed

    def next_move(self, now: float) -> float:
        """When the minimum bids move next."""
        return (math.floor(now / TICK) + 1) * TICK

    def _factor(self, gpu_type_id: str, now: float) -> Decimal:
        rng = random.Random(f"{self._seed}/{gpu_type_id}")  # noqa: S311 - a market, no secret
        slow, fast = rng.uniform(9, 15) * HOUR, rng.uniform(1, 2) * HOUR
        time = math.floor(now / TICK) * TICK
        wave = 0.10 * math.sin(time / slow * math.tau + rng.uniform(0, math.tau))
        wave += 0.05 * math.sin(time / fast * math.tau + rng.uniform(0, math.tau))
        return Decimal(str(round(0.95 + wave, 4)))
