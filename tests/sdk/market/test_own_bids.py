"""Not outbidding oneself: which minimum bids are caused by an own bid."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorone import SpotQuote
from tensorone._market.bidding import Bid, BidPolicy, next_bid
from tensorone._market.own_bids import OUTBID, without_own

PRICES = st.decimals("0.05", "2", places=3)


def asked(minimum):
    """A quote with a minimum."""
    return SpotQuote(gpu_type_id="NVIDIA A40", gpu_count=1, minimum_bid=minimum, on_demand_price=4.0)


@pytest.mark.parametrize(
    ("minimum", "own", "refused", "offered"),
    [
        (0.22, ["0.21"], [], False),
        (0.211, ["0.21"], [], False),
        (0.21, ["0.21"], [], True),
        (0.2, ["0.21"], [], True),
        (0.23, ["0.21"], [], True),
        (0.2, ["0.21"], ["0.21"], False),
        (0.2, ["0.25"], ["0.21"], True),
        (0.22, ["0.5", "0.21"], [], False),
        (0.22, [], ["0.21"], True),
        (None, ["0.21"], [], False),
    ],
)
def test_a_minimum_that_the_own_bid_causes_is_not_an_offer(minimum, own, refused, offered):
    """Also where only a refusal shows that the market asks so much."""
    seen = without_own(asked(minimum), [Decimal(bid) for bid in own], [Decimal(bid) for bid in refused])
    assert seen.available is offered
    assert seen.on_demand_price == 4.0


@given(PRICES, st.lists(PRICES, max_size=4), st.decimals("0.001", OUTBID, places=3))
def test_a_market_full_of_own_clusters_is_never_outbid(minimum, own, step):
    """If the minimum is the lowest own bid plus a step, nothing is bid; other minima stay as they are."""
    policy = BidPolicy(ceiling=5)
    seen = without_own(asked(float(minimum)), own)
    assert seen == asked(float(minimum)) or not seen.available
    if own:
        full = without_own(asked(float(min(own) + step)), own)
        assert not isinstance(next_bid(policy, full), Bid)
