"""Several spot clusters at once: all of them or none, or what can be had."""

import anyio
import pytest

from tensorone import BidCeilingReached, BidPolicy, ClusterSpec, InvalidArgument, NoCapacity, OutcomeUnknown
from tensorone.emulator import Fault

A40, L40S = "NVIDIA A40", "NVIDIA L40S"
BOTH = ClusterSpec(image_name="i", gpu_type_ids=[A40, L40S])
RENT = "clusterRentInterruptable"
BIDDING = BidPolicy(ceiling=0.4)


def test_clusters_spread_over_the_types_at_one_look_per_round(on):
    """Half of each; all searches share one request for the prices."""

    async def main(client, emulator):
        outcomes = await client.spot.acquire_many(BOTH, 10, bidding=BIDDING, timeout=60, mode="all_or_nothing")
        types = [outcome.unwrap().gpu_type_id for outcome in outcomes]
        assert (types.count(A40), types.count(L40S)) == (5, 5)
        assert [outcome.item for outcome in outcomes] == list(range(10))
        assert len(emulator.world.clusters) == 10
        assert sum("gpuTypes" in entry.root_fields for entry in emulator.world.log) == 1

    on(main)


def test_all_or_nothing_leaves_nothing(on):
    """One that cannot be won ends the others, and what was won is terminated."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT, times=None, after=3))
        with pytest.raises(NoCapacity):
            await client.spot.acquire_many(BOTH, 5, bidding=BIDDING, timeout=60, mode="all_or_nothing")
        assert emulator.world.requests[RENT] > 5
        assert list(emulator.world.clusters) == []

    on(main)


def test_what_cannot_be_given_back_is_named(on):
    """The error says what may go on costing money."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT, times=None, after=1))
        emulator.faults.add(Fault("bad_gateway", operation="clusterTerminate", times=None))
        with pytest.raises(NoCapacity) as caught:
            await client.spot.acquire_many(BOTH, 2, bidding=BIDDING, timeout=20, mode="all_or_nothing")
        (left,) = emulator.world.clusters
        assert left in caught.value.billing

    on(main, settle_time=2)


def test_best_effort_keeps_what_was_won(on):
    """The others are outcomes with their errors."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT, times=None, after=3))
        outcomes = await client.spot.acquire_many(BOTH, 5, bidding=BIDDING, timeout=60, mode="best_effort")
        assert sorted(outcome.ok for outcome in outcomes) == [False, False, True, True, True]
        assert len(emulator.world.clusters) == 3
        assert all(isinstance(outcome.error, NoCapacity) for outcome in outcomes if not outcome.ok)

    on(main)


@pytest.mark.parametrize("mode", ["all_or_nothing", "best_effort"])
def test_a_cancelled_call_terminates_what_it_got(on, mode):
    """Nobody would know of it."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT, times=None, after=3))
        with anyio.move_on_after(30) as scope:
            await client.spot.acquire_many(BOTH, 5, bidding=BIDDING, timeout=60, mode=mode)
        assert scope.cancelled_caught
        assert list(emulator.world.clusters) == []

    on(main)


def test_a_token_makes_the_call_repeatable(on):
    """Clusters that are there already are taken, and only the others are rented."""

    async def main(client, emulator):
        settings = {"bidding": BIDDING, "timeout": 60, "mode": "best_effort", "client_token": "job"}
        first = await client.spot.acquire_many(BOTH, 3, **settings)
        again = await client.spot.acquire_many(BOTH, 4, **settings)
        ids = [outcome.unwrap().cluster.id for outcome in again]
        assert ids[:3] == [outcome.unwrap().cluster.id for outcome in first]
        assert sorted(emulator.world.clusters) == sorted(ids)

    on(main)


def test_an_unknown_outcome_is_not_hidden(on):
    """All or nothing raises it, with the token to look for."""

    async def main(client, emulator):
        emulator.faults.add(Fault("commit_late", operation=RENT, seconds=600))
        with pytest.raises(OutcomeUnknown) as caught:
            await client.spot.acquire_many(BOTH, 2, bidding=BIDDING, timeout=60, mode="all_or_nothing")
        assert caught.value.client_token

    on(main)


def test_a_market_that_is_too_dear_is_told(on):
    """As by a single search."""

    async def main(client, emulator):
        with pytest.raises(BidCeilingReached):
            await client.spot.acquire_many(BOTH, 2, bidding=BidPolicy(ceiling=0.1), timeout=20, mode="all_or_nothing")

    on(main)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [({"mode": "some"}, "mode"), ({"count": 0}, "count"), ({"client_token": "x" * 128}, "client_token")],
)
def test_bad_input_is_named(on, arguments, field):
    """Before anything is sent."""

    async def main(client, emulator):
        given = {"count": 2, "bidding": BIDDING, "timeout": 60, "mode": "best_effort"} | arguments
        with pytest.raises(InvalidArgument) as caught:
            await client.spot.acquire_many(BOTH, given.pop("count"), **given)
        assert caught.value.field == field
        assert emulator.world.requests.total() == 0

    on(main)
