"""What bounds a search for a spot cluster: its deadline, its pauses, and the failures it retries."""

import json
from itertools import pairwise

import anyio
import pytest

from tensorone import (
    BidCeilingReached,
    BidPolicy,
    BidTooLow,
    ClusterSpec,
    ConnectionFailed,
    NoCapacity,
    OutcomeUnknown,
    QueryError,
    RateLimited,
    RetryPolicy,
    SpendLimitReached,
    UnexpectedResponse,
    WaitTimedOut,
)
from tensorone._spot.search_state import is_recoverable, is_transient
from tensorone.emulator import Fault

A40, L40S = "NVIDIA A40", "NVIDIA L40S"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40)
BOTH = ClusterSpec(image_name="i", gpu_type_ids=[L40S, A40])
RENT, DEPLOY, PRICES = "clusterRentInterruptable", "clusterFindAndDeployOnDemand", "gpuTypes"
BIDDING = BidPolicy(ceiling=0.35)
AUTO = {"capacity": "auto", "on_demand_ceiling": 2}


def times(emulator, field):
    """The moments at which a root field was requested."""
    return [entry.at for entry in emulator.world.log if field in entry.root_fields]


def too_low(times=None):
    """A server that refuses every bid although its prices do not show why."""
    words = {"message": "The bid of $0.1 per GPU is below the minimum bid price of $0.18.", "path": [RENT]}
    body = json.dumps({"data": {RENT: None}, "errors": [words]})
    return Fault("garbage", operation=RENT, times=times, commit=False, body=body)


# --- the deadline


@pytest.mark.parametrize("retry_after", [1, 4, 20])
def test_a_rate_limited_bid_is_not_sent_again_after_the_deadline(on, retry_after):
    """No repeat is sent after the deadline, whatever the retry policy, and the error has what was sent."""

    async def main(client, emulator):
        emulator.faults.add(Fault("rate_limited", operation=RENT, times=None, retry_after=retry_after))
        seen = []
        with pytest.raises(NoCapacity) as caught:
            await client.spot.acquire(SPEC, bidding=BIDDING, timeout=10, on_attempt=seen.append)
        assert anyio.current_time() == pytest.approx(10)
        assert max(times(emulator, RENT)) <= 10
        assert caught.value.ledger == tuple(seen)
        assert seen[-1].bid_per_gpu == 0.21
        assert "rate limited until the deadline" in seen[-1].answer

    on(main, retry=RetryPolicy())


@pytest.mark.parametrize("seconds", [15, 25, 50])
def test_a_slow_price_ends_at_the_deadline_and_rents_nothing(on, seconds):
    """A slow price request ends at the deadline with its repeats, and no rental follows."""

    async def main(client, emulator):
        emulator.world.set_minimum_bid(A40, "0.38")
        emulator.faults.add(Fault("delay", operation=PRICES, seconds=seconds, after=1))
        with pytest.raises(BidCeilingReached):
            await client.spot.acquire(SPEC, bidding=BIDDING, timeout=10, **AUTO)
        assert anyio.current_time() == pytest.approx(10)
        await anyio.sleep(100)
        assert emulator.world.requests[DEPLOY] == 0
        assert max(times(emulator, PRICES)) <= 10

    on(main, retry=RetryPolicy())


def test_the_search_for_an_earlier_cluster_ends_at_the_deadline_too(on):
    """A hanging listing ends at the deadline."""

    async def main(client, emulator):
        emulator.faults.add(Fault("hang", operation="myself", times=None))
        with pytest.raises(WaitTimedOut, match="nothing could be read"):
            await client.spot.acquire(SPEC, bidding=BIDDING, timeout=10, client_token="job")
        assert anyio.current_time() == pytest.approx(10)
        assert emulator.world.requests[RENT] == 0

    on(main, retry=RetryPolicy())


def test_a_listing_for_the_limit_ends_at_the_deadline_too(on):
    """A bid that would exceed the limit is neither sent nor reported."""

    async def main(client, emulator):
        scope = client.limited(max_hourly_spend=0.3)
        await scope.spot.rent(SPEC, bid_per_gpu=0.2)
        emulator.faults.add(Fault("hang", operation="myself", times=None))
        with pytest.raises(NoCapacity) as caught:
            await scope.spot.acquire(SPEC, bidding=BIDDING, timeout=10)
        assert anyio.current_time() == pytest.approx(10)
        assert caught.value.ledger == ()
        assert emulator.world.requests[RENT] == 1

    on(main, retry=RetryPolicy())


def test_a_refused_bid_that_ends_late_is_the_last_request(on):
    """One request may overrun the deadline, and nothing follows it."""

    async def main(client, emulator):
        emulator.faults.add(Fault("delay", operation=RENT, seconds=20, times=None))
        emulator.faults.add(too_low())
        with pytest.raises(NoCapacity, match="the minimum bid price"):
            await client.spot.acquire(BOTH, bidding=BIDDING, timeout=15)
        assert emulator.world.log[-1].root_fields == (RENT,)
        assert len(times(emulator, RENT)) == 1

    on(main)


def test_a_cancelled_bid_is_reported_and_undone(on):
    """The hook gets the cancelled attempt, which might be billed, and the cluster is terminated."""

    async def main(client, emulator):
        emulator.faults.add(Fault("hang", operation=RENT, commit=True))
        seen = []
        with anyio.move_on_after(5) as scope:
            await client.spot.acquire(SPEC, bidding=BIDDING, timeout=60, on_attempt=seen.append)
        assert scope.cancelled_caught
        assert [(attempt.bid_per_gpu, attempt.answer) for attempt in seen] == [(0.21, "cancelled, and undone")]
        assert list(emulator.world.clusters) == []

    on(main)


# --- the pauses


def test_pauses_between_rounds_grow_up_to_the_interval(on):
    """Pauses begin short and grow to one interval, never longer."""

    async def main(client, emulator):
        emulator.world.sell_out(A40)
        with pytest.raises(NoCapacity):
            await client.spot.acquire(SPEC, bidding=BIDDING, timeout=300, every=16)
        looks = times(emulator, PRICES)
        gaps = [after - before for before, after in pairwise(looks)]
        assert gaps[0] <= 2.1
        assert gaps[1] <= 4.1
        assert max(gaps) <= 16.1
        assert min(gaps[4:]) >= 7.9

    on(main)


def test_a_candidate_without_capacity_cools_down(on):
    """Cool-downs grow up to the interval, for each candidate separately."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT, times=None))
        with pytest.raises(NoCapacity):
            await client.spot.acquire(SPEC, bidding=BIDDING, timeout=200, every=16)
        bids = times(emulator, RENT)
        gaps = [after - before for before, after in pairwise(bids)]
        assert max(gaps) <= 16.1
        assert min(gaps[4:]) >= 7.9

    on(main)


def test_a_run_of_refused_bids_is_paced(on):
    """A server that refuses every bid gets a few bids in the first second, not thousands per hour."""

    async def main(client, emulator):
        emulator.faults.add(too_low())
        with pytest.raises(NoCapacity) as caught:
            await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.39, step=0.001), timeout=60)
        bids = times(emulator, RENT)
        assert sum(at < 1 for at in bids) <= 5
        assert 10 <= len(bids) <= 40
        made = [attempt.bid_per_gpu for attempt in caught.value.ledger]
        assert made == sorted(made)

    on(main)


def test_a_run_that_takes_long_lets_the_others_have_their_turn(on):
    """A long run of bids pauses for the other candidates and continues later, so that it reaches its ceiling."""

    async def main(client, emulator):
        emulator.faults.add(too_low())
        policy = BidPolicy(ceiling=0.39, step=0.001)
        with pytest.raises(NoCapacity) as caught:
            await client.spot.acquire(BOTH, bidding=policy, timeout=120)
        order = [attempt.gpu_type_id for attempt in caught.value.ledger]
        turns = [name for name, before in zip(order, [None, *order], strict=False) if name != before]
        assert turns[:3] == [L40S, A40, L40S]
        for name in (L40S, A40):
            bids = [attempt.bid_per_gpu for attempt in caught.value.ledger if attempt.gpu_type_id == name]
            assert bids == sorted(set(bids))

    on(main)


# --- what is retried


@pytest.mark.parametrize("kind", ["bad_gateway", "internal_error", "garbage", "truncate", "null", "server_error"])
def test_a_search_goes_on_after_one_bad_answer_about_the_prices(on, kind):
    """A null is not treated as a GPU type that does not exist."""

    async def main(client, emulator):
        emulator.faults.add(Fault(kind, operation=PRICES))
        rental = await client.spot.acquire(SPEC, bidding=BIDDING, timeout=60)
        assert rental.bid_per_gpu == 0.21
        assert len(rental.attempts) == 2
        assert anyio.current_time() < 15

    on(main)


def test_prices_that_stay_unreadable_are_an_error(on):
    """Three unreadable answers in a row end the search, and the ledger has them."""

    async def main(client, emulator):
        emulator.faults.add(Fault("garbage", operation=PRICES, times=None))
        with pytest.raises(UnexpectedResponse) as caught:
            await client.spot.acquire(SPEC, bidding=BIDDING, timeout=600)
        assert len(caught.value.ledger) == 3
        assert anyio.current_time() < 30

    on(main)


@pytest.mark.parametrize("types", [[A40], [A40, L40S]])
def test_a_null_for_a_list_does_not_mean_a_missing_gpu_type(on, types):
    """A null price list does not mean an unknown GPU type, neither in one quote nor among several."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=PRICES))
        quotes = await client.spot.quotes(types)
        assert all("answered null" in quote.problem for quote in quotes)
        assert not any(quote.available for quote in quotes)

    on(main)


def test_a_rate_limit_is_waited_out(on):
    """A search waits for a rate limit until its own deadline, which may be longer than that of one request."""

    async def main(client, emulator):
        emulator.faults.add(Fault("rate_limited", operation=RENT, times=6, retry_after=30))
        rental = await client.spot.acquire(SPEC, bidding=BIDDING, timeout=1800)
        assert rental.attempts[-1].answer == "won"
        assert emulator.world.requests[RENT] == 7

    on(main, retry=RetryPolicy(attempts=2))


def test_a_fixed_price_that_cannot_be_read_leads_to_the_next_candidate(on):
    """An unreadable fixed price leads to the next candidate, is paid once read, and a wrong key is raised."""

    async def main(client, emulator):
        emulator.world.set_minimum_bid(A40, "0.38")
        emulator.world.set_minimum_bid(L40S, "0.6")
        emulator.faults.add(Fault("bad_gateway", operation="GetFixedPrices"))
        rental = await client.spot.acquire(BOTH, bidding=BIDDING, timeout=60, **AUTO)
        assert (rental.kind, rental.gpu_type_id) == ("on_demand", A40)
        assert anyio.current_time() < 1
        denied = json.dumps({"errors": [{"message": "Unauthorized", "extensions": {"code": "FORBIDDEN"}}]})
        emulator.faults.add(Fault("garbage", operation="GetFixedPrices", body=denied, commit=False))
        with pytest.raises(QueryError, match="Unauthorized"):
            await client.spot.acquire(BOTH, bidding=BIDDING, timeout=60, **AUTO)

    on(main)


def test_a_limit_that_one_candidate_does_not_fit_leads_to_the_next(on):
    """A candidate that exceeds a limit is noted in the ledger and not requested."""

    async def main(client, emulator):
        scope = client.limited(max_hourly_spend=0.25)
        rental = await scope.spot.acquire(BOTH, bidding=BIDDING, timeout=60)
        assert rental.gpu_type_id == A40
        assert [attempt.bid_per_gpu for attempt in rental.attempts] == [None, 0.21]
        assert "max_hourly_spend" in rental.attempts[0].reason

    on(main)


def test_a_limit_that_the_fixed_price_does_not_fit_leaves_the_bids(on):
    """Bids go on until the deadline, since the market may fall below the limit."""

    async def main(client, emulator):
        emulator.world.set_minimum_bid(A40, "0.38")
        emulator.world.later(20, lambda: emulator.world.set_minimum_bid(A40, "0.2"))
        scope = client.limited(max_hourly_spend=0.36)
        rental = await scope.spot.acquire(SPEC, bidding=BIDDING, timeout=120, **AUTO)
        assert rental.kind == "spot"
        tight = client.limited(max_hourly_spend=0.1)
        with pytest.raises(SpendLimitReached) as caught:
            await tight.spot.acquire(SPEC, bidding=BIDDING, timeout=30, **AUTO)
        assert {attempt.kind for attempt in caught.value.ledger} == {"spot", "on_demand"}
        assert emulator.world.requests[DEPLOY] == 0

    on(main)


# --- the ledger


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("bad_gateway", operation=RENT), OutcomeUnknown),
        (None, QueryError),
    ],
)
def test_every_error_has_the_attempt_that_ended_the_search(on, fault, error):
    """The hook and the error have the last attempt after a lost answer or an empty account."""

    async def main(client, emulator):
        if fault is None:
            emulator.world.pay_in(-emulator.world.balance)
        else:
            emulator.faults.add(fault)
        seen = []
        with pytest.raises(error) as caught:
            await client.spot.acquire(SPEC, bidding=BIDDING, timeout=60, on_attempt=seen.append)
        assert caught.value.ledger == tuple(seen)
        assert [attempt.bid_per_gpu for attempt in seen] == [0.21]
        assert seen[0].answer.removeprefix("spot.rent") in str(caught.value)

    on(main)


@pytest.mark.parametrize(
    ("error", "recoverable", "transient"),
    [
        (BidTooLow(""), True, False),
        (NoCapacity(""), True, True),
        (SpendLimitReached("", limit=1, committed=1), True, False),
        (RateLimited(""), True, True),
        (ConnectionFailed(""), True, True),
        (OutcomeUnknown(""), False, False),
        (QueryError(""), False, True),
        (QueryError("", retryable=True, billing="it runs"), False, True),
        (UnexpectedResponse("", status_code=200), False, True),
    ],
)
def test_which_failures_are_worth_another_try(error, recoverable, transient):
    """A rental goes on elsewhere only where nothing runs because of it; a read may simply be made again."""
    assert (is_recoverable(error), is_transient(error, 1)) == (recoverable, transient)
    assert is_transient(error, 3) is error.retryable
