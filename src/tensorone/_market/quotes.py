"""What the market asks for a spot cluster now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone import _checks
from tensorone._data.dataclass import dataclass
from tensorone._errors import QueryError
from tensorone._generated import pricing_one
from tensorone._graphql import batch, calls

from . import on_demand_price
from .bidding import price
from .catalogue import unknown_words
from .spot_unsupported import asking_for_spot

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tensorone._generated import PricedGpuType
    from tensorone._session.session import Session

__all__ = ["SpotQuote"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotQuote:
    """What the market asks for a GPU type now; it promises no capacity.

    Attributes:
        gpu_type_id: The GPU type.
        gpu_count: GPUs in one cluster that the prices are for.
        minimum_bid: Least bid that would win now, US dollars per GPU and hour; None without stock.
        on_demand_price: Fixed price, US dollars per GPU and hour; None without stock.
        problem: Why the prices of this type could not be read among others; None if they could.
    """

    gpu_type_id: str
    gpu_count: int
    minimum_bid: float | None
    on_demand_price: float | None
    problem: str | None = None

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

    def _cells_(self) -> dict[str, object]:
        saving = None if self.discount is None else f"{self.discount:.0%}"
        prices = {"spot $/GPU·h": _dollars(self.minimum_bid), "fixed $/GPU·h": _dollars(self.on_demand_price)}
        shown = {"GPU type": self.gpu_type_id, "GPUs": self.gpu_count, **prices}
        return {**shown, "saves": saving, "problem": self.problem}


def _dollars(price: float | None) -> str | None:
    """Cents at least, and a tenth of one where there is one."""
    if price is None:
        return None
    return f"{price:.2f}" if round(price, 2) == price else f"{price:.3f}"


async def quote(session: Session, gpu_type_id: str, *, gpu_count: int) -> SpotQuote:
    """The request behind `spot.quote`.

    Raises:
        OperationUnsupported: The server offers no spot clusters; the error says so.
        QueryError: There is no such GPU type.
    """
    with asking_for_spot(), calls.named("spot.quote"):
        gpu = await get(session, gpu_type_id, gpu_count=gpu_count)
    return _quoted(gpu_type_id, gpu_count, gpu)


async def quotes(session: Session, gpu_type_ids: Iterable[str] | None, *, gpu_count: int) -> list[SpotQuote]:
    """The requests behind `spot.quotes`."""
    _checks.integer("gpu_count", gpu_count, least=1)
    if gpu_type_ids is None:
        with calls.named("spot.quotes"):
            found = (await session.graphql.list_gpu_types()).gpu_types or ()
        ids = [gpu.id for gpu in found if gpu is not None]
    else:
        ids = [
            _checks.text(f"gpu_type_ids[{index}]", each)
            for index, each in enumerate(_checks.several("gpu_type_ids", gpu_type_ids))
        ]
    return by_price(await priced(session, tuple(dict.fromkeys(ids)), gpu_count=gpu_count))


async def priced(session: Session, ids: tuple[str, ...], *, gpu_count: int) -> list[SpotQuote]:
    """Quotes in the order of the ids, by one request; types that fail are requested by themselves.

    Raises:
        TensorOneError: The request failed in a way that smaller ones would not fix.
    """
    return await priced_pairs(session, tuple((each, gpu_count) for each in ids))


async def priced_pairs(session: Session, pairs: tuple[tuple[str, int], ...]) -> list[SpotQuote]:
    """The same for GPU types each with a number of GPUs."""
    found: list[SpotQuote] = []
    for start in range(0, len(pairs), batch.READS_PER_REQUEST):
        found += await _batch(session, pairs[start : start + batch.READS_PER_REQUEST])
    return found


async def _batch(session: Session, pairs: tuple[tuple[str, int], ...]) -> list[SpotQuote]:
    if len(pairs) == 1:
        return [await _isolated(session, *pairs[0])]
    try:
        with asking_for_spot():
            data = await session.executor.execute(batch.pricing(pairs), {})
    except QueryError as error:
        if batch.retry_plan(error, tuple(each for each, _ in pairs)) is None:
            raise
        return [await _isolated(session, *each) for each in pairs]
    return [_noted(session, _from_answer(*each, data.get(f"c{index}"))) for index, each in enumerate(pairs)]


async def _isolated(session: Session, gpu_type_id: str, gpu_count: int) -> SpotQuote:
    try:
        with asking_for_spot(), calls.named("spot.quotes"):
            found = (await session.graphql.get_gpu_type(gpu_type_id, gpu_count=gpu_count)).gpu_types
    except QueryError as error:
        if error.retryable or batch.concerns_all(error):
            raise
        return _without_prices(gpu_type_id, gpu_count, str(error))
    return _noted(session, _from_answer(gpu_type_id, gpu_count, found))


def _noted(session: Session, quote: SpotQuote) -> SpotQuote:
    on_demand_price.note(session, quote.gpu_type_id, quote.on_demand_price)
    return quote


def _from_answer(gpu_type_id: str, gpu_count: int, found: Sequence[PricedGpuType | None] | None) -> SpotQuote:
    if found is None:
        return _without_prices(gpu_type_id, gpu_count, unanswered(gpu_type_id))
    gpu = next((each for each in found if each is not None), None)
    if gpu is None:
        return _without_prices(gpu_type_id, gpu_count, no_such(gpu_type_id))
    return _quoted(gpu_type_id, gpu_count, gpu)


def _quoted(gpu_type_id: str, gpu_count: int, gpu: PricedGpuType) -> SpotQuote:
    """The prices as the server quotes them; a price of zero is not one."""
    lowest = gpu.lowest_price
    minimum, fixed = (None, None) if lowest is None else (lowest.minimum_bid_price, lowest.uninterruptable_price)
    return SpotQuote(
        gpu_type_id=gpu_type_id,
        gpu_count=gpu_count,
        minimum_bid=None if price(minimum) is None else minimum,
        on_demand_price=None if price(fixed) is None else fixed,
    )


def _without_prices(gpu_type_id: str, gpu_count: int, problem: str) -> SpotQuote:
    return SpotQuote(
        gpu_type_id=gpu_type_id, gpu_count=gpu_count, minimum_bid=None, on_demand_price=None, problem=problem
    )


def by_price(found: Sequence[SpotQuote]) -> list[SpotQuote]:
    """Cheapest first, types without stock last; equal ones in the order given."""
    return sorted(found, key=lambda one: (one.minimum_bid is None, one.minimum_bid or 0.0))


async def get(session: Session, gpu_type_id: str, *, gpu_count: int) -> PricedGpuType:
    """The request behind `GpuTypes.get` and ``spot.quote``."""
    _checks.text("gpu_type_id", gpu_type_id)
    _checks.integer("gpu_count", gpu_count, least=1)
    found: Sequence[PricedGpuType | None] | None = await session.reads.one(
        pricing_one(), {"id": gpu_type_id, "gpuCount": gpu_count}
    )
    for gpu in found or ():
        if gpu is not None:
            _noted(session, _quoted(gpu_type_id, gpu_count, gpu))
            return gpu
    problem = unanswered(gpu_type_id) if found is None else await unknown_words(session, gpu_type_id)
    raise QueryError(f"gpu_types.get: {problem}", operation="GetGpuType", attempts=1)


def no_such(gpu_type_id: str) -> str:
    """The words for a GPU type that the server does not know."""
    return f"there is no GPU type {gpu_type_id!r}: client.gpu_types.list() shows the ids"


def unanswered(gpu_type_id: str) -> str:
    """The words for a null in place of a list, which proves nothing about the GPU type."""
    return f"the server answered null about the GPU type {gpu_type_id!r} and gave no reason"
