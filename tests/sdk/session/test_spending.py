"""`max_hourly_spend`: a call that would exceed it is not sent."""

import anyio
import pytest
from wires import schema_without

from tensorone import (
    BidPolicy,
    ClusterSpec,
    InvalidArgument,
    NoCapacity,
    OutcomeUnknown,
    QueryError,
    RetryPolicy,
    SpendLimitReached,
    TensorOne,
)
from tensorone.emulator import Fault

A40 = "NVIDIA A40"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40)
PAIR = ClusterSpec(image_name="i", gpu_type_id=A40, gpu_count=2)
RENT, DEPLOY, PRICES = "clusterRentInterruptable", "clusterFindAndDeployOnDemand", "gpuTypes"


def test_a_bid_that_would_cross_the_limit_is_not_sent(on):
    """The error has the limit, the committed and the requested spend."""

    async def main(client, emulator):
        await client.spot.rent(PAIR, bid_per_gpu=0.3)
        with pytest.raises(
            SpendLimitReached,
            match=r"0\.5 USD per hour more would exceed max_hourly_spend=1, of which 0\.6 are committed",
        ) as caught:
            await client.spot.rent(SPEC, bid_per_gpu=0.5)
        error = caught.value
        assert (error.limit, error.committed, error.requested, error.retryable) == (1, 0.6, 0.5, False)
        await client.spot.rent(SPEC, bid_per_gpu=0.4)
        assert emulator.world.requests[RENT] == 2

    on(main, max_hourly_spend=1)


def test_side_by_side_requests_do_not_take_the_same_room(on):
    """As many requests are sent as fit, however many start at once."""

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
    """A cluster that this client ended frees its share at once, any other as soon as a listing shows it."""

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
    """A spot cluster counts at its bid; an on-demand one has no known price, but costs nothing without GPUs."""

    async def main(client, emulator):
        spot = await client.spot.rent(SPEC, bid_per_gpu=0.3)
        await client.clusters.stop(spot.id)
        await client.spot.resume(spot.id, bid_per_gpu=0.4, gpu_count=1)
        await anyio.sleep(60)
        with pytest.raises(SpendLimitReached, match=r"0\.4 are committed"):
            await client.spot.rent(SPEC, bid_per_gpu=0.2)
        await client.clusters.stop(spot.id)
        with pytest.raises(SpendLimitReached, match=r"0\.6 USD per hour more would exceed"):
            await client.spot.resume(spot.id, bid_per_gpu=0.6, gpu_count=1)
        with pytest.raises(SpendLimitReached, match="not known") as caught:
            await client.clusters.resume("cluster", gpu_count=1)
        assert caught.value.requested is None

    on(main, max_hourly_spend=0.5)


def test_an_on_demand_rental_is_priced_first(on):
    """A quote gives the price; an unavailable type is not rented, and a cluster without GPUs costs nothing."""

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


def test_a_cloud_type_without_a_list_price_fits_no_limit(on):
    """Without the optional price fields, the price of a cloud type is unknown and fits no limit."""

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
    """An unknown outcome counts until a listing shows that there is no such cluster."""

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
    """The limit ends the search, since it is not the market's and waiting would not help."""

    async def main(client, emulator):
        with pytest.raises(SpendLimitReached):
            await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.4), timeout=60)
        assert anyio.current_time() < 1

    on(main, max_hourly_spend=0.1)


def test_a_rental_with_an_unknown_outcome_counts_while_it_is_listed(on):
    """A rental with an unknown outcome counts, even if its cluster appears late."""

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
    """An invalid limit is refused by name when the client is created."""
    with pytest.raises(InvalidArgument) as caught:
        TensorOne("k", max_hourly_spend=amount)
    assert caught.value.field == "max_hourly_spend"


def test_a_resume_that_changes_nothing_makes_no_room(on):
    """A running cluster costs what it was rented for, whatever is bid for it afterwards."""

    async def main(client, emulator):
        spot = await client.spot.rent(SPEC, bid_per_gpu=0.2)
        await client.spot.resume(spot.id, bid_per_gpu=0.01, gpu_count=1)
        with pytest.raises(SpendLimitReached, match=r"0\.2 are committed"):
            await client.spot.rent(SPEC, bid_per_gpu=0.2)
        await anyio.sleep(60)
        with pytest.raises(SpendLimitReached, match=r"0\.2 are committed"):
            await client.spot.rent(SPEC, bid_per_gpu=0.2)

    on(main, max_hourly_spend=0.3)


def test_a_cheaper_resume_of_a_preempted_cluster_counts_as_such(on):
    """A listing that shows the cluster stopped ends its old price."""

    async def main(client, emulator):
        spot = await client.spot.rent(SPEC, bid_per_gpu=0.25)
        emulator.world.preempt(spot.id)
        await anyio.sleep(30)
        await client.spot.resume(spot.id, bid_per_gpu=0.21, gpu_count=1)
        with pytest.raises(SpendLimitReached, match=r"0\.21 are committed"):
            await client.spot.rent(SPEC, bid_per_gpu=0.2)

    on(main, max_hourly_spend=0.3)


def test_a_refused_resume_leaves_what_was_counted(on):
    """After a resume of the wrong kind is refused, the cluster goes on counting at its price."""

    async def main(client, emulator):
        running = await client.clusters.deploy(SPEC)
        with pytest.raises(QueryError, match="Cannot resume an on demand pod"):
            await client.spot.resume(running.id, bid_per_gpu=0.15, gpu_count=1)
        with pytest.raises(SpendLimitReached, match=r"0\.4 are committed"):
            await client.spot.rent(SPEC, bid_per_gpu=0.41)

    on(main, max_hourly_spend=0.6)


def test_adopted_clusters_count(on):
    """Adopted clusters count at the bid, the policy's ceiling or the fixed price; an unknown price fills the limit."""

    async def main(client, emulator):
        ways = {
            0.2: lambda each: each.spot.rent(SPEC, bid_per_gpu=0.2, client_token="rented"),
            0.35: lambda each: each.spot.acquire(
                SPEC, bidding=BidPolicy(ceiling=0.35), timeout=60, client_token="acquired"
            ),
            0.4: lambda each: each.clusters.deploy(SPEC, client_token="deployed"),
        }
        for price, rent in ways.items():
            await rent(client)
            scope = client.limited(max_hourly_spend=0.5)
            await rent(scope)
            with pytest.raises(SpendLimitReached) as caught:
                await scope.spot.rent(SPEC, bid_per_gpu=0.45)
            assert caught.value.committed == price
        emulator.faults.add(Fault("bad_gateway", operation=PRICES, times=None))
        scope = client.limited(max_hourly_spend=0.5)
        await ways[0.4](scope)
        with pytest.raises(SpendLimitReached) as caught:
            await scope.spot.rent(SPEC, bid_per_gpu=0.01)
        assert caught.value.committed == 0.5
        assert emulator.world.requests[RENT] == 2

    on(main)


def test_an_adopted_cluster_that_is_stopped_does_not_count(on):
    """A stopped adopted cluster does not count, since only its volume is billed."""

    async def main(client, emulator):
        first = await client.spot.rent(SPEC, bid_per_gpu=0.3, client_token="job")
        await client.clusters.stop(first.id)
        assert (await client.spot.rent(SPEC, bid_per_gpu=0.3, client_token="job")).id == first.id
        await client.spot.rent(SPEC, bid_per_gpu=0.4)

    on(main, max_hourly_spend=0.5)


def test_an_on_demand_resume_fits_a_limit_once_its_type_is_named(on):
    """The error says to name the type; the highest price of that type is what counts."""

    async def main(client, emulator):
        stopped = (await client.clusters.deploy(SPEC)).id
        await client.clusters.stop(stopped)
        with pytest.raises(SpendLimitReached, match="gpu_type_id"):
            await client.clusters.resume(stopped, gpu_count=1)
        await client.clusters.resume(stopped, gpu_count=1, gpu_type_id=A40)
        with pytest.raises(SpendLimitReached) as caught:
            await client.spot.rent(SPEC, bid_per_gpu=0.7)
        assert caught.value.committed == 0.4
        with pytest.raises(InvalidArgument) as named:
            await client.clusters.resume(stopped, gpu_count=1, gpu_type_id="")
        assert named.value.field == "gpu_type_id"

    on(main, max_hourly_spend=1)


def test_a_bid_that_never_left_does_not_count(on):
    """A bid that was rate limited until the deadline was not sent and does not count."""

    async def main(client, emulator):
        emulator.faults.add(Fault("rate_limited", operation=RENT, retry_after=20))
        with pytest.raises(NoCapacity):
            await client.spot.acquire(SPEC, bidding=BidPolicy(ceiling=0.4), timeout=10)
        await anyio.sleep(20)
        await client.spot.rent(SPEC, bid_per_gpu=0.4)
        assert emulator.world.requests["myself"] == 0

    on(main, max_hourly_spend=0.5, retry=RetryPolicy())


def test_a_second_call_for_one_cluster_does_not_double_it(on):
    """Two resumes of one cluster at once count once, and end separately."""

    async def main(client, emulator):
        spot = await client.spot.rent(SPEC, bid_per_gpu=0.2)
        await client.clusters.stop(spot.id)
        emulator.faults.add(Fault("delay", operation="clusterBidResume", seconds=5))
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: client.spot.resume(spot.id, bid_per_gpu=0.25, gpu_count=1))
            await anyio.sleep(1)
            await client.spot.resume(spot.id, bid_per_gpu=0.2, gpu_count=1)
        with pytest.raises(SpendLimitReached, match=r"0\.25 are committed"):
            await client.spot.rent(SPEC, bid_per_gpu=0.1)

    on(main, max_hourly_spend=0.3)
