"""Prices of several GPU types: one request for all who ask at the same time, and without what one's own bids cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import anyio

from tensorone._concurrency.single_flight import Fetched, SingleFlight

from .own_bids import without_own
from .quotes import SpotQuote, by_price, priced, priced_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from decimal import Decimal

    from tensorone._session.session import Session

    Prices = SingleFlight[dict[str, "SpotQuote"]]
    MarketPrices = SingleFlight[dict[tuple[str, int], "SpotQuote"]]


FRESH_ENOUGH = 0.2  # share of the last pause that prices asked for by another search may be old


class Source(Protocol):
    """Where prices come from."""

    async def since(self, moment: float) -> Fetched[dict[str, SpotQuote]]:
        """Prices by GPU type that were asked for at `moment` (of anyio's clock) or later."""
        ...


class SharedPrices:
    """The market of one spec's GPU types.

    Args:
        prices: What it asks; shared by the whole fleet.
        own: Bids of the fleet's running clusters of a GPU type, US dollars per GPU and hour.
        age: Seconds after which prices are fetched again.
    """

    def __init__(self, prices: Source, own: Callable[[str], Collection[Decimal]], *, age: float) -> None:
        self._prices = prices
        self._own = own
        self._age = age

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
        """The prices of all its GPU types, for a search; fetched again where it asks once more."""
        ages = [self._age]

        async def fetch() -> dict[str, SpotQuote]:
            found = (await self._prices.since(anyio.current_time() - (ages.pop() if ages else 0.0))).value
            return {name: without_own(each, self._own(name)) for name, each in found.items()}

        return SingleFlight(fetch)


class Market:
    """The prices of all that a fleet may rent, by one request for all its recoveries.

    Args:
        session: The client's.
        pairs: The GPU types and numbers.
        known: What was read before, and when.
        flight: What asks for these prices, where others ask for them too.
    """

    def __init__(
        self,
        session: Session,
        pairs: Collection[tuple[str, int]],
        known: Fetched[Collection[SpotQuote]] | None = None,
        *,
        flight: MarketPrices | None = None,
    ) -> None:
        seen = None if known is None else Fetched(known.asked_at, _by_pair(known.value))
        self._seen = seen if seen is not None and seen.value.keys() >= {*pairs} else None
        self._flight = market_prices(session, pairs) if flight is None else flight

    async def since(self, moment: float) -> Fetched[dict[tuple[str, int], SpotQuote]]:
        """The prices, asked for at `moment` (of anyio's clock) or later."""
        if self._seen is not None and self._seen.asked_at >= moment:
            return self._seen
        return await self._flight.since(moment)

    def of(self, gpu_type_ids: Iterable[str | None], gpu_count: int) -> Source:
        """The part of it that one spec may be of."""
        return _Part(self, tuple(each for each in gpu_type_ids if each is not None), gpu_count)


def market_prices(session: Session, pairs: Collection[tuple[str, int]]) -> MarketPrices:
    """The prices of these GPU types and numbers, by one request for all who ask at the same time."""

    async def fetch() -> dict[tuple[str, int], SpotQuote]:
        return _by_pair(await priced_pairs(session, tuple(sorted(pairs))))

    return SingleFlight(fetch)


class _Part:
    """Some GPU types of a market."""

    def __init__(self, market: Market, gpu_type_ids: tuple[str, ...], gpu_count: int) -> None:
        self._market = market
        self._gpu_type_ids = gpu_type_ids
        self._gpu_count = gpu_count

    async def since(self, moment: float) -> Fetched[dict[str, SpotQuote]]:
        """Their prices."""
        found = await self._market.since(moment)
        return Fetched(found.asked_at, {each: found.value[each, self._gpu_count] for each in self._gpu_type_ids})


def _by_pair(quotes: Iterable[SpotQuote]) -> dict[tuple[str, int], SpotQuote]:
    return {(each.gpu_type_id, each.gpu_count): each for each in quotes}


def shared_prices(session: Session, gpu_type_ids: Iterable[str | None], *, gpu_count: int) -> Prices:
    """The prices of some GPU types, by one request for all who search for them at the same time."""
    ids = tuple(each for each in gpu_type_ids if each is not None)

    async def fetch() -> dict[str, SpotQuote]:
        return {quote.gpu_type_id: quote for quote in await priced(session, ids, gpu_count=gpu_count)}

    return SingleFlight(fetch)
