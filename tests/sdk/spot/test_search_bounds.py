"""What bounds a search for a spot cluster: its deadline, its pauses, and what it survives."""

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
    """When a root field was asked for."""
    return [entry.at for entry in emulator.world.log if field in entry.root_fields]


def too_low(times=None):
    """A server that refuses every bid although its prices say nothing against it."""
    words = {"message": "The bid of $0.1 per GPU is below the minimum bid price of $0.18.", "path": [RENT]}
    body = json.dumps({"data": {RENT: None}, "errors": [words]})
    return Fault("garbage", operation=RENT, times=times, commit=False, body=body)


# --- the deadline


@pytest.mark.parametrize("retry_after", [1, 4, 20])
def test_a_bid_put_off_by_the_server_is_not_sent_again_after_the_deadline(on, retry_after):
    """Whatever the policy for repeats allows; what was sent is told."""

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
    """Neither the read nor its repeats, nor the rental that would have followed."""

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


def test_looking_for_an_earlier_cluster_is_within_the_deadline_too(on):
    """A listing that hangs costs no more time than was given."""

    async def main(client, emulator):
        emulator.faults.add(Fault("hang", operation="myself", times=None))
        with pytest.raises(NoCapacity):
            await client.spot.acquire(SPEC, bidding=BIDDING, timeout=10, client_token="job")
        assert anyio.current_time() == pytest.approx(10)
        assert emulator.world.requests[RENT] == 0

    on(main, retry=RetryPolicy())


def test_a_look_at_what_is_spent_ends_at_the_deadline_too(on):
    """The bid for which there would have been no room was not sent, and is not told."""

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
    """One request may overrun, and nothing follows it."""

    async def main(client, emulator):
        emulator.faults.add(Fault("delay", operation=RENT, seconds=20, times=None))
        emulator.faults.add(too_low())
        with pytest.raises(NoCapacity, match="the minimum bid price"):
            await client.spot.acquire(BOTH, bidding=BIDDING, timeout=15)
        assert emulator.world.log[-1].root_fields == (RENT,)
        assert len(times(emulator, RENT)) == 1

    on(main)


def test_a_cancelled_bid_is_told_and_undone(on):
    """Whoever keeps the books learns of the one attempt that might be billed."""

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
    """Soon at first, then once per interval; never later."""

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
    """It rests longer each time, up to the interval, and the other one does not rest with it."""

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
    """A server that refuses whatever is bid gets a few bids in the first second, and not thousands an hour."""

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
    """And goes on where it stood, so that its ceiling is reached all the same."""

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


# --- what is survived


@pytest.mark.parametrize("kind", ["bad_gateway", "internal_error", "garbage", "truncate", "null", "server_error"])
def test_one_bad_answer_about_the_prices_is_survived(on, kind):
    """A null is not taken for a GPU type that does not exist."""

    async def main(client, emulator):
        emulator.faults.add(Fault(kind, operation=PRICES))
        rental = await client.spot.acquire(SPEC, bidding=BIDDING, timeout=60)
        assert rental.bid_per_gpu == 0.21
        assert len(rental.attempts) == 2
        assert anyio.current_time() < 15

    on(main)


def test_prices_that_stay_unreadable_are_an_error(on):
    """Three bad answers in a row are no accident; the ledger has them."""

    async def main(client, emulator):
        emulator.faults.add(Fault("garbage", operation=PRICES, times=None))
        with pytest.raises(UnexpectedResponse) as caught:
            await client.spot.acquire(SPEC, bidding=BIDDING, timeout=600)
        assert len(caught.value.ledger) == 3
        assert anyio.current_time() < 30

    on(main)


@pytest.mark.parametrize("types", [[A40], [A40, L40S]])
def test_a_null_for_a_list_is_no_missing_gpu_type(on, types):
    """Neither in a quote of one nor among several."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=PRICES))
        quotes = await client.spot.quotes(types)
        assert all("answered null" in quote.problem for quote in quotes)
        assert not any(quote.available for quote in quotes)

    on(main)


def test_a_rate_limit_is_waited_out(on):
    """The time of the search is the caller's, not that of one request."""

    async def main(client, emulator):
        emulator.faults.add(Fault("rate_limited", operation=RENT, times=6, retry_after=30))
        rental = await client.spot.acquire(SPEC, bidding=BIDDING, timeout=1800)
        assert rental.attempts[-1].answer == "won"
        assert emulator.world.requests[RENT] == 7

    on(main, retry=RetryPolicy(attempts=2))


def test_a_fixed_price_that_cannot_be_read_leads_to_the_next_candidate(on):
    """And one that was asked for again is paid; a wrong key is told."""

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
    """The expensive one is noted, and nothing was sent for it."""

    async def main(client, emulator):
        scope = client.limited(max_hourly_spend=0.25)
        rental = await scope.spot.acquire(BOTH, bidding=BIDDING, timeout=60)
        assert rental.gpu_type_id == A40
        assert [attempt.bid_per_gpu for attempt in rental.attempts] == [None, 0.21]
        assert "max_hourly_spend" in rental.attempts[0].reason

    on(main)


def test_a_limit_that_the_fixed_price_does_not_fit_leaves_the_bids(on):
    """The market may fall within it; until the deadline it is waited for."""

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
    """A lost answer and an empty account: what was sent is told to the hook, and the error has it."""

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
        assert seen[0].answer in str(caught.value)

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
