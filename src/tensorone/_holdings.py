"""What the searches of one call hold already, so that none of them outbids another. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._bidding import price
from ._markers import STOPPED
from ._own_bids import outbids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from ._generated import Cluster


class Holdings:
    """The bids that hold clusters, by GPU type: parts of the market share their machines with the whole of it."""

    def __init__(self) -> None:
        self._bids: dict[str, tuple[str, Decimal]] = {}
        self.won: dict[str, float] = {}

    def add(self, cluster_id: str, gpu_type_id: str, bid: Decimal, *, at: float) -> None:
        """A bid won, at a time of anyio's clock."""
        self._bids[cluster_id] = (gpu_type_id, bid)
        self.won[cluster_id] = at

    def forget(self, cluster_ids: Iterable[str]) -> None:
        """These were lost again: what they were won for holds nothing any more."""
        for each in cluster_ids:
            self._bids.pop(each, None)  # another search may have found it, too
            self.won.pop(each, None)

    def stand_in_the_way(self, gpu_type_id: str, minimum: float | None, refused: Sequence[Decimal] = ()) -> bool:
        """Whether a further cluster of the type would only be had by displacing one of these."""
        own = [bid for held, bid in self._bids.values() if held == gpu_type_id]
        return outbids(price(minimum), refused, own)


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
