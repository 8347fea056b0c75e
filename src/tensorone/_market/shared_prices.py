"""Prices of several GPU types: one request for all who ask at the same time, and without what one's own bids cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tensorone._concurrency.single_flight import SingleFlight

from .own_bids import without_own
from .quotes import SpotQuote, by_price, priced

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from decimal import Decimal

    from tensorone._session.session import Session

    Prices = SingleFlight[dict[str, "SpotQuote"]]


FRESH_ENOUGH = 0.2  # share of the last pause that prices asked for by another search may be old


class SharedPrices:
    """The market of one spec's GPU types.

    Args:
        prices: What it asks; shared by the whole fleet.
        own: Bids of the fleet's running clusters of a GPU type, US dollars per GPU and hour.
        every: Seconds between two polls; prices older than a fifth of that are fetched again.
    """

    def __init__(self, prices: Prices, own: Callable[[str], Collection[Decimal]], *, every: float) -> None:
        self._prices = prices
        self._own = own
        self._age = FRESH_ENOUGH * every

    async def quote(self, gpu_type_id: str, refused: Sequence[Decimal]) -> SpotQuote:
        """The prices of one GPU type; fetched again after a refusal."""
        age = 0.0 if refused else self._age
        asked = (await self._prices.since(anyio.current_time() - age)).value[gpu_type_id]
        return without_own(asked, self._own(gpu_type_id), refused)

    async def lowest(self) -> str:
        """The cheapest of its GPU types."""
        return by_price(list((await self.elsewhere().fresh()).value.values()))[0].gpu_type_id

    async def cheapest(self, gpu_type_id: str) -> SpotQuote | None:
        """The prices of the cheapest other GPU type; None where none is on offer."""
        found = (await self.elsewhere().fresh()).value.values()
        return next((each for each in by_price(list(found)) if each.gpu_type_id != gpu_type_id), None)

    def elsewhere(self) -> Prices:
        """The prices of all its GPU types, for a search."""

        async def fetch() -> dict[str, SpotQuote]:
            found = (await self._prices.since(anyio.current_time() - self._age)).value
            return {name: without_own(each, self._own(name)) for name, each in found.items()}

        return SingleFlight(fetch)


def shared_prices(session: Session, gpu_type_ids: Iterable[str | None], *, gpu_count: int) -> Prices:
    """The prices of some GPU types, by one request for all who search for them at the same time."""
    ids = tuple(each for each in gpu_type_ids if each is not None)

    async def fetch() -> dict[str, SpotQuote]:
        return {quote.gpu_type_id: quote for quote in await priced(session, ids, gpu_count=gpu_count)}

    return SingleFlight(fetch)
