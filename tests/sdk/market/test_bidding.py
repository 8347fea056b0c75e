"""What to bid next: never too much, never too little, and for a limited number of bids."""

import json
import pickle
from dataclasses import asdict, dataclass
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorone import InvalidArgument
from tensorone._market.bidding import RESOLUTION, Bid, BidPolicy, GiveUp, Wait, next_bid, price


@dataclass(frozen=True)
class Prices:
    """A quote by shape."""

    minimum_bid: Decimal | float | None
    on_demand_price: Decimal | float | None = None


AMOUNTS = st.decimals("0.001", 100, places=4) | st.floats(0.001, 100)
ADDITIONS = AMOUNTS | st.sampled_from(["0.001%", "1%", "5%", "12.5%", "999%"])
PRICES = st.none() | AMOUNTS | st.floats() | st.sampled_from([0.0, -1.0, 5e-324, 1.7e308])
QUOTES = st.builds(Prices, PRICES, PRICES)


@st.composite
def policies(draw):
    """Any policy; every other one opens at a given bid."""
    ceiling = draw(AMOUNTS)
    opening = draw(st.none() | st.floats(0.001, float(ceiling)).filter(lambda bid: Decimal(str(bid)) <= ceiling))
    return BidPolicy(
        ceiling=ceiling,
        opening=opening,
        margin=draw(ADDITIONS | st.just(0) | st.just("0%")),
        step=draw(ADDITIONS),
        above_ceiling=draw(st.sampled_from(["wait", "give_up"])),
        allow_above_on_demand=draw(st.booleans()),
    )


POLICIES = policies()


@given(POLICIES, QUOTES, st.lists(AMOUNTS, max_size=4))
def test_a_bid_is_within_its_bounds(policy, quote, history):
    """A bid is finite, exact to the resolution, at least the minimum, and at most the ceiling."""
    answer = next_bid(policy, quote, history)
    assert answer.reason.endswith(".")
    if isinstance(answer, Bid):
        bid = answer.bid_per_gpu
        assert bid.is_finite()
        assert bid == bid.quantize(RESOLUTION)
        assert price(quote.minimum_bid) <= bid <= policy.ceiling
        assert Decimal(repr(float(bid))) == bid  # what goes on the wire


@given(POLICIES, QUOTES, st.lists(AMOUNTS, max_size=4))
def test_a_bid_stays_below_the_on_demand_price_unless_allowed(policy, quote, history):
    """If the fixed price is known, only a policy that allows it reaches that price."""
    answer = next_bid(policy, quote, history)
    known = price(quote.on_demand_price)
    if isinstance(answer, Bid) and not policy.allow_above_on_demand and known is not None:
        assert answer.bid_per_gpu < known


@given(POLICIES, st.lists(QUOTES, min_size=1, max_size=8))
def test_bids_only_rise_in_a_run_of_refusals(policy, quotes):
    """Whatever the market says meanwhile, a refused bid is followed by a higher one or by none."""
    history = []
    for quote in quotes:
        answer = next_bid(policy, quote, history)
        if isinstance(answer, Bid):
            assert not history or answer.bid_per_gpu > history[-1]
            history.append(answer.bid_per_gpu)


@given(st.decimals("0.05", 3, places=3), st.sampled_from(["1%", "5%", "50%", 0.01, 0.5]), st.booleans())
def test_a_run_of_refusals_ends_at_the_ceiling(ceiling, step, gives_up):
    """The last bid of a run is the ceiling itself, after which the policy waits or gives up."""
    policy = BidPolicy(ceiling=ceiling, step=step, above_ceiling="give_up" if gives_up else "wait")
    history = []
    while isinstance(answer := next_bid(policy, Prices(0.04), history), Bid):
        history.append(answer.bid_per_gpu)
        assert len(history) < 400
    assert history[-1] == ceiling
    assert type(answer) is (GiveUp if gives_up else Wait)


@given(st.decimals("0.05", 3, places=3), st.decimals("0.05", 3, places=3))
def test_raising_overshoots_what_was_needed_by_a_tenth_at_most(minimum, needed):
    """With the defaults, the winning bid is at most 1.1 times the lowest bid that would have won."""
    history = []
    while not history or history[-1] < max(needed, minimum):
        answer = next_bid(BidPolicy(ceiling=4), Prices(minimum), history)
        assert isinstance(answer, Bid)
        history.append(answer.bid_per_gpu)
    assert history[-1] <= max(needed, minimum) * Decimal("1.1")


@pytest.mark.parametrize(
    ("given_policy", "quote", "history", "bid"),
    [
        ({}, Prices(0.2), [], "0.21"),
        ({"margin": 0}, Prices(0.2), [], "0.2"),
        ({"margin": 0}, Prices(0.2001), [], "0.201"),
        ({"margin": "10%"}, Prices(0.2), [], "0.22"),
        ({"margin": 0.015}, Prices(0.2), [], "0.215"),
        ({"margin": 1}, Prices(0.2), [], "0.35"),
        ({"opening": 0.25}, Prices(0.2), [], "0.25"),
        ({"opening": 0.15}, Prices(0.2), [], "0.2"),
        ({"opening": 0.35}, Prices(0.2), [], "0.35"),
        ({}, Prices(0.2), [0.21], "0.221"),
        ({"step": 0.05}, Prices(0.2), [0.21], "0.26"),
        ({"step": 0.05}, Prices(0.2), [0.21, 0.33], "0.35"),
        ({}, Prices(0.3), [0.21], "0.315"),
        ({}, Prices(0.2, 0.205), [], "0.204"),
        ({"allow_above_on_demand": True}, Prices(0.2, 0.205), [], "0.21"),
        ({}, Prices(0.2, 0.9), [], "0.21"),
    ],
)
def test_how_a_bid_comes_about(given_policy, quote, history, bid):
    """A bid follows from opening, margin and step, within both upper bounds."""
    answer = next_bid(BidPolicy(ceiling=0.35, **given_policy), quote, history)
    assert isinstance(answer, Bid)
    assert answer.bid_per_gpu == Decimal(bid)
    assert answer.reason.startswith(str(answer.bid_per_gpu))


@pytest.mark.parametrize(
    ("quote", "history", "reason"),
    [
        (Prices(0.36), [], "0.36"),
        (Prices(0.3502), [], "0.3502"),
        (Prices(0.2), [0.35], "refused"),
        (Prices(0.2, 0.2), [], "on-demand price of 0.2"),
        (Prices(0.2, 0.0005), [], "on-demand price"),
    ],
)
def test_a_market_that_is_too_expensive(quote, history, reason):
    """With nothing left to bid, the policy waits, or gives up if it says so; both give the reason."""
    waits = next_bid(BidPolicy(ceiling=0.3509), quote, history)
    gives_up = next_bid(BidPolicy(ceiling=0.3509, above_ceiling="give_up"), quote, history)
    assert isinstance(waits, Wait)
    assert isinstance(gives_up, GiveUp)
    assert reason in waits.reason == gives_up.reason


def test_rounding_noise_of_floats_does_not_change_a_price():
    """0.1 + 0.2 is 0.3, and a ceiling of 0.3 allows it."""
    answer = next_bid(BidPolicy(ceiling=0.3, margin=0), Prices(0.1 + 0.2))
    assert isinstance(answer, Bid)
    assert answer.bid_per_gpu == Decimal("0.3")


def test_a_ceiling_between_two_steps_says_which_one_holds():
    """The reason says which bound holds when no whole step fits between the market and the ceiling."""
    answer = next_bid(BidPolicy(ceiling=0.2995), Prices(0.2992))
    assert answer.reason.endswith("more than the ceiling of 0.2995 (0.299 in whole steps of 0.001) allows.")


@pytest.mark.parametrize(
    "past", [[0.2, float("nan")], [Decimal("NaN")], [float("nan"), 0.2], [float("inf"), 0.2], [-0.1], ["much"], [None]]
)
def test_a_history_of_no_amounts_is_named(past):
    """An invalid amount in the history is refused by name."""
    with pytest.raises(InvalidArgument) as caught:
        next_bid(BidPolicy(ceiling=0.3), Prices(0.2), past)
    assert caught.value.field == "history"


@pytest.mark.parametrize("nothing", [None, 0.0, -0.2, float("nan"), float("inf")])
def test_without_stock_it_waits(nothing):
    """Without a price it waits, and does not give up for good."""
    assert isinstance(next_bid(BidPolicy(ceiling=1, above_ceiling="give_up"), Prices(nothing)), Wait)


def test_the_reason_says_where_a_bid_comes_from():
    """The reason names the minimum, the margin, the refusal and the bound."""
    policy = BidPolicy(ceiling=0.35)
    pasts = ([], [Decimal("0.21")], [Decimal("0.15")], [Decimal("0.34")])
    reasons = [next_bid(policy, Prices(0.2), past).reason for past in pasts]
    assert reasons == [
        "0.210 USD per GPU-hour: the market's minimum of 0.2 plus 5%.",
        "0.221 USD per GPU-hour: 0.21 was refused, so 5% more.",
        "0.210 USD per GPU-hour: 0.15 was refused, and the minimum is now 0.2, so the market's minimum of 0.2 plus 5%.",
        "0.350 USD per GPU-hour: 0.34 was refused, so 5% more would be 0.357, limited by the ceiling of 0.35.",
    ]


def test_the_callers_decimal_context_changes_nothing():
    """A precision of two digits elsewhere in the program does not round a bid."""
    with localcontext() as context:
        context.prec = 2
        answer = next_bid(BidPolicy(ceiling=0.35), Prices(0.2345))
    assert isinstance(answer, Bid)
    assert answer.bid_per_gpu == Decimal("0.247")


@given(POLICIES)
def test_a_policy_is_plain_values(policy):
    """A policy pickles, and can be written as numbers and text."""
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert BidPolicy(**asdict(policy)) == policy
    assert BidPolicy(**json.loads(json.dumps(asdict(policy), default=float))) == policy


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ceiling", 0),
        ("ceiling", -1),
        ("ceiling", 0.0004),
        ("ceiling", float("nan")),
        ("ceiling", float("inf")),
        ("ceiling", "0.35"),
        ("ceiling", True),
        ("opening", 0.36),
        ("opening", 0),
        ("margin", "5"),
        ("margin", "-5%"),
        ("margin", -0.1),
        ("margin", None),
        ("step", 0),
        ("step", "0%"),
        ("step", "0.000%"),
        ("step", 0.0001),
        ("above_ceiling", "pay"),
        ("allow_above_on_demand", "yes"),
    ],
)
def test_a_wrong_policy_is_refused(field, value):
    """A policy that could overspend or bid without end is refused by field name when it is created."""
    with pytest.raises(InvalidArgument) as caught:
        BidPolicy(**{"ceiling": 0.35, field: value})
    assert caught.value.field == field


def test_the_ceiling_has_no_default():
    """A policy without a ceiling is refused."""
    with pytest.raises(TypeError, match="ceiling"):
        BidPolicy()
