"""How long a search pauses, and when earlier refusals no longer count."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorone._spot.backoff import SHARES, CandidateRecord, pause

KINDS = st.sampled_from(sorted(SHARES))
DRAWS = st.floats(0, 1)


@given(KINDS, st.integers(0, 10**6), st.floats(0.001, 1e6), DRAWS)
def test_no_pause_costs_more_than_one_interval(kind, times, every, draw):
    """No pause is longer than one interval, however many precede it, and none is zero."""
    assert 0 < pause(kind, times, every, draw) <= every


@given(KINDS, st.integers(0, 100), DRAWS)
def test_pauses_double_up_to_their_bound(kind, times, draw):
    """Below its bound, each pause is twice as long as the one before with the same draw."""
    now, then = (pause(kind, times + more, 60.0, draw) for more in (0, 1))
    assert then == pytest.approx(min(2 * now, SHARES[kind][1] * 60.0 * (0.5 + draw / 2)))


@given(KINDS, st.integers(0, 100))
def test_half_of_a_pause_is_jitter(kind, times):
    """Searches that began together spread out."""
    assert pause(kind, times, 60.0, 0.0) == pytest.approx(pause(kind, times, 60.0, 1.0) / 2)


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [(0.2, 0.2, True), (0.2, 0.21, True), (0.2, 0.19, False), (None, 0.2, False), (0.2, None, False)],
)
def test_a_market_that_fell_begins_a_new_run(before, after, kept):
    """After a fall, refusals at the higher price are forgotten, since they would make the next bid too expensive."""
    record = CandidateRecord(minimum=before)
    record.refused.append(Decimal("0.21"))
    record.seen(after)
    assert (record.refused == [Decimal("0.21")], record.minimum) == (kept, after)


def test_a_cool_down_grows_with_each_failure():
    """A cool-down grows from an eighth of the interval to all of it, and ends the run of bids."""
    record = CandidateRecord(refused=[Decimal("0.21")])
    cool_downs = []
    for _ in range(6):
        record.cool_down(100.0, 16.0, 1.0)
        cool_downs.append(record.cool_down_until - 100.0)
    assert (cool_downs, record.refused) == ([2, 4, 8, 16, 16, 16], [])
