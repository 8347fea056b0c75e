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


NAN, INFINITE, TOO_MUCH = float("nan"), float("inf"), 10**400
NAIVE = datetime(2026, 11, 27)  # noqa: DTZ001 - what is refused


def bid(*, at: object = 1.0, usd: object = BID) -> BidMade:
    """A bid with whatever a caller may put into it."""
    return BidMade("a", at, usd, "won")  # type: ignore[arg-type]


def attempt(at: object) -> Attempt:
    """An attempt, likewise."""
    return Attempt(at=at, gpu_type_id="NVIDIA A40", bid_per_gpu=0.2, reason="r", answer="won")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("problem", "options"),
    [
        ("history: must be a list of events or attempts, not NoneType", {"history": None}),
        ("history: must be a list of events or attempts, not str", {"history": "abc"}),
        ("history: must be a list of events or attempts, not BidMade", {"history": bid()}),
        ("history[1].at: must be a finite number of seconds, not nan", {"history": ["?", bid(at=NAN)]}),
        ("history[0].at: must be a finite number of seconds", {"history": [bid(at=TOO_MUCH)]}),
        (
            "history[0].at: must be a number of seconds, not datetime: pass its .timestamp()",
            {"history": [bid(at=NAIVE)]},
        ),
        ("history[0].at: must be a number of seconds, not str", {"history": [bid(at="now")]}),
        ("history[0].at: must be a datetime with a time zone, not datetime", {"history": [attempt(NAIVE)]}),
        ("history[0].at: must be a datetime with a time zone, not '03:00'", {"history": [attempt("03:00")]}),
        ("history[0].bid_per_gpu: must be a finite number of US dollars", {"history": [bid(usd=Decimal("NaN"))]}),
        ("history[0].bid_per_gpu: must be a number of US dollars, not str", {"history": [bid(usd="a lot")]}),
        ("fleet: must map the id of each cluster to its bid, or to None, not list", {"fleet": ["a"]}),
        ("fleet: must map the id of each cluster to its bid, or to None; 5 is no string", {"fleet": {5: 0.2}}),
        ("fleet['a']: must be a finite number of US dollars from 0, not -1", {"fleet": {"a": -1}}),
        ("prices: must map each GPU type to pairs of seconds and US dollars, not list", {"prices": [(0, 1)]}),
        ("prices['L4']: must be pairs of seconds and US dollars, not float", {"prices": {"L4": 0.2}}),
        ("prices['L4'][0]: must be a pair of seconds and US dollars, not 0.2", {"prices": {"L4": [0.2]}}),
        ("prices['L4'][1]: must be a pair of seconds", {"prices": {"L4": [(0, 1), (0, 1, 2)]}}),
        ("prices['L4'][0]: must be a finite number of seconds", {"prices": {"L4": [(INFINITE, 0.2)]}}),
        ("prices['L4'][0]: must be a finite number of US dollars", {"prices": {"L4": [(0, NAN)]}}),
        ("ceiling: must be a finite number of US dollars from 0, not NaN", {"ceiling": "nan"}),
        ("on_demand: must be a finite number of US dollars", {"on_demand": TOO_MUCH}),
        ("start: must be a number of seconds, not bool", {"start": True}),
        ("end: must be a number of seconds, not datetime: pass", {"end": NAIVE}),
        ("end: must not be before the start, 60, but is 50", {"end": 50}),
    ],
)
def test_what_is_no_moment_and_no_price_is_refused_by_name(problem, options) -> None:
    """Whatever cannot be drawn is an error that says where it stands, before matplotlib sees it."""
    with pytest.raises(InvalidArgument) as caught:
        timeline(**{"history": EVENTS, **options})
    assert str(caught.value).startswith(problem)


def test_spans_refuse_the_same() -> None:
    """Their own arguments are named."""
    with pytest.raises(InvalidArgument, match=r"events\[0\]\.at: must be a finite number"):
        spans([bid(at=NAN)], fleet={}, start=0, end=1)
    with pytest.raises(InvalidArgument, match="gpu_count"):
        spans([], fleet={}, start=0, end=1, gpu_count=0)


def test_what_lies_outside_of_the_picture_is_cut_off() -> None:
    """Nothing is paid before its beginning, nor after its end; what began later is not in it."""
    found = spans(EVENTS, fleet={"a": BID, "b": None}, start=75.0, end=110.0)
    assert sorted((span.cluster_id, span.begin, span.end) for span in found) == [
        ("a", 75.0, 75.0),
        ("a", 90.0, 110.0),
        ("b", 75.0, 100.0),
    ]
    prices = {"later": [(500.0, 0.2)], "a $ign": [(0.0, "0.2"), (500.0, 0.3)]}
    figure = timeline(EVENTS, fleet={"a": BID}, prices=prices, start=75.0, end=110.0)
    steps = [list(line.get_xdata()) for line in figure.axes[0].lines]
    assert max(max(each) for each in steps) == pytest.approx(35 / 60)
    assert "a $ign" in texts(figure)


@pytest.mark.slow
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
