"""When each cluster of a fleet ran, told from the fleet's events."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from tensorone import _checks
from tensorone._fleet.events import Moved, Preempted, Recovered

from . import _given

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from tensorone._fleet.events import Event

    from ._given import Timed

__all__ = ["Span", "spans"]

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Span:
    """Some time for which a cluster ran.

    Attributes:
        lane: The place in the fleet, from 0; a cluster and its replacements share one.
        cluster_id: The cluster.
        begin: Seconds of the caller's clock.
        end: Likewise.
        usd_per_hour: What its GPUs were billed, US dollars per hour; None if unknown.
    """

    lane: int
    cluster_id: str
    begin: float
    end: float
    usd_per_hour: float | None


class _Open(NamedTuple):
    lane: int
    begin: float
    rate: float | None


def spans(
    events: Iterable[Event],
    *,
    fleet: Mapping[str, Decimal | float | None],
    start: float,
    end: float,
    gpu_count: int = 1,
) -> list[Span]:
    """When each cluster of a fleet ran, from its events.

    Args:
        events: What ``spot.keep_running`` yielded, in order.
        fleet: The clusters that ran at the start, with their bids in US dollars per GPU and hour.
        start: When the fleet began, seconds of the caller's clock.
        end: When the picture ends.
        gpu_count: GPUs of each cluster.

    Returns:
        The spans in the order in which they ended; what ran before the start or after the end is cut off.

    Raises:
        InvalidArgument: A moment or a price is no finite number, `end` is before `start`, or `gpu_count` is below 1.
    """
    _checks.integer("gpu_count", gpu_count, least=1)
    told = _given.history("events", events)
    return drawn(told, _given.fleet(fleet), *_given.period(start, end), gpu_count=gpu_count)


def drawn(
    told: Iterable[Timed], fleet: Mapping[str, float | None], start: float, end: float, *, gpu_count: int
) -> list[Span]:
    """The same of what was checked."""
    running = {each: _Open(lane, start, _rate(bid, gpu_count)) for lane, (each, bid) in enumerate(fleet.items())}
    lanes = {each: lane for lane, each in enumerate(fleet)}
    found: list[Span] = []

    def close(cluster_id: str, at: float) -> None:
        if (was := running.pop(cluster_id, None)) is not None and was.begin <= (until := min(max(at, start), end)):
            found.append(Span(was.lane, cluster_id, was.begin, until, was.rate))

    for at, event, bid in told:
        if isinstance(event, Preempted):
            close(event.cluster_id, at)
        elif isinstance(event, Recovered | Moved):
            if isinstance(event, Moved):
                close(event.old_cluster_id, at)
                lanes[event.cluster_id] = lanes.get(event.old_cluster_id, len(lanes))
            close(event.cluster_id, at)
            lane = lanes.setdefault(event.cluster_id, len(lanes))
            running[event.cluster_id] = _Open(lane, max(at, start), _rate(bid, gpu_count))
    for each in tuple(running):
        close(each, end)
    return found


def paid(ran: Sequence[Span]) -> list[tuple[float, float]]:
    """What the spans cost together, US dollars, at each moment at which one began or ended."""
    steps = sorted(
        [(each.begin, each.usd_per_hour or 0.0) for each in ran]
        + [(each.end, -(each.usd_per_hour or 0.0)) for each in ran]
    )
    moments = [at for at, _ in steps]
    rates = accumulate(rate for _, rate in steps)
    costs = (rate * (after - at) / HOUR for rate, at, after in zip(rates, moments, moments[1:], strict=False))
    return list(zip(moments, accumulate(costs, initial=0.0), strict=True))


def _rate(bid: float | None, gpu_count: int) -> float | None:
    return None if bid is None else bid * gpu_count
