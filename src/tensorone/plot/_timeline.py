"""Draws a timeline: market and bids, clusters, money."""

# matplotlib's own annotations leave their keywords open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.figure import Figure

from tensorone import _checks
from tensorone._errors import InvalidArgument
from tensorone._fleet.events import BidMade, Preempted
from tensorone._market.attempt_log import Attempt

from . import _given
from ._spans import drawn, paid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from ._given import Price, Timed
    from ._spans import Span

__all__ = ["timeline"]

MINUTE, HOUR = 60.0, 3600.0
LONG = 5 * HOUR  # a picture of more is labelled in hours
WON = ("won", "started")
# Told apart by people who see few colours, and on white as on black.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
GREY = "#808080"
CROSS: Mapping[str, Any] = {"s": 34, "marker": "X", "facecolors": "white", "edgecolors": "#b00020", "zorder": 3}

Money = Decimal | float
Prices = Mapping[str, Iterable[tuple[float, Money | str | None]]]


class _Bid(NamedTuple):
    at: float
    dollars: float
    won: bool


def timeline(  # noqa: PLR0913 - each a layer of the picture
    history: Iterable[object],
    *,
    fleet: Mapping[str, Money | None] | None = None,
    prices: Prices | None = None,
    ceiling: Money | None = None,
    on_demand: Money | None = None,
    gpu_count: int = 1,
    start: float | None = None,
    end: float | None = None,
) -> Figure:
    """Draws a fleet's events or a search's ledger against time.

    From the top: what the market asked and what was bid; when each cluster ran, stopped or moved; what it cost. A part
    of which nothing is known is left out. Money is reckoned from bids and fixed prices of GPUs, without disks.

    Args:
        history: Events of ``spot.keep_running``, or attempts: ``rental.attempts``, ``error.ledger``. Anything else
            in it is ignored.
        fleet: The clusters that ran at the start, with their bids in US dollars per GPU and hour.
        prices: For each GPU type what the market asked, as pairs of seconds and US dollars per GPU and hour, also as
            text such as ``"0.25"``; None is a time without stock. A price holds until the next one.
        ceiling: The most that might be bid, US dollars per GPU and hour.
        on_demand: What the whole fleet would cost at fixed prices, US dollars per hour.
        gpu_count: GPUs of each cluster.
        start: When the picture begins, seconds of the clock of `history`; without it, its first moment.
        end: When it ends; without it, the last moment.

    Returns:
        A figure of matplotlib: ``timeline(…).savefig("fleet.svg")``.

    Raises:
        InvalidArgument: There is nothing to draw; a moment or a price is no finite number, or an attempt's moment has
            no time zone; the end is before the start; or `gpu_count` is below 1.
    """
    _checks.integer("gpu_count", gpu_count, least=1)
    told, asked = _given.history("history", history), _given.prices(prices or {})
    ceiling, on_demand = _given.money("ceiling", ceiling), _given.money("on_demand", on_demand)
    known = _given.fleet(fleet or {})
    moments = [each.at for each in told] + [at for each in asked.values() for at, _ in each]
    quiet = known and start is not None and end is not None  # a fleet to which nothing happened
    if not (moments or quiet):
        words = "holds nothing to draw: give it events or attempts, or prices beside it, or fleet with start and end"
        raise InvalidArgument("history", words)
    begin, until = _given.period(min(moments) if start is None else start, max(moments) if end is None else end)
    ran = drawn(told, known, begin, until, gpu_count=gpu_count)
    bids = [bid for each in told if (bid := _bid(each)) is not None]
    figure = Figure(figsize=(9, 6.5 if ran else 3), layout="constrained")
    parts = _parts(figure, 3 if ran else 1)
    clock = _Clock(begin, until)
    _market(parts[0], clock, bids, asked, ceiling)
    if ran:
        _clusters(parts[1], clock, ran, [each.what for each in told if isinstance(each.what, Preempted)])
        _money(parts[2], clock, ran, on_demand)
    parts[-1].set_xlabel("hours" if clock.unit == HOUR else "minutes")
    parts[-1].set_xlim(0, max(clock(until), 1 / clock.unit))
    return figure


class _Clock(NamedTuple):
    """Seconds of the caller's clock as minutes of the picture, or hours of a long one."""

    begin: float
    end: float

    @property
    def unit(self) -> float:
        return HOUR if self.end - self.begin > LONG else MINUTE

    def __call__(self, at: float) -> float:
        return (at - self.begin) / self.unit


def _bid(each: Timed) -> _Bid | None:
    if not isinstance(each.what, BidMade | Attempt) or each.usd_per_gpu is None:
        return None
    return _Bid(each.at, each.usd_per_gpu, each.what.answer in WON)


def _parts(figure: Figure, count: int) -> list[Axes]:
    parts = figure.subplots(count, 1, sharex=True, squeeze=False, height_ratios=(2, 2, 1)[:count])
    axes: list[Axes] = list(parts[:, 0])
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
        each.grid(alpha=0.2)
    return axes


def _market(
    axes: Axes,
    clock: _Clock,
    bids: Sequence[_Bid],
    asked: Mapping[str, Sequence[Price]],
    ceiling: float | None,
) -> None:
    axes.set_ylabel("USD per GPU-hour")
    for (name, pairs), colour in zip(asked.items(), cycle(COLOURS), strict=False):
        shown = [(clock(max(at, clock.begin)), price) for at, price in pairs if at <= clock.end]
        times = [at for at, _ in shown] + [clock(clock.end)]
        dollars = [float("nan") if price is None else price for _, price in shown]
        label = name.replace("$", r"\$")  # which would begin a formula
        axes.step(times, [*dollars, *(dollars[-1:] or [float("nan")])], where="post", color=colour, label=label, lw=1.2)
    for won, label in ((True, "bid won"), (False, "bid refused")):
        chosen = [bid for bid in bids if bid.won is won]
        face = GREY if won else "none"
        places = [clock(bid.at) for bid in chosen], [bid.dollars for bid in chosen]
        axes.scatter(*places, s=18, marker="o", facecolors=face, edgecolors=GREY, zorder=3, label=label)
    if ceiling is not None:
        axes.axhline(ceiling, color=GREY, linestyle="--", linewidth=1, label="ceiling")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small", ncols=3, frameon=False, loc="upper left", bbox_to_anchor=(0, 1.25))


def _clusters(axes: Axes, clock: _Clock, ran: Sequence[Span], preempted: Sequence[Preempted]) -> None:
    lanes: dict[str, int] = {each.cluster_id: each.lane for each in ran}
    first: dict[int, str] = {}
    for each in sorted(ran, key=lambda span: span.begin):
        moved = first.setdefault(each.lane, each.cluster_id) != each.cluster_id
        bar = [(clock(each.begin), clock(each.end) - clock(each.begin))]
        axes.broken_barh(bar, (each.lane - 0.4, 0.8), facecolors=COLOURS[1 if moved else 0], alpha=0.8)
    stops = [(clock(each.at), lanes[each.cluster_id]) for each in preempted if each.cluster_id in lanes]
    axes.scatter([at for at, _ in stops], [lane for _, lane in stops], **CROSS)
    axes.set_ylabel("clusters")
    axes.set_yticks([])
    axes.set_ylim(max(lanes.values()) + 0.6, -0.6)
    axes.set_title("blue: runs; orange: moved to another cluster; cross: preempted", fontsize="small", loc="left")


def _money(axes: Axes, clock: _Clock, ran: Sequence[Span], on_demand: float | None) -> None:
    costs = paid(ran)
    axes.plot([clock(at) for at, _ in costs], [cost for _, cost in costs], color=COLOURS[0], label="paid for GPUs")
    if on_demand is not None:
        whole = on_demand * (clock.end - clock.begin) / HOUR
        axes.plot([0, clock(clock.end)], [0, whole], color=GREY, linestyle="--", label="on-demand")
    axes.set_ylabel("USD")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small", frameon=False, loc="upper left")
