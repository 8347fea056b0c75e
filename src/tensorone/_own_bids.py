"""Not outbidding oneself: when the market's minimum is but one's own bid and a step more. Pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from ._bidding import RESOLUTION, price

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ._quotes import SpotQuote

OUTBID = Decimal("0.01")
"""The most that a market asks above the bid that would be displaced, US dollars per GPU and hour. Assumed."""


def without_own(quote: SpotQuote, own: Collection[Decimal], refused: Sequence[Decimal] = ()) -> SpotQuote:
    """A quote in which what could be had only by outbidding oneself is not on offer.

    Where everything is taken, the market asks a little more than the lowest bid that holds a machine. If that bid is
    one's own, winning ends one's own cluster: the same machines, for more money.

    Args:
        quote: The market's prices.
        own: Bids of one's own running clusters of this GPU type, US dollars per GPU and hour.
        refused: Bids that were refused as too low in this run: the market asks more than them.
    """
    asked = price(quote.minimum_bid)
    if asked is None:
        return quote
    least = max([asked, *(bid + RESOLUTION for bid in refused)])
    if any(least - OUTBID <= bid < least for bid in own):
        return replace(quote, minimum_bid=None)
    return quote
