"""What the searches of one call hold already, so that none of them outbids another. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ._bidding import price
from ._markers import STOPPED
from ._own_bids import outbids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from ._generated import Cluster


class Holdings:
    """The bids won so far, by GPU type: parts of the market share their machines with the whole of it."""

    def __init__(self) -> None:
        self._bids: defaultdict[str, list[Decimal]] = defaultdict(list)

    def add(self, gpu_type_id: str, bid: Decimal) -> None:
        """A bid won."""
        self._bids[gpu_type_id].append(bid)

    @property
    def any(self) -> bool:
        """Whether there are any."""
        return bool(self._bids)

    def stand_in_the_way(self, gpu_type_id: str, minimum: float | None, refused: Sequence[Decimal] = ()) -> bool:
        """Whether a further cluster of the type would only be had by displacing one of these."""
        return outbids(price(minimum), refused, self._bids.get(gpu_type_id, ()))


def lost(
    won: Mapping[str, float], shown: Mapping[str, Cluster], *, asked_at: float, settle_time: float
) -> frozenset[str]:
    """Which of the clusters won do not run any more.

    Args:
        won: When each was won, by its id.
        shown: The account's clusters by id.
        asked_at: When they were asked for, by the same clock.
        settle_time: Seconds for which a listing may lag: until then a missing cluster is not taken for gone.
    """
    stopped = {name for name in won if name in shown and shown[name].desired_status in STOPPED}
    missing = {name for name, at in won.items() if name not in shown and asked_at >= at + settle_time}
    return frozenset(stopped | missing)
