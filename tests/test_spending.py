"""`max_hourly_spend`: what would cross it is not sent."""

import anyio
import pytest
from wires import schema_without

from tensorone import BidPolicy, ClusterSpec, InvalidArgument, NoCapacity, OutcomeUnknown, SpendLimitReached, TensorOne
from tensorone.emulator import Fault

A40 = "NVIDIA A40"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40)
PAIR = ClusterSpec(image_name="i", gpu_type_id=A40, gpu_count=2)
RENT, DEPLOY = "clusterRentInterruptable", "clusterFindAndDeployOnDemand"


def test_a_bid_that_would_cross_the_limit_is_not_sent(on):
    """The error has the arithmetic."""

    async def main(client, emulator):
        await client.spot.rent(PAIR, bid_per_gpu=0.3)
        with pytest.raises(
            SpendLimitReached, match=r"is 1 USD: 0\.6 are committed, and 0\.5 more are 0\.1 too"
        ) as caught:
            await client.spot.rent(SPEC, bid_per_gpu=0.5)
        error = caught.value
        assert (error.limit, error.committed, error.requested, error.retryable) == (1, 0.6, 0.5, False)
        await client.spot.rent(SPEC, bid_per_gpu=0.4)
        assert emulator.world.requests[RENT] == 2

    on(main, max_hourly_spend=1)


def test_side_by_side_requests_do_not_take_the_same_room(on):
    """As many fit as fit, however many ask at once."""

    async def main(client, emulator):
        refused = []

        async def one() -> None:
            try:
                await client.spot.rent(SPEC, bid_per_gpu=0.3)
            except SpendLimitReached as error:
                refused.append(error)

        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(one)
        assert (len(emulator.world.clusters), len(refused)) == (3, 7)

    on(main, max_hourly_spend=1)


def test_what_ended_makes_room(on):
    """By this client at once; by anyone else as soon as the account shows it."""

    async def main(client, emulator):
        first = await client.spot.rent(SPEC, bid_per_gpu=0.3)
        await client.clusters.stop(first.id)
        second = await client.spot.rent(SPEC, bid_per_gpu=0.3)
        await client.clusters.terminate(second.id)
        third = await client.spot.rent(SPEC, bid_per_gpu=0.3)
        with pytest.raises(SpendLimitReached):
            await client.spot.rent(SPEC, bid_per_gpu=0.3)
        emulator.world.preempt(third.id)
        with pytest.raises(SpendLimitReached):
            await client.spot.rent(SPEC, bid_per_gpu=0.3)  # the listing could be older than the rental
        await anyio.sleep(25)
        await client.spot.rent(SPEC, bid_per_gpu=0.3)

    on(main, max_hourly_spend=0.5)


def test_a_resume_counts_and_replaces_what_was_counted(on):
    """A spot cluster by its bid; an on-demand one has no price that is known, but without GPUs costs none."""

    async def main(client, emulator):
        spot = await client.spot.rent(SPEC, bid_per_gpu=0.3)
        await client.clusters.stop(spot.id)
        await client.spot.resume(spot.id, bid_per_gpu=0.4, gpu_count=1)
        await anyio.sleep(60)
        with pytest.raises(SpendLimitReached, match=r"0\.4 are committed"):
            await client.spot.rent(SPEC, bid_per_gpu=0.2)
        await client.clusters.stop(spot.id)
        with pytest.raises(SpendLimitReached, match=r"0\.6 more are 0\.1 too much"):
            await client.spot.resume(spot.id, bid_per_gpu=0.6, gpu_count=1)
        with pytest.raises(SpendLimitReached, match="not known") as caught:
            await client.clusters.resume("cluster", gpu_count=1)
        assert caught.value.requested is None

    on(main, max_hourly_spend=0.5)


def test_an_on_demand_rental_is_priced_first(on):
    """By a quote; what is not on offer is not rented, and what has no GPU costs none."""

    async def main(client, emulator):
        price = (await client.spot.quote(A40)).on_demand_price
        scope = client.limited(max_hourly_spend=price * 1.5)
        await scope.clusters.deploy(SPEC)
        with pytest.raises(SpendLimitReached) as caught:
            await scope.clusters.deploy(SPEC)
        assert caught.value.requested == price
        assert emulator.world.requests[DEPLOY] == 1
        await scope.clusters.deploy(ClusterSpec(image_name="i", gpu_count=0))
        emulator.world.sell_out(A40)
        with pytest.raises(NoCapacity, match="no fixed price"):
            await scope.clusters.deploy(SPEC)
        assert emulator.world.requests[DEPLOY] == 2
        await client.clusters.deploy(ClusterSpec(image_name="i", gpu_type_id="NVIDIA L40S"))

    on(main)


def test_a_part_of_the_market_without_a_list_price_fits_no_limit(on):
    """A server that lacks the optional price fields."""

    async def main(client, emulator):
        with pytest.raises(SpendLimitReached, match="not known"):
            await client.clusters.deploy(ClusterSpec(image_name="i", gpu_type_id=A40, cloud_type="SECURE"))
        assert emulator.world.requests[DEPLOY] == 0

    on(main, max_hourly_spend=5, schema=schema_without("GpuType.securePrice"))


def test_scopes_count_towards_the_client(on):
    """Each limit holds by itself, and closing a scope closes nothing."""

    async def main(client, emulator):
        async with client.limited(max_hourly_spend=0.5) as scope:
            await scope.spot.rent(SPEC, bid_per_gpu=0.4)
            with pytest.raises(SpendLimitReached) as caught:
                await scope.spot.rent(SPEC, bid_per_gpu=0.3)
            assert caught.value.limit == 0.5
        with pytest.raises(SpendLimitReached) as caught:
            await client.spot.rent(SPEC, bid_per_gpu=0.7)
        assert (caught.value.limit, caught.value.committed) == (1, 0.4)
        await client.spot.rent(SPEC, bid_per_gpu=0.6)

    on(main, max_hourly_spend=1)


def test_refusals_cost_nothing_and_unknown_outcomes_count(on):
    """Until the account shows that there is no such cluster."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT))
        with pytest.raises(NoCapacity):
            await client.spot.rent(SPEC, bid_per_gpu=0.4)
        emulator.faults.add(Fault("commit_late", operation=RENT, seconds=300))
        with pytest.raises(OutcomeUnknown):
            await client.spot.rent(SPEC, bid_per_gpu=0.4)
        with pytest.raises(SpendLimitReached):
            await client.spot.rent(SPEC, bid_per_gpu=0.4)
        emulator.faults.add(Fault("bad_gateway", operation="myself", times=None))
        await anyio.sleep(60)
        with pytest.raises(SpendLimitReached):
            await client.spot.rent(SPEC, bid_per_gpu=0.4)
        emulator.faults.clear()
        await client.spot.rent(SPEC, bid_per_gpu=0.4)

    on(main, max_hourly_spend=0.5)


def test_a_search_stops_at_the_limit(on):
    """The limit is not the market's: waiting would not mend it."""

    async def main(client, emulator):
        with pytest.raises(SpendLimitReached):
            await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.4), timeout=60)
        assert anyio.current_time() < 1

    on(main, max_hourly_spend=0.1)


def test_a_cluster_that_cannot_be_told_is_counted_while_it_shows(on):
    """A cancelled rental may leave one behind."""

    async def main(client, emulator):
        emulator.faults.add(Fault("commit_late", operation=RENT, seconds=40))
        with pytest.raises(OutcomeUnknown):
            await client.spot.rent(SPEC, bid_per_gpu=0.4)
        await anyio.sleep(60)
        with pytest.raises(SpendLimitReached):
            await client.spot.rent(SPEC, bid_per_gpu=0.4)

    on(main, max_hourly_spend=0.5)


@pytest.mark.parametrize("amount", [-1, "much", float("nan")])
def test_bad_limits_are_named(amount):
    """When the client is made."""
    with pytest.raises(InvalidArgument) as caught:
        TensorOne("k", max_hourly_spend=amount)
    assert caught.value.field == "max_hourly_spend"
