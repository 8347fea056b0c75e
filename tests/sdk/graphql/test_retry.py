"""When to send again: the policy and its arithmetic."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorone import InvalidArgument, RetryPolicy
from tensorone._graphql.retry import pause, retry_after

SECONDS = st.floats(0, 1e4)


@given(
    st.integers(1, 30),
    SECONDS,
    st.none() | SECONDS,
    st.floats(0, 1),
    st.builds(
        RetryPolicy,
        attempts=st.integers(1, 20),
        total_timeout=st.floats(0.1, 1e4),
        wait_initial=st.floats(0, 10),
        wait_max=st.floats(10, 60),
    ),
)
def test_a_wait_fits_the_budget_and_honours_the_server(attempts, spent, asked, draw, policy):
    """No wait passes the time budget, exceeds its bound, or is shorter than what the server asked for."""
    wait = pause(policy, attempts=attempts, spent=spent, retry_after=asked, draw=draw)
    if wait is None:
        longest = max(policy.wait_max, asked or 0)
        assert attempts >= policy.attempts or spent + longest >= policy.total_timeout
    else:
        assert attempts < policy.attempts
        assert spent + wait < policy.total_timeout
        assert (asked or 0) <= wait <= max(policy.wait_max, asked or 0)


def test_the_bound_doubles_up_to_its_maximum():
    """Full jitter is drawn below a bound that doubles with each attempt."""
    policy = RetryPolicy(attempts=9, wait_initial=1, wait_max=5)
    bounds = [pause(policy, attempts=n, spent=0, retry_after=None, draw=1) for n in range(1, 6)]
    assert bounds == [1, 2, 4, 5, 5]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0.25", 0.25),
        ("-3", 0.0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e300", None),
        ("1790000000", 1_789_000_000.0),
        ("4102444800000", 4_101_444_800.0),
        (format_datetime(datetime.fromtimestamp(1_000_060, UTC), usegmt=True), 60.0),
        ("Mon, 12 Jan 1970 13:47:40", 60.0),
        (format_datetime(datetime.fromtimestamp(999_000, UTC), usegmt=True), 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    """Both forms of the header are read, and a moment; anything else counts as none."""
    assert retry_after(header, 1_000_000.0) == seconds


@pytest.mark.parametrize("field", ["attempts", "total_timeout", "wait_initial", "wait_max"])
def test_a_policy_out_of_range_is_refused(field):
    """The error names the field."""
    with pytest.raises(InvalidArgument) as caught:
        RetryPolicy(**{field: -1})
    assert caught.value.field == field
