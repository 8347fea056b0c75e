"""Not outbidding oneself: when the market's minimum is caused by one's own bid. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tensorone import _checks
from tensorone._errors import InvalidArgument

from .bidding import RESOLUTION, price

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .quotes import SpotQuote


# The most that a market asks above the bid that would be displaced, in US dollars or as a share of it. Assumed.
OUTBID, OUTBID_SHARE = Decimal("0.01"), Decimal("0.05")


def outbids(minimum: Decimal | None, refused: Sequence[Decimal], own: Iterable[Decimal]) -> bool:
    """Whether the market's minimum is what it costs to outbid one's own cluster.

    Where everything is taken, the market asks a little more than the lowest bid that holds a machine. If that bid is
    one's own, winning ends one's own cluster: the same machines, for more money.

    Args:
        minimum: What the market asks, US dollars per GPU and hour; None where nothing is on offer.
        refused: Bids that were refused as too low in this run: it takes more than these.
        own: Bids of one's own running clusters of this GPU type.
    """
    if minimum is None:
        return False
    takes = max([minimum, *(bid + RESOLUTION for bid in refused)])
    return any(bid < takes <= bid + max(OUTBID, bid * OUTBID_SHARE) for bid in own)


def without_own(quote: SpotQuote, own: Iterable[Decimal], refused: Sequence[Decimal] = ()) -> SpotQuote:
    """A quote in which what could be had only by outbidding oneself is not on offer."""
    return replace(quote, minimum_bid=None) if outbids(price(quote.minimum_bid), refused, own) else quote


def checked_own_bids(given: Mapping[str, Iterable[Decimal | float]] | None) -> Callable[[str], tuple[Decimal, ...]]:
    """The bids of a caller's own running clusters by GPU type, as they are asked for.

    Raises:
        InvalidArgument: It is not a mapping of GPU types to bids.
    """
    if not isinstance(given, Mapping | None):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may give anything
        raise InvalidArgument("own_bids", "must map GPU types to the bids of your own running clusters")
    bids = {_checks.text("own_bids", name): tuple(_dollars(each)) for name, each in (given or {}).items()}
    return lambda gpu_type_id: bids.get(gpu_type_id, ())


def _dollars(given: Iterable[object]) -> Iterable[Decimal]:
    if isinstance(given, str) or not isinstance(given, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] - likewise
        raise InvalidArgument("own_bids", "must map each GPU type to several bids, as in {'NVIDIA A40': [0.21]}")
    return (_checks.dollars("own_bids", each) for each in given)


class OwnBids:
    """The bids that hold clusters, by GPU type: cloud types share their machines."""

    def __init__(self) -> None:
        self._bids: dict[str, tuple[str, Decimal]] = {}
        self.won: dict[str, float] = {}

    def add(self, cluster_id: str, gpu_type_id: str, bid: Decimal, *, at: float) -> None:
        """A bid won, at a time of anyio's clock."""
        self._bids[cluster_id] = (gpu_type_id, bid)
        self.won[cluster_id] = at

    def forget(self, cluster_ids: Iterable[str]) -> None:
        """These were lost again: their bids hold nothing any more."""
        for each in cluster_ids:
            self._bids.pop(each, None)  # another search may have found it, too
            self.won.pop(each, None)

    def would_be_outbid(self, gpu_type_id: str, minimum: float | None, refused: Sequence[Decimal] = ()) -> bool:
        """Whether a further cluster of the type would only be had by displacing one of these."""
        own = [bid for held, bid in self._bids.values() if held == gpu_type_id]
        return outbids(price(minimum), refused, own)
