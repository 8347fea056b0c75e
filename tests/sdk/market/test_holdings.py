"""What the searches of one call hold: none of them outbids another, and what was lost is not reported as won."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorone._market.own_bids import OwnBids, outbids
from tensorone._session.cluster_status import lost

BIDS = st.decimals("0.001", 20, places=3)


@pytest.mark.parametrize(
    ("minimum", "refused", "own", "expected"),
    [
        ("0.22", [], ["0.21"], True),  # the own bid and a cent
        ("0.2205", [], ["0.21"], True),
        ("0.21", [], ["0.21"], False),  # room beside it at the same price
        ("0.2", [], ["0.21"], False),  # room below it
        ("0.3", [], ["0.21"], False),  # the market itself has risen
        ("2.1", [], ["2.0"], True),  # five per cent of an expensive one
        ("0.3", [], ["0.21", "0.29"], True),
        ("0.2", ["0.21"], ["0.21"], True),  # refused here, although it costs less elsewhere
        ("0.2", ["0.2"], ["0.21"], False),
        ("0.22", [], [], False),
        (None, ["0.21"], ["0.21"], False),
    ],
)
def test_when_the_market_asks_for_an_own_cluster(minimum, refused, own, expected):
    """A minimum a little above an own bid counts as that bid, by the market's price or by its refusals."""
    asked = None if minimum is None else Decimal(minimum)
    assert outbids(asked, list(map(Decimal, refused)), map(Decimal, own)) is expected


@given(BIDS, st.lists(BIDS, max_size=3), st.lists(BIDS, max_size=5))
def test_a_market_at_or_below_every_own_bid_has_room(minimum, refused, own):
    """A bid that is no higher than any own bid displaces no own cluster."""
    if max([minimum, *(bid + Decimal("0.001") for bid in refused)]) <= min(own, default=Decimal(99)):
        assert not outbids(minimum, refused, own)


@given(BIDS)
def test_a_cent_above_an_own_bid_is_that_bid(bid):
    """The step by which a server outbids is unknown: up to a cent, or five per cent, is treated as one."""
    assert outbids(bid + Decimal("0.01"), (), [bid])
    assert outbids((bid * Decimal("1.05")), (), [bid])


def test_own_bids_count_for_their_own_gpu_type_alone():
    """Cloud types share their machines; GPU types do not."""
    held = OwnBids()
    held.add("a", "A40", Decimal("0.21"), at=0.0)
    assert held.would_be_outbid("A40", 0.22)
    assert not held.would_be_outbid("L40S", 0.22)


def test_bids_of_lost_clusters_hold_nothing():
    """The bids of lost clusters no longer count, whichever search finds the loss."""
    held = OwnBids()
    held.add("a", "A40", Decimal("0.21"), at=0.0)
    for _ in range(2):
        held.forget(["a"])
        assert not held.would_be_outbid("A40", 0.22)
        assert not held.won


@pytest.mark.parametrize(
    ("status", "asked_at", "expected"),
    [
        ("RUNNING", 100, False),
        ("CREATED", 100, False),
        ("EXITED", 0, True),
        ("TERMINATED", 0, True),
        (None, 19, False),  # a listing may lag
        (None, 20, True),
    ],
)
def test_what_was_lost_again(status, asked_at, expected):
    """A stopped cluster is lost; a missing one only after a listing can no longer lag."""
    shown = {} if status is None else {"a": SimpleNamespace(desired_status=status)}
    assert lost({"a": 0.0}, shown, asked_at=asked_at, settle_time=20) == (frozenset("a") if expected else frozenset())
