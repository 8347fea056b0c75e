"""Draws the pictures of the pages into docs/pictures, from what the project measured itself: `make pictures`.

Each is drawn in tones that are readable on white and on black, on no background. The same input gives the same bytes.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lost_answer
import matplotlib as mpl
import way_of_a_call
from matplotlib.figure import Figure

from tensorone.plot import timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = DOCS / "pictures"
# Tones between white and black; told apart by people who see few colours.
INK, OURS, FAST, PEER, OTHER = "#787d85", "#1f86c9", "#0f9d77", "#9a9fa6", "#d0662b"
STYLE: Any = {
    "svg.hashsalt": "tensorone",  # names within the file are made of it, and not of chance
    "svg.fonttype": "none",
    "font.family": ["sans-serif"],
    "font.size": 11.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12.0,
    "grid.color": INK,
    "grid.alpha": 0.25,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "axes.titlecolor", "xtick.color", "ytick.color"), INK
    ),
}


# How the picture calls the rows of the table, and their colour.
POLICIES = {
    "on-demand": ("on-demand", INK),
    "naive: resume at the same bid, every 60 s": ("naive: the same bid again", OTHER),
    "SkyPilot's schedule: relaunch, 60 s times 1.6, 300 s at most": ("SkyPilot's schedule", OTHER),
    'the same at `margin="15%"`': ("SkyPilot's schedule, margin 15%", OTHER),
    '`spot.keep_running`, `"replace_next"`: where the data is': ("keep_running, where the data is", OURS),
    '`spot.keep_running`, `"replace_cheapest"`': ("keep_running, the cheapest type", OURS),
    'the same at `margin="15%"`, `"replace_cheapest"`': ("keep_running, the cheapest type, margin 15%", OURS),
}
CROWDED = 95  # per cent: above it the points are too close for names beside them


def rows(page: str, heading: str) -> list[list[str]]:
    """The rows of the table of a page whose head begins so, cell by cell."""
    lines = (DOCS / page).read_text(encoding="utf-8").partition(f"| {heading}")[2].splitlines()[2:]
    table = lines[: next((at for at, line in enumerate(lines) if not line.startswith("|")), len(lines))]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def calls() -> Figure:
    """CPU time of a call against the calls in flight: what `make bench` measured, as docs/performance.md has it."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    ends: list[tuple[float, str, str]] = []
    for name, *cells in rows("performance.md", "CPU per operation"):
        colour = {"tensorone": OURS, "tensorone[fast]": FAST}.get(name, PEER)
        cost = [float(cell.replace(",", "")) for cell in cells]
        mine = colour is not PEER
        axes.plot((16, 100, 1000), cost, color=colour, linewidth=2.6 if mine else 1.4, marker="o", markersize=4)
        ends.append((cost[-1], name, colour))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks((16, 100, 1000), ("16", "100", "1,000"))
    axes.set_xticks((), minor=True)
    axes.set_yticks((100, 1000, 10_000), ("100", "1,000", "10,000"))
    axes.set_xlim(14, 9000)
    axes.grid(axis="y")
    axes.set_xlabel("requests in flight")
    axes.set_ylabel("CPU time of a call, µs")
    _beside(axes, ends)
    return figure


def _beside(axes: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Names the lines at their right ends, each at least a line of text above the one below."""
    least = 0.0
    for cost, name, colour in sorted(ends):
        least = max(cost, least * 1.42)
        axes.text(1130, least, name, color=colour, va="center", fontsize=10.5)


def policies() -> Figure:
    """Time that a fleet runs against money, by policy: what `make bench-spot` simulated, as docs/spot.md has it."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    crowd: list[tuple[float, float, str, str]] = []
    for name, running, cost, _ in rows("spot.md", "policy | running"):
        share, dollars, (label, colour) = float(running.partition("%")[0]), float(cost), POLICIES[name]
        axes.scatter(dollars, share, s=70, color=colour, zorder=3)
        if share > CROWDED:
            crowd.append((share, dollars, label, colour))
        else:
            axes.annotate(label, (dollars, share), (0, -18), textcoords="offset points", ha="center", color=colour)
    line = {"arrowstyle": "-", "color": INK, "linewidth": 0.7, "shrinkA": 1, "shrinkB": 6, "relpos": (0, 0.5)}
    for at, (share, dollars, label, colour) in enumerate(sorted(crowd, reverse=True)):
        place = (0.272, 100 - 2.3 * at)
        axes.annotate(label, (dollars, share), place, va="center", color=colour, arrowprops=line)
    axes.grid()
    axes.set_xlim(0.2, 0.44)
    axes.set_ylim(74, 101)
    axes.set_xlabel("US dollars per cluster-hour that ran")
    axes.set_ylabel("share of the time that clusters ran, %")
    return figure


def svg(draw: Callable[[], Figure]) -> str:
    """A picture as text."""
    out = io.StringIO()
    with mpl.rc_context(STYLE):
        draw().savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return out.getvalue()


def day() -> Figure:
    """A fleet's day, by `tensorone.plot.timeline`; takes half a minute of simulation."""
    from fleet_day import BIDDING, DAY, simulated  # noqa: PLC0415 - the others need no simulation

    seen = simulated()
    return timeline(
        seen.events,
        fleet=seen.bids,
        prices=seen.prices,
        ceiling=BIDDING.ceiling,
        on_demand=seen.on_demand,
        start=0,
        end=DAY,
    )


def drawn() -> dict[str, Callable[[], str]]:
    """How each picture is made; those that take no simulation come first."""
    return {
        "way-of-a-call": way_of_a_call.drawing,
        "lost-answer": lost_answer.drawing,
        "calls": lambda: svg(calls),
        "policies": lambda: svg(policies),
        "fleet-day": lambda: svg(day),
    }


def main() -> None:
    """Draws all of them, or those that are named."""
    for name, draw in drawn().items():
        if name in sys.argv[1:] or not sys.argv[1:]:
            print(f"docs/pictures/{name}.svg …", flush=True)  # the last one takes half a minute
            (PICTURES / f"{name}.svg").write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
