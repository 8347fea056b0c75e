"""What the market asks for a spot cluster now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._gpu_types import get

if TYPE_CHECKING:
    from ._session import Session

__all__ = ["SpotQuote"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotQuote:
    """What the market asks for a GPU type now; it promises no capacity.

    Attributes:
        gpu_type_id: The GPU type.
        gpu_count: GPUs in one cluster that the prices are for.
        minimum_bid: Least bid that would win now, US dollars per GPU and hour; None where there is no stock.
        on_demand_price: Fixed price, US dollars per GPU and hour; None where there is no stock.
    """

    gpu_type_id: str
    gpu_count: int
    minimum_bid: float | None
    on_demand_price: float | None

    @property
    def available(self) -> bool:
        """Whether there is anything to bid for."""
        return self.minimum_bid is not None

    @property
    def discount(self) -> float | None:
        """How much less the minimum bid is than the on-demand price: 0.6 for 60 per cent less."""
        if self.minimum_bid is None or not self.on_demand_price:
            return None
        return 1.0 - self.minimum_bid / self.on_demand_price


async def quote(session: Session, gpu_type_id: str, *, gpu_count: int) -> SpotQuote:
    """The request behind `spot.quote`."""
    price = (await get(session, gpu_type_id, gpu_count=gpu_count)).lowest_price
    return SpotQuote(
        gpu_type_id=gpu_type_id,
        gpu_count=gpu_count,
        minimum_bid=price.minimum_bid_price if price else None,
        on_demand_price=price.uninterruptable_price if price else None,
    )
