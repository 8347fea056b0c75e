"""Getting a spot cluster within a ceiling and a deadline, on a clock that jumps."""

import anyio
import httpx
import pytest

from tensorone import (
    BidCeilingReached,
    BidPolicy,
    ClusterSpec,
    ConnectionFailed,
    InvalidArgument,
    NoCapacity,
    OutcomeUnknown,
    QueryError,
    RetryPolicy,
    TensorOne,
)
from tensorone.emulator import Emulator, Fault

A40, L40S = "NVIDIA A40", "NVIDIA L40S"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40)
BOTH = ClusterSpec(image_name="i", gpu_type_ids=[A40, L40S])
RENT = "clusterRentInterruptable"


@pytest.fixture
def on(run_virtually):
    """Runs a test against an emulator in the process, on the same jumping clock, from fixed prices on."""

    def runner(main):
        async def with_both():
            emulator = Emulator(clock=anyio.current_time, first_clusters=False)
            emulator.world.set_minimum_bid(A40, "0.2")
            emulator.world.set_minimum_bid(L40S, "0.3")
            transport = httpx.ASGITransport(emulator.app)
            settings = {"url": "http://localhost/graphql", "transport": transport, "retry": RetryPolicy(attempts=1)}
            async with TensorOne(emulator.api_key, **settings) as client:
                await main(client, emulator)

        run_virtually(with_both)

    return runner


def test_the_first_bid_wins_where_there_is_capacity(on):
    """It is the market's minimum with a margin, and all that was tried is told."""

    async def main(client, emulator):
        seen = []
        rental = await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.3), timeout=60, on_attempt=seen.append)
        assert (rental.gpu_type_id, rental.bid_per_gpu) == (A40, 0.21)
        assert [attempt.answer for attempt in rental.attempts] == ["won"]
        assert tuple(seen) == rental.attempts
        assert list(emulator.world.clusters) == [rental.cluster.id]
        assert emulator.world.requests == {"gpuTypes": 1, RENT: 1}

    on(main)


def test_a_bid_that_is_too_low_is_raised(on):
    """The market moved between the quote and the bid: the next bid is higher, and never above the ceiling."""

    async def main(client, emulator):
        def move(attempt) -> None:
            if attempt.bid_per_gpu == 0.2:
                emulator.world.set_minimum_bid(A40, "0.22")

        emulator.world.set_minimum_bid(A40, "0.2")
        bidding = BidPolicy(ceiling=0.25, margin=0)
        emulator.faults.add(Fault("delay", operation=RENT, seconds=2))
        async with anyio.create_task_group() as group:

            async def rise() -> None:
                await anyio.sleep(1)
                emulator.world.set_minimum_bid(A40, "0.22")

            group.start_soon(rise)
            rental = await client.spot.acquire(SPEC, bidding=bidding, timeout=60, on_attempt=move)
        bids = [attempt.bid_per_gpu for attempt in rental.attempts]
        assert bids[0] == 0.2
        assert bids == sorted(bids)
        assert 0.22 <= rental.bid_per_gpu <= 0.25
        assert emulator.world.clusters[rental.cluster.id].price <= 0.25

    on(main)


def test_a_type_without_capacity_gives_way_to_the_next(on):
    """Definite refusals lead on; an ambiguous one would not."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT))
        rental = await client.spot.acquire(BOTH, bidding=BidPolicy(ceiling=0.4), timeout=60)
        assert rental.gpu_type_id == L40S
        assert [attempt.gpu_type_id for attempt in rental.attempts] == [A40, L40S]
        assert "no machine fits" in rental.attempts[0].answer

    on(main)


def test_a_market_that_falls_is_waited_for(on):
    """Above the ceiling nothing is bid; when the price falls, the bid wins."""

    async def main(client, emulator):
        async with anyio.create_task_group() as group:

            async def fall() -> None:
                await anyio.sleep(100)
                emulator.world.set_minimum_bid(A40, "0.1")

            group.start_soon(fall)
            rental = await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.15), timeout=600)
        assert rental.bid_per_gpu == pytest.approx(0.105)
        assert 100 <= anyio.current_time() <= 170
        assert emulator.world.requests[RENT] == 1

    on(main)


def test_a_market_above_the_ceiling_ends_at_the_deadline(on):
    """The error has the ceiling, the minimum and everything that was tried; nothing was sent to rent."""

    async def main(client, emulator):
        with pytest.raises(BidCeilingReached) as caught:
            await client.spot.acquire(BOTH, bidding=BidPolicy(ceiling=0.15), timeout=300)
        assert anyio.current_time() == pytest.approx(300)
        error = caught.value
        assert (error.ceiling, error.minimum_bid, error.last_bid) == (0.15, 0.2, None)
        assert {attempt.gpu_type_id for attempt in error.ledger} == {A40, L40S}
        assert all("more than the ceiling" in attempt.reason for attempt in error.ledger)
        assert emulator.world.requests[RENT] == 0

    on(main)


def test_who_gives_up_does_not_wait(on):
    """With every candidate above the ceiling the search ends at once."""

    async def main(client, emulator):
        bidding = BidPolicy(ceiling=0.15, above_ceiling="give_up")
        with pytest.raises(BidCeilingReached, match="more than the ceiling"):
            await client.spot.acquire(BOTH, bidding=bidding, timeout=300)
        assert anyio.current_time() < 60

    on(main)


def test_no_stock_is_no_capacity(on):
    """A sold-out market is not the ceiling's fault."""

    async def main(client, emulator):
        emulator.world.sell_out(A40)
        with pytest.raises(NoCapacity, match="on offer") as caught:
            await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=1), timeout=60)
        assert len(caught.value.ledger) == caught.value.attempts > 1

    on(main)


def test_a_lost_answer_is_looked_up_and_nothing_is_rented_twice(on):
    """The cluster that runs is the one that is returned."""

    async def main(client, emulator):
        emulator.faults.add(Fault("internal_error", operation=RENT))
        rental = await client.spot.acquire(BOTH, bidding=BidPolicy(ceiling=0.4), timeout=60)
        assert list(emulator.world.clusters) == [rental.cluster.id]
        assert emulator.world.requests[RENT] == 1

    on(main)


def test_a_bid_under_way_at_the_deadline_is_followed_to_its_end(on):
    """It is won or unknown, and never told as nothing rented."""

    async def main(client, emulator):
        settings = {"bidding": BidPolicy(ceiling=0.4), "timeout": 10}
        emulator.faults.add(Fault("hang", operation=RENT, commit=True))
        rental = await client.spot.acquire(SPEC, **settings)
        assert list(emulator.world.clusters) == [rental.cluster.id]
        emulator.faults.add(Fault("commit_late", operation=RENT, seconds=600))
        with pytest.raises(OutcomeUnknown) as caught:
            await client.spot.acquire(SPEC, **settings)
        assert caught.value.client_token
        assert caught.value.billing

    on(main)


def test_a_hook_that_raises_costs_no_cluster(on, caplog):
    """The cluster that was won is returned; the hook's failure is logged."""

    def shout(_) -> None:
        raise LookupError("deaf")

    async def main(client, emulator):
        rental = await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.4), timeout=10, on_attempt=shout)
        assert list(emulator.world.clusters) == [rental.cluster.id]

    on(main)
    assert "on_attempt failed" in caplog.text


def test_a_deadline_inside_a_quote_keeps_what_is_known_of_the_market(on):
    """The market was above the ceiling when it was last seen."""

    async def main(client, emulator):
        emulator.faults.add(Fault("delay", operation="gpuTypes", seconds=100, after=1))
        with pytest.raises(BidCeilingReached):
            await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.15), timeout=30)
        assert anyio.current_time() == pytest.approx(30)

    on(main)


def test_what_bidding_cannot_mend_ends_the_search(on):
    """A wrong key or an unknown type is told at once; a price that could not be read for a moment is read again."""

    async def main(client, emulator):
        with pytest.raises(QueryError, match="no GPU type"):
            await client.spot.acquire(
                ClusterSpec(image_name="i", gpu_type_id="RTX 9999"), bidding=BidPolicy(ceiling=1), timeout=60
            )
        emulator.faults.add(Fault("bad_gateway", operation="gpuTypes"))
        rental = await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.4), timeout=60)
        assert [attempt.bid_per_gpu for attempt in rental.attempts] == [None, 0.21]

    on(main)


def test_a_token_finds_the_cluster_of_an_earlier_call(on):
    """Nothing is bid for what is there."""

    async def main(client, emulator):
        settings = {"bidding": BidPolicy(ceiling=0.4), "timeout": 60, "client_token": "job-1"}
        first = await client.spot.acquire(SPEC, **settings)
        again = await client.spot.acquire(SPEC, **settings)
        assert again.cluster.id == first.cluster.id
        assert (again.bid_per_gpu, again.attempts) == (None, ())

    on(main)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"timeout": 0}, "timeout"),
        ({"bidding": 0.3}, "bidding"),
        ({"spec": {"image_name": "i"}}, "spec"),
        ({"spec": ClusterSpec(image_name="i", gpu_count=0)}, "gpu_count"),
        ({"client_token": ""}, "client_token"),
        ({"expires_in": -1}, "expires_in"),
    ],
)
def test_bad_input_is_named(on, arguments, field):
    """Before anything is sent."""

    async def main(client, emulator):
        given = {"spec": SPEC, "bidding": BidPolicy(ceiling=1), "timeout": 1} | arguments
        with pytest.raises(InvalidArgument) as caught:
            await client.spot.acquire(given.pop("spec"), **given)
        assert caught.value.field == field
        assert emulator.world.requests.total() == 0

    on(main)


def test_an_outage_ends_as_no_capacity_with_its_ledger(on):
    """Prices that can never be read are tried until the deadline."""

    async def main(client, emulator):
        emulator.faults.add(Fault("bad_gateway", operation="gpuTypes", times=None))
        with pytest.raises(NoCapacity) as caught:
            await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=1), timeout=30)
        assert {attempt.reason for attempt in caught.value.ledger} == {"the market's prices could not be read"}
        assert not isinstance(caught.value, ConnectionFailed)

    on(main)
