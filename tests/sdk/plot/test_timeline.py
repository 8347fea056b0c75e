"""The picture of a fleet or a search: when clusters ran, what was bid, what it cost."""

import io
import runpy
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tensorone import Attempt, BidMade, GaveUp, InvalidArgument, Moved, Preempted, Recovered
from tensorone.plot import Span, spans, timeline
from tensorone.plot._spans import paid

EXAMPLE = Path(__file__).parents[3] / "examples" / "spot_fleet.py"
BID = Decimal("0.2")
EVENTS = [
    Preempted("a", 60.0, while_booting=False, gone=False),
    BidMade("a", 70.0, Decimal("0.1"), "bid too low"),
    BidMade("a", 80.0, Decimal("0.3"), "started"),
    Recovered("a", 90.0, Decimal("0.3")),
    Preempted("b", 100.0, while_booting=False, gone=True),
    Moved("b", "c", 120.0, None),
    GaveUp("x", 130.0, "no"),
    Moved("a", "d", 150.0, BID),  # without a preemption: it ran until it was moved
    Recovered("late", 160.0, BID),
]


def texts(figure) -> str:
    """What a figure says, as its SVG holds it."""
    import matplotlib as mpl  # noqa: PLC0415 - the setting of one test

    kept = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        figure.savefig(kept, format="svg")
    return " ".join(ET.fromstring(kept.getvalue()).itertext())


def test_a_replacement_shares_the_lane_of_what_it_replaced() -> None:
    """A cluster ran until it was preempted or moved; what the fleet was not known to have gets a lane of its own."""
    found = spans(EVENTS, fleet={"a": BID, "b": None}, start=0.0, end=200.0, gpu_count=2)
    assert sorted(found, key=lambda span: (span.lane, span.begin)) == [
        Span(0, "a", 0.0, 60.0, 0.4),
        Span(0, "a", 90.0, 150.0, 0.6),
        Span(0, "d", 150.0, 200.0, 0.4),
        Span(1, "b", 0.0, 100.0, None),
        Span(1, "c", 120.0, 200.0, None),
        Span(4, "late", 160.0, 200.0, 0.4),
    ]


def test_cost_is_the_integral_of_what_ran() -> None:
    """Two clusters at 0.4 and 0.2 dollars an hour: the sum at the end of each."""
    ran = [Span(0, "a", 0.0, 3600.0, 0.4), Span(1, "b", 1800.0, 7200.0, 0.2), Span(2, "c", 0.0, 7200.0, None)]
    assert dict(paid(ran)) == pytest.approx({0.0: 0.0, 1800.0: 0.2, 3600.0: 0.5, 7200.0: 0.7})


def test_a_fleet_has_market_clusters_and_money() -> None:
    """Three parts, with what was given in their legends; time without stock is a gap."""
    prices = {"NVIDIA A40": [(0.0, BID), (50.0, None), (100.0, 0.25), (900.0, 0.9)], "NVIDIA L4": []}
    figure = timeline(
        EVENTS, fleet={"a": BID, "b": None}, prices=prices, ceiling=0.35, on_demand=1, start=0.0, end=200.0
    )
    assert len(figure.axes) == 3
    shown = texts(figure)
    assert all(each in shown for each in ("NVIDIA A40", "ceiling", "bid won", "bid refused", "on-demand", "minutes"))
    assert "nan" not in shown
    assert "on-demand" not in texts(timeline(EVENTS, fleet={"a": BID}))


def test_a_long_picture_counts_in_hours() -> None:
    """A day is labelled from 0 to 24, and what ran has its place in it."""
    figure = timeline(EVENTS, fleet={"a": BID}, start=0.0, end=86_400.0)
    assert figure.axes[-1].get_xlabel() == "hours"
    assert figure.axes[-1].get_xlim() == (0, 24)
    assert max(path.vertices[:, 0].max() for bar in figure.axes[1].collections[:-1] for path in bar.get_paths()) == 24


def test_a_search_has_the_market_alone() -> None:
    """Attempts are bids; one that sent nothing is none, and nothing is known of clusters."""
    at = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
    ledger = [
        Attempt(at=at, gpu_type_id="NVIDIA A40", bid_per_gpu=0.2, reason="r", answer="bid too low"),
        Attempt(at=at, gpu_type_id="NVIDIA A40", bid_per_gpu=None, reason="above the ceiling", answer=""),
        Attempt(at=at, gpu_type_id="NVIDIA A40", bid_per_gpu=0.3, reason="r", answer="won"),
    ]
    assert len(timeline(ledger).axes) == 1


def test_a_fleet_to_which_nothing_happened_is_drawn_from_start_to_end() -> None:
    """Its clusters, and what they cost, are known without any event."""
    assert len(timeline([], fleet={"abc": 0.2, "def": None}, start=0, end=3600).axes) == 3


@pytest.mark.parametrize(
    ("history", "options"),
    [([], {}), (["?"], {}), ([], {"fleet": {"abc": 0.2}, "start": 0}), (EVENTS, {"gpu_count": 0})],
)
def test_what_cannot_be_drawn_is_refused(history, options) -> None:
    """Nothing to draw, or clusters without GPUs, is an error that names the argument."""
    with pytest.raises(InvalidArgument, match=r"history|gpu_count"):
        timeline(history, **options)


def test_the_example_draws_its_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`spot_fleet.py --plot FILE` writes the picture beside its report."""
    picture = tmp_path / "fleet.svg"
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), "--plot", str(picture)])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    assert ET.parse(picture).getroot().tag.endswith("svg")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing the module says what to install."""
    for name in [name for name in sys.modules if name.startswith("tensorone.plot")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "tensorone\[plot\]"'):
        __import__("tensorone.plot")
