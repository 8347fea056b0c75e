"""A fleet's events in words, for the log and the other sinks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tensorone._events.loops import FleetChanged

from .events import BidMade, BudgetReached, GaveUp, Moved, Preempted, Recovered, StatusUnknown

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from decimal import Decimal

    from tensorone._events.emitter import Emitter

    from .events import Event


def tell(events: Emitter, changes: Iterable[Event], *, lost: Container[str]) -> None:
    """Tells of them, at DEBUG where another event told of the same before.

    Args:
        events: Where.
        changes: The fleet's events; the log of attempts reports bids as they are made.
        lost: The clusters of which it is known that they run no more.
    """
    for change in changes:
        if isinstance(change, BidMade):
            continue
        known = isinstance(change, Preempted) and change.cluster_id in lost
        resumed = isinstance(change, Recovered) and change.bid_per_gpu is not None
        level = logging.DEBUG if known or resumed else FleetChanged.LEVEL
        if events.wants(level):
            cluster_id: str | None = getattr(change, "cluster_id", None)
            text = words(change)
            events.emit_at(
                level, FleetChanged, call="spot.keep_running", change=change, cluster_id=cluster_id, text=text
            )


def words(change: Event) -> str:  # noqa: PLR0911 - one line for each kind
    """One line for a person."""
    match change:
        case Preempted(cluster_id=cluster_id):
            booting = " while it started" if change.while_booting else ""
            what = "is gone, and its volume with it: another one is needed" if change.gone else "is to run again"
            return f"cluster {cluster_id} was lost{booting}, and {what}"
        case Recovered(cluster_id=cluster_id):
            how = " without GPUs, to save its data" if change.without_gpus else _price(change.bid_per_gpu)
            return f"cluster {cluster_id} runs again where it was{how}"
        case Moved(old_cluster_id=old, cluster_id=cluster_id):
            return f"cluster {cluster_id} took the place of {old}{_price(change.bid_per_gpu)}"
        case GaveUp(cluster_id=cluster_id):
            return f"cluster {cluster_id} is given up: {change.reason}"
        case StatusUnknown(cluster_id=cluster_id):
            return f"cluster {cluster_id} has the unknown status {change.status}: nothing is done about it"
        case BudgetReached():
            return f"{change.limit} is reached: no more bids; ${change.spent:.2f} spent, ${change.rate:.2f} an hour now"
        case _:
            return f"cluster {change.cluster_id}: bid ${change.bid_per_gpu}: {change.answer}"


def _price(bid_per_gpu: Decimal | None) -> str:
    return "" if bid_per_gpu is None else f", at ${bid_per_gpu} per GPU-hour"
