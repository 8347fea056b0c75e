"""Winning a spot cluster within a ceiling and a deadline, on a clock that jumps."""

import functools

import anyio
import httpx
import pytest
from wires import schema_without

from tensorone import (
    AuthenticationError,
    BidCeilingReached,
    BidPolicy,
    ClusterSpec,
    ConnectionFailed,
    InvalidArgument,
    NoCapacity,
    OperationUnsupported,
    OutcomeUnknown,
    TensorOne,
    WaitTimedOut,
)
from tensorone.emulator import Fault

A40, L40S, A6000 = "NVIDIA A40", "NVIDIA L40S", "NVIDIA RTX A6000"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40)
BOTH = ClusterSpec(image_name="i", gpu_type_ids=[A40, L40S])
RENT = "clusterRentInterruptable"


async def waited_for(*_) -> None:
    """A coroutine function, which would never be awaited."""


class WaitedFor:
    """The same as an object that is called."""

    async def __call__(self, _) -> None:
        """Would never be awaited."""


def test_the_first_bid_wins_where_there_is_capacity(on):
    """The bid is the market's minimum plus the margin, and the ledger has every attempt."""

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
    """When the market moves between quote and bid, the next bid is higher, and never above the ceiling."""

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
    """A definite refusal leads to the next type; an ambiguous one does not."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT))
        rental = await client.spot.acquire(BOTH, bidding=BidPolicy(ceiling=0.4), timeout=60)
        assert rental.gpu_type_id == L40S
        assert [attempt.gpu_type_id for attempt in rental.attempts] == [A40, L40S]
        assert "no machine fits" in rental.attempts[0].answer

    on(main)


def test_a_market_that_falls_is_waited_for(on):
    """Nothing is bid above the ceiling; when the price falls, the bid wins."""

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
    """The error has the ceiling, the minimum and the ledger, and no rental was sent."""

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
    """A sold-out market raises NoCapacity, not BidCeilingReached."""

    async def main(client, emulator):
        emulator.world.sell_out(A40)
        with pytest.raises(NoCapacity, match="none is free now") as caught:
            await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=1), timeout=60)
        assert len(caught.value.ledger) == caught.value.attempts > 1

    on(main)


def test_a_lost_answer_is_looked_up_and_nothing_is_rented_twice(on):
    """The running cluster is the one that is returned."""

    async def main(client, emulator):
        emulator.faults.add(Fault("internal_error", operation=RENT))
        rental = await client.spot.acquire(BOTH, bidding=BidPolicy(ceiling=0.4), timeout=60)
        assert list(emulator.world.clusters) == [rental.cluster.id]
        assert emulator.world.requests[RENT] == 1

    on(main)


def test_a_bid_under_way_at_the_deadline_is_followed_to_its_end(on):
    """A bid under way at the deadline ends as won or unknown, never as nothing rented."""

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
    """The won cluster is returned, and the hook's error is logged."""

    def shout(_) -> None:
        raise LookupError("deaf")

    async def main(client, emulator):
        rental = await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.4), timeout=10, on_attempt=shout)
        assert list(emulator.world.clusters) == [rental.cluster.id]

    on(main)
    assert "on_attempt failed" in caplog.text


def test_a_deadline_inside_a_quote_keeps_what_is_known_of_the_market(on):
    """If the last quote was above the ceiling, the search still ends as BidCeilingReached."""

    async def main(client, emulator):
        emulator.faults.add(Fault("delay", operation="gpuTypes", seconds=100, after=1))
        with pytest.raises(BidCeilingReached):
            await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.15), timeout=30)
        assert anyio.current_time() == pytest.approx(30)

    on(main)


def test_what_no_bid_can_fix_ends_the_search(on):
    """A wrong key or an unknown type ends the search; a price that cannot be read is read again."""

    async def main(client, emulator):
        for types in (["RTX 9999"], [A40, "RTX 9999"]):
            unknown = ClusterSpec(image_name="i", gpu_type_ids=types)
            with pytest.raises(InvalidArgument, match="no GPU type 'RTX 9999'") as caught:
                await client.spot.acquire(unknown, bidding=BidPolicy(ceiling=0.1), timeout=60)
            assert caught.value.field == "gpu_type_id"
        wrong = TensorOne("wrong", url="http://localhost/graphql", transport=httpx.ASGITransport(emulator.app))
        async with wrong:
            with pytest.raises(AuthenticationError):
                await wrong.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.1), timeout=60)
        assert anyio.current_time() < 1
        emulator.faults.add(Fault("bad_gateway", operation="gpuTypes"))
        rental = await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.4), timeout=60)
        assert [attempt.bid_per_gpu for attempt in rental.attempts] == [None, 0.21]

    on(main)


def test_a_token_finds_the_cluster_of_an_earlier_call(on):
    """No bid is sent for a cluster that exists already."""

    async def main(client, emulator):
        settings = {"bidding": BidPolicy(ceiling=0.4), "timeout": 60, "client_token": "job-1"}
        first = await client.spot.acquire(SPEC, **settings)
        again = await client.spot.acquire(SPEC, **settings)
        assert again.cluster.id == first.cluster.id
        assert (again.bid_per_gpu, again.attempts) == (None, ())

    on(main)


def test_a_stopped_cluster_of_an_earlier_call_is_not_won(on):
    """A stopped cluster is not returned, and no second one is rented with its token."""

    async def main(client, emulator):
        settings = {"bidding": BidPolicy(ceiling=0.4), "timeout": 60, "client_token": "job-1"}
        first = await client.spot.acquire(SPEC, **settings)
        emulator.world.preempt(first.cluster.id)
        with pytest.raises(InvalidArgument, match=r"EXITED: resume it with spot\.recover") as caught:
            await client.spot.acquire(SPEC, **settings)
        assert caught.value.field == "client_token"
        assert list(emulator.world.clusters) == [first.cluster.id]

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
        ({"on_attempt": 5}, "on_attempt"),
        ({"on_attempt": waited_for}, "on_attempt"),
        ({"on_attempt": functools.partial(waited_for, 1)}, "on_attempt"),
        ({"on_attempt": WaitedFor()}, "on_attempt"),
    ],
)
def test_bad_input_is_named(on, arguments, field):
    """Invalid input is refused by name before anything is sent."""

    async def main(client, emulator):
        given = {"spec": SPEC, "bidding": BidPolicy(ceiling=1), "timeout": 1} | arguments
        with pytest.raises(InvalidArgument) as caught:
            await client.spot.acquire(given.pop("spec"), **given)
        assert caught.value.field == field
        assert emulator.world.requests.total() == 0

    on(main)


def test_an_outage_is_told_as_one_with_its_ledger(on):
    """Prices that cannot be read are fetched again until the deadline; it is no lack of capacity."""

    async def main(client, emulator):
        emulator.faults.add(Fault("bad_gateway", operation="gpuTypes", times=None))
        with pytest.raises(WaitTimedOut, match=r"no bid won within 30 s: .*HTTP 502") as caught:
            await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=1), timeout=30)
        assert caught.value.retryable
        assert {attempt.reason for attempt in caught.value.ledger} == {"the market's prices could not be read"}
        assert not isinstance(caught.value, ConnectionFailed)

    on(main)


AUTO = {"bidding": BidPolicy(ceiling=0.15), "timeout": 60, "capacity": "auto"}
DEPLOY = "clusterFindAndDeployOnDemand"


def test_auto_falls_back_to_on_demand(on):
    """When every bid fails on the market, a known fixed price within its ceiling is paid."""

    async def main(client, emulator):
        rental = await client.spot.acquire(BOTH, **AUTO, on_demand_ceiling=2)
        assert (rental.kind, rental.gpu_type_id, rental.bid_per_gpu) == ("on_demand", A40, None)
        cluster = emulator.world.clusters[rental.cluster.id]
        assert not cluster.spot
        assert float(cluster.price) == rental.on_demand_price
        assert [attempt.kind for attempt in rental.attempts] == ["spot", "spot", "on_demand"]
        assert emulator.world.requests[RENT] == 0

    on(main)


def test_auto_keeps_to_its_ceilings(on):
    """A fixed price above its ceiling is not paid, and the bidding goes on until the deadline."""

    async def main(client, emulator):
        emulator.world.later(30, lambda: emulator.world.set_minimum_bid(A40, "0.1"))
        rental = await client.spot.acquire(SPEC, **AUTO, on_demand_ceiling=0.1)
        assert rental.kind == "spot"
        assert emulator.world.requests[DEPLOY] == 0
        assert any("on_demand_ceiling of 0.1" in attempt.reason for attempt in rental.attempts)

    on(main)


def test_auto_waits_for_the_market_as_long_as_asked(on):
    """The fixed price is considered only after `on_demand_after`."""

    async def main(client, emulator):
        rental = await client.spot.acquire(SPEC, **AUTO, on_demand_ceiling=2, on_demand_after=40)
        assert rental.kind == "on_demand"
        assert 40 <= anyio.current_time() < 60

    on(main)


def test_auto_without_capacity_ends_as_no_capacity(on):
    """The ledger has refused on-demand rentals too."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=DEPLOY, times=None))
        with pytest.raises(BidCeilingReached) as caught:
            await client.spot.acquire(SPEC, **AUTO, on_demand_ceiling=2)
        assert {attempt.kind for attempt in caught.value.ledger} == {"spot", "on_demand"}
        assert caught.value.last_bid is None
        emulator.world.sell_out(A40)
        with pytest.raises(NoCapacity):
            await client.spot.acquire(SPEC, **AUTO, on_demand_ceiling=2)

    on(main)


def test_a_cloud_type_has_a_price_of_its_own(on):
    """A cloud type has its own price, which the lowest quoted price does not bound."""

    async def main(client, emulator):
        emulator.world.set_minimum_bid(A6000, "0.2")
        quote = await client.spot.quote(A6000)
        expensive = ClusterSpec(image_name="i", gpu_type_id=A6000, cloud_type="SECURE")
        unsaid = ClusterSpec(image_name="i", gpu_type_id=A6000)
        rental = await client.spot.acquire(expensive, **AUTO, on_demand_ceiling=2)
        assert rental.on_demand_price > quote.on_demand_price
        cluster = emulator.world.clusters[rental.cluster.id]
        assert (cluster.order.clouds, float(cluster.price)) == (("SECURE",), rental.on_demand_price)
        with pytest.raises(BidCeilingReached):
            await client.spot.acquire(expensive, **AUTO, on_demand_ceiling=quote.on_demand_price)
        with pytest.raises(BidCeilingReached):
            await client.spot.acquire(unsaid, **AUTO, on_demand_ceiling=quote.on_demand_price)
        anywhere = ClusterSpec(image_name="i", gpu_type_id=A6000, cloud_type="ALL")
        rental = await client.spot.acquire(anywhere, **AUTO, on_demand_ceiling=quote.on_demand_price)
        assert rental.on_demand_price == float(emulator.world.clusters[rental.cluster.id].price) == 0.33

    on(main)


def test_a_server_without_list_prices_fails_closed(on):
    """Without list prices a cloud type's price is unknown; where the server chooses, the quote is used."""

    async def main(client, emulator):
        expensive = ClusterSpec(image_name="i", gpu_type_id=A40, cloud_type="SECURE")
        with pytest.raises(BidCeilingReached):
            await client.spot.acquire(expensive, **AUTO, on_demand_ceiling=2)
        assert list(emulator.world.clusters) == []
        assert (await client.spot.acquire(SPEC, **AUTO, on_demand_ceiling=2)).kind == "on_demand"

    on(main, schema=schema_without("GpuType.securePrice"))


def test_a_server_without_spot_raises_one_error(on):
    """A server without spot raises one error, and with `auto` the search falls back."""

    async def main(client, emulator):
        with pytest.raises(OperationUnsupported, match="offers no spot clusters"):
            await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.3), timeout=60)
        expensive = BidPolicy(ceiling=0.3)
        rental = await client.spot.acquire(
            SPEC, bidding=expensive, timeout=60, capacity="auto", on_demand_ceiling=2, on_demand_after=20
        )
        assert rental.kind == "on_demand"
        assert list(emulator.world.clusters) == [rental.cluster.id]

    on(main, schema=schema_without("Mutation.clusterRentInterruptable"))


@pytest.mark.parametrize("missing", ["Mutation.clusterRentInterruptable", "LowestPrice.minimumBidPrice"])
def test_the_fixed_price_of_a_server_without_spot_is_compared_with_the_ceiling(on, missing):
    """The fixed price is known without a bid, and the error says too expensive or sold out, with the server's words."""

    async def main(client, emulator):
        settings = AUTO | {"bidding": BidPolicy(ceiling=0.3)}
        with pytest.raises(NoCapacity, match=r"on_demand_ceiling of 0\.1") as caught:
            await client.spot.acquire(SPEC, **settings, on_demand_ceiling=0.1)
        assert isinstance(caught.value.__cause__, OperationUnsupported)
        assert "this server offers no spot clusters" in {attempt.reason for attempt in caught.value.ledger}
        emulator.world.sell_out(A40)
        with pytest.raises(NoCapacity, match="the fixed price is unknown"):
            await client.spot.acquire(SPEC, **settings, on_demand_ceiling=2)
        emulator.world.leave_free(A40, -1)
        rental = await client.spot.acquire(BOTH, **settings, on_demand_ceiling=2)
        assert (rental.kind, rental.gpu_type_id) == ("on_demand", A40)
        emulator.world.sell_out(A40)
        rental = await client.spot.acquire(BOTH, **settings, on_demand_ceiling=2, on_demand_after=20)
        assert (rental.kind, rental.gpu_type_id) == ("on_demand", L40S)
        assert rental.attempts[-1].bid_per_gpu == float(emulator.world.clusters[rental.cluster.id].price)

    on(main, schema=schema_without(missing))


@pytest.mark.parametrize(
    ("missing", "calls"),
    [
        ("LowestPrice.minimumBidPrice", ["quote", "quotes", "acquire", "lease", "recover"]),
        ("Mutation.clusterRentInterruptable", ["rent", "acquire", "lease"]),
        ("Mutation.clusterBidResume", ["resume", "recover"]),
    ],
)
def test_a_server_without_spot_raises_one_error_everywhere(on, missing, calls):
    """Every spot call raises the same error, whatever field is missing; other gaps keep their own error."""
    bidding = BidPolicy(ceiling=0.3)

    async def main(client, emulator):
        stopped = (await client.clusters.deploy(SPEC)).id
        await client.clusters.stop(stopped)

        async def lease() -> None:
            async with client.spot.lease(SPEC, bidding=bidding, timeout=60, on_exit="terminate"):
                raise AssertionError("the block must not begin")

        ways = {
            "quote": lambda: client.spot.quote(A40),
            "quotes": lambda: client.spot.quotes([A40, L40S]),
            "rent": lambda: client.spot.rent(SPEC, bid_per_gpu=0.3),
            "resume": lambda: client.spot.resume(stopped, bid_per_gpu=0.3, gpu_count=1),
            "acquire": lambda: client.spot.acquire(SPEC, bidding=bidding, timeout=60),
            "lease": lease,
            "recover": lambda: client.spot.recover(stopped, SPEC, bidding=bidding, timeout=60),
        }
        for name in calls:
            with pytest.raises(OperationUnsupported, match=r"^this server offers no spot clusters") as caught:
                await ways[name]()
            assert str(caught.value).count("offers no spot") == 1, name
            assert caught.value.unsupported == missing.partition(".")[2], name

    on(main, schema=schema_without(missing))


def test_another_gap_in_the_schema_is_not_reported_as_no_spot(on):
    """The error names the missing field, and `auto` does not fall back because of it."""

    async def main(client, emulator):
        for settings in (AUTO | {"on_demand_ceiling": 2}, {"bidding": BidPolicy(ceiling=0.3), "timeout": 60}):
            with pytest.raises(OperationUnsupported, match="secureCloud") as caught:
                await client.spot.acquire(SPEC, **settings)
            assert "no spot" not in str(caught.value)
        with pytest.raises(OperationUnsupported, match=r"^spot\.quote: "):
            await client.spot.quote(A40)

    on(main, schema=schema_without("GpuType.secureCloud"))


def test_the_lowest_price_goes_first(on):
    """Candidates are ordered by the market's minimum, not by preference."""

    async def main(client, emulator):
        wanted = ClusterSpec(image_name="i", gpu_type_ids=[L40S, A40])
        rental = await client.spot.acquire(wanted, bidding=BidPolicy(ceiling=0.4), timeout=60, order="lowest_price")
        assert rental.gpu_type_id == A40

    on(main)


def test_cloud_types_are_candidates_too(on):
    """Each GPU type is a candidate in each cloud type."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT))
        rental = await client.spot.acquire(
            ClusterSpec(image_name="i", gpu_type_id=L40S),
            bidding=BidPolicy(ceiling=0.4),
            timeout=60,
            cloud_types=["SECURE", "COMMUNITY"],
        )
        assert [attempt.cloud_type for attempt in rental.attempts] == ["SECURE", "COMMUNITY"]
        assert rental.cloud_type == "COMMUNITY"
        assert emulator.world.clusters[rental.cluster.id].order.clouds == ("COMMUNITY",)

    on(main)


def test_one_request_prices_all_types(on):
    """Each round sends one price request, and each refused bid one more."""

    async def main(client, emulator):
        with pytest.raises(BidCeilingReached):
            await client.spot.acquire(BOTH, bidding=BidPolicy(ceiling=0.15), timeout=100, every=20)
        asked = [entry for entry in emulator.world.log if "gpuTypes" in entry.root_fields]
        assert 7 <= len(asked) <= 13

    on(main)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"order": "random"}, "order"),
        ({"capacity": "on_demand"}, "capacity"),
        ({"capacity": "auto"}, "on_demand_ceiling"),
        ({"on_demand_ceiling": 1}, "on_demand_ceiling"),
        ({"every": 0}, "every"),
        ({"on_demand_after": -1}, "on_demand_after"),
        ({"on_demand_after": 10}, "on_demand_after"),
        ({"cloud_types": 5}, "cloud_types"),
        ({"cloud_types": "SECURE"}, "cloud_types"),
        ({"cloud_types": ["MOON"]}, "cloud_types"),
        ({"cloud_types": []}, "cloud_types"),
        (
            {"cloud_types": ["ALL"], "spec": ClusterSpec(image_name="i", gpu_type_id=A40, cloud_type="ALL")},
            "cloud_types",
        ),
    ],
)
def test_bad_terms_are_named(on, arguments, field):
    """Invalid terms are refused by name before anything is sent."""

    async def main(client, emulator):
        given = {"spec": SPEC, "bidding": BidPolicy(ceiling=1), "timeout": 1} | arguments
        with pytest.raises(InvalidArgument) as caught:
            await client.spot.acquire(given.pop("spec"), **given)
        assert caught.value.field == field
        assert emulator.world.requests.total() == 0

    on(main)


def test_a_refused_bid_whose_market_cannot_be_read_waits_for_the_next_round(on):
    """No higher bid is sent while the price is unknown."""

    async def main(client, emulator):
        def move(attempt) -> None:
            if attempt.bid_per_gpu == 0.2:
                emulator.faults.add(Fault("bad_gateway", operation="gpuTypes"))

        emulator.faults.add(Fault("delay", operation=RENT, seconds=2))
        emulator.world.later(1, lambda: emulator.world.set_minimum_bid(A40, "0.22"))
        rental = await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.25, margin=0), timeout=60, on_attempt=move)
        assert [attempt.bid_per_gpu for attempt in rental.attempts] == [0.2, None, 0.22]
        assert anyio.current_time() > 2.9

    on(main)


def test_after_the_deadline_no_further_candidate_is_tried(on):
    """No candidate is tried after a refusal that arrives late."""

    async def main(client, emulator):
        emulator.faults.add(Fault("delay", operation=RENT, seconds=20))
        emulator.world.later(10, lambda: emulator.world.sell_out(A40))
        with pytest.raises(NoCapacity) as caught:
            await client.spot.acquire(BOTH, bidding=BidPolicy(ceiling=0.4), timeout=15)
        assert [attempt.gpu_type_id for attempt in caught.value.ledger] == [A40]
        assert emulator.world.requests[RENT] == 1

    on(main)
