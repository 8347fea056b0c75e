"""What a failure means for a fleet."""

from decimal import Decimal

import pytest

from tensorone import (
    AuthenticationError,
    BidCeilingReached,
    BidPolicy,
    ClusterNotFound,
    ConnectionFailed,
    NoCapacity,
    OperationUnsupported,
    OutcomeUnknown,
    QueryError,
    SpendLimitReached,
    UnexpectedResponse,
)
from tensorone._fleet.giving_up import FAILED_POLLS, REFUSED_POLLS, FailedPolls, failed
from tensorone._fleet.recoveries import bids_of
from tensorone._market.attempt_log import AttemptLog, Candidate
from tensorone._recovery.resume_in_place import RATE_LIMITED
from tensorone._spot.terms import SearchTerms
from tensorone._spot.try_candidate import INTERRUPTED

WORDS = [{"message": "Please add funds."}]


def terms(above_ceiling="wait"):
    """SearchTerms of a fleet."""
    return SearchTerms(bidding=BidPolicy(ceiling=0.4, above_ceiling=above_ceiling))


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (BidCeilingReached("Too expensive.", ceiling=0.4), False),
        (ClusterNotFound("Gone.", operation="GetCluster"), True),
        (OperationUnsupported("No spot."), True),
        (NoCapacity("None.", operation="ResumeSpotCluster", errors=WORDS), False),
        (QueryError("Please add funds.", operation="ResumeSpotCluster", errors=WORDS, attempts=1), True),
        (QueryError("Please add funds.", operation="RentSpotCluster", errors=WORDS, attempts=1), True),
        (AuthenticationError("May only read.", operation="ResumeSpotCluster", errors=WORDS), True),
        (QueryError("Refused as both.", operation="ResumeSpotCluster"), True),
        (QueryError("It answered null.", operation="ResumeSpotCluster", attempts=1), False),
        (QueryError("Internal.", operation="GetGpuTypes", errors=WORDS, attempts=1), False),
        (OutcomeUnknown("Lost."), False),
        (ConnectionFailed("Reset."), False),
        (SpendLimitReached("Limit.", limit=1, committed=1), False),
    ],
)
def test_what_no_further_attempt_can_fix_is_final(error, final):
    """Exhausted credit, missing rights and a missing cluster are final; a refusal by the market is not."""
    assert failed("a", error, terms(), bids=((Decimal("0.2"), "No."),)).final is final


def test_a_policy_that_gives_up_makes_the_ceiling_final():
    """A policy that gives up above the ceiling makes that refusal final."""
    assert failed(
        "a", BidCeilingReached("Too expensive.", ceiling=0.4), terms("give_up"), bids=((Decimal("0.2"), "No."),)
    ).final


def test_a_limit_of_the_client_backs_off():
    """Nothing was sent, and an immediate repeat would change nothing."""
    outcome = failed("a", SpendLimitReached("Limit.", limit=1, committed=1), terms(), bids=())
    assert (outcome.limited, outcome.tried) == (True, True)


KEY, OTHER, LOST = (
    AuthenticationError("Wrong."),
    UnexpectedResponse("No JSON.", status_code=200),
    ConnectionFailed("R."),
)


@pytest.mark.parametrize(
    ("errors", "permanent"),
    [
        ([KEY] * (REFUSED_POLLS - 1), False),
        ([KEY] * REFUSED_POLLS, True),
        ([OperationUnsupported("No such field.")] * REFUSED_POLLS, True),
        ([LOST, OTHER, KEY], False),
        ([KEY, KEY, LOST, KEY], False),
        ([OTHER] * (FAILED_POLLS - 1), False),
        ([OTHER, KEY] * (FAILED_POLLS // 2), True),
        ([LOST] * 10_000, False),
        ([LOST] * 10_000 + [OTHER], False),
    ],
)
def test_how_many_polls_may_fail_in_a_row(errors, permanent):
    """The more certain the error is, the fewer are tolerated; what is transient is survived, and proves no other."""
    row = FailedPolls()
    for error in errors:
        row = row.after(error)
    assert row.permanent is permanent


@pytest.mark.parametrize(("answer", "bids"), [(INTERRUPTED[False], 0), (RATE_LIMITED, 0), ("too low", 1)])
def test_what_waited_for_the_rate_limit_until_its_time_was_over_was_no_bid(answer, bids):
    """Nothing was refused, so that its cluster does not back off: many that are due share the account's rate."""
    log = AttemptLog(None, call="fleet.round")
    log.note(Candidate("NVIDIA A40", None), "why", paying=Decimal("0.3"), answer=answer, kind="spot")
    assert len(bids_of(log)) == bids
