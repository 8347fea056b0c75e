"""Several spot clusters at once: all of them or none, or as many as possible."""

import re

import anyio
import pytest

from tensorone import (
    BidCeilingReached,
    BidPolicy,
    ClusterSpec,
    InvalidArgument,
    NoCapacity,
    OutcomeUnknown,
    fan_out,
)
from tensorone.emulator import Fault

A40, L40S = "NVIDIA A40", "NVIDIA L40S"
BOTH = ClusterSpec(image_name="i", gpu_type_ids=[A40, L40S])
RENT = "clusterRentInterruptable"
BIDDING = BidPolicy(ceiling=0.4)


def test_clusters_spread_over_the_types_at_one_price_request_per_round(on):
    """Each type gets half of the clusters, and all searches share one price request."""

    async def main(client, emulator):
        outcomes = await client.spot.acquire_many(BOTH, 10, bidding=BIDDING, timeout=60, mode="all_or_nothing")
        types = [outcome.unwrap().gpu_type_id for outcome in outcomes]
        assert (types.count(A40), types.count(L40S)) == (5, 5)
        assert [outcome.item for outcome in outcomes] == list(range(10))
        assert len(emulator.world.clusters) == 10
        assert sum("gpuTypes" in entry.root_fields for entry in emulator.world.log) == 1

    on(main)


def test_all_or_nothing_leaves_nothing(on):
    """One search that cannot win ends the others, and the won clusters are terminated."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT, times=None, after=3))
        with pytest.raises(NoCapacity):
            await client.spot.acquire_many(BOTH, 5, bidding=BIDDING, timeout=60, mode="all_or_nothing")
        assert emulator.world.requests[RENT] > 5
        assert list(emulator.world.clusters) == []

    on(main)


def test_what_cannot_be_terminated_is_named(on):
    """The error names the clusters that may still cost money."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT, times=None, after=1))
        emulator.faults.add(Fault("bad_gateway", operation="clusterTerminate", times=None))
        with pytest.raises(NoCapacity) as caught:
            await client.spot.acquire_many(BOTH, 2, bidding=BIDDING, timeout=20, mode="all_or_nothing")
        (left,) = emulator.world.clusters
        assert left in caught.value.billing

    on(main, settle_time=2)


def test_best_effort_keeps_what_was_won(on):
    """The failed searches are outcomes with their errors."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT, times=None, after=3))
        outcomes = await client.spot.acquire_many(BOTH, 5, bidding=BIDDING, timeout=60, mode="best_effort")
        assert sorted(outcome.ok for outcome in outcomes) == [False, False, True, True, True]
        assert len(emulator.world.clusters) == 3
        assert all(isinstance(outcome.error, NoCapacity) for outcome in outcomes if not outcome.ok)

    on(main)


@pytest.mark.parametrize("mode", ["all_or_nothing", "best_effort"])
def test_a_cancelled_call_terminates_what_it_got(on, mode, caplog):
    """A cancelled call terminates what it won, and does not warn of what runs no more."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT, times=None, after=3))
        with anyio.move_on_after(30) as scope:
            await client.spot.acquire_many(BOTH, 5, bidding=BIDDING, timeout=60, mode=mode)
        assert scope.cancelled_caught
        assert list(emulator.world.clusters) == []

    on(main)
    assert "ended early" not in caplog.text


def test_a_cancelled_call_warns_of_what_it_could_not_end(on, caplog):
    """One warning names what may run on, and the call that was made."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT, times=None, after=3))
        emulator.faults.add(Fault("bad_gateway", operation="clusterTerminate", times=None))
        with anyio.move_on_after(30):
            await client.spot.acquire_many(BOTH, 5, bidding=BIDDING, timeout=60, mode="best_effort")
        (warned,) = [each.getMessage() for each in caplog.records if "run on" in each.getMessage()]
        assert warned.startswith("spot.acquire_many: could not terminate")
        assert all(each in warned for each in emulator.world.clusters)
        assert {each.cluster_id for each in client.rented} == {*emulator.world.clusters}

    on(main, settle_time=2)


def test_inside_a_fan_out_what_was_won_belongs_to_that(on, caplog):
    """Where the fan-out around it ends early, that names the clusters."""

    async def main(client, emulator):
        async def three(_):
            outcomes = await client.spot.acquire_many(BOTH, 3, bidding=BIDDING, timeout=60, mode="best_effort")
            return [each.unwrap() for each in outcomes]

        def told(*_):
            raise ValueError

        with pytest.raises(ValueError):
            await fan_out(three, [1], on_progress=told)
        (warned,) = [each.getMessage() for each in caplog.records if "ended early" in each.getMessage()]
        assert warned.startswith("fan_out ended early. 3 clusters run on")
        assert all(each in warned for each in emulator.world.clusters)

    on(main)


def test_a_token_makes_the_call_repeatable(on):
    """Existing clusters are adopted, and only the missing ones are rented."""

    async def main(client, emulator):
        settings = {"bidding": BIDDING, "timeout": 60, "mode": "best_effort", "client_token": "job"}
        first = await client.spot.acquire_many(BOTH, 3, **settings)
        again = await client.spot.acquire_many(BOTH, 4, **settings)
        ids = [outcome.unwrap().cluster.id for outcome in again]
        assert ids[:3] == [outcome.unwrap().cluster.id for outcome in first]
        assert sorted(emulator.world.clusters) == sorted(ids)

    on(main)


def test_an_unknown_outcome_is_not_hidden(on):
    """All or nothing raises it, with the token to search for."""

    async def main(client, emulator):
        emulator.faults.add(Fault("commit_late", operation=RENT, seconds=600))
        with pytest.raises(OutcomeUnknown) as caught:
            await client.spot.acquire_many(BOTH, 2, bidding=BIDDING, timeout=60, mode="all_or_nothing")
        assert caught.value.client_token

    on(main)


def test_a_market_that_is_too_expensive_is_reported(on):
    """A market above the ceiling raises the same error as in a single search."""

    async def main(client, emulator):
        with pytest.raises(BidCeilingReached):
            await client.spot.acquire_many(BOTH, 2, bidding=BidPolicy(ceiling=0.1), timeout=20, mode="all_or_nothing")

    on(main)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [({"mode": "some"}, "mode"), ({"count": 0}, "count"), ({"client_token": "x" * 128}, "client_token")],
)
def test_bad_input_is_named(on, arguments, field):
    """Invalid input is refused by name before anything is sent."""

    async def main(client, emulator):
        given = {"count": 2, "bidding": BIDDING, "timeout": 60, "mode": "best_effort"} | arguments
        with pytest.raises(InvalidArgument) as caught:
            await client.spot.acquire_many(BOTH, given.pop("count"), **given)
        assert caught.value.field == field
        assert emulator.world.requests.total() == 0

    on(main)


A = ClusterSpec(image_name="i", gpu_type_id=A40, cloud_type="ALL")


def bids(emulator) -> list[float]:
    """All bids sent so far, in order."""
    found = (re.search(r"bidPerGpu: ?([0-9.]+)", entry.body) for entry in emulator.world.log)
    return [float(one[1]) for one in found if one]


@pytest.mark.parametrize("gpus", [1, 8])
def test_no_search_outbids_another(on, gpus):
    """Free capacity is won once, and every reported cluster runs: no bid outbids a winning one."""

    async def main(client, emulator):
        emulator.world.leave_free(A40, 2 * gpus)
        wanted = ClusterSpec(image_name="i", gpu_type_id=A40, cloud_type="ALL", gpu_count=gpus)
        settings = {"bidding": BidPolicy(ceiling=0.39), "timeout": 300}
        outcomes = await client.spot.acquire_many(wanted, 4, **settings, mode="best_effort")
        won = [outcome.value.cluster.id for outcome in outcomes if outcome.ok]
        assert len(won) == 2
        assert all(emulator.world.clusters[each].running for each in won)
        assert set(bids(emulator)) == {0.21}
        refused = [outcome.error for outcome in outcomes if not outcome.ok]
        assert all(isinstance(error, NoCapacity) and "clusters of this call hold" in str(error) for error in refused)

    on(main)


def test_all_or_nothing_does_not_outbid_itself_either(on):
    """With room for two of three, none is kept and none was displaced."""

    async def main(client, emulator):
        emulator.world.leave_free(A40, 2)
        with pytest.raises(NoCapacity):
            await client.spot.acquire_many(A, 3, bidding=BidPolicy(ceiling=0.39), timeout=60, mode="all_or_nothing")
        assert set(bids(emulator)) == {0.21}
        assert list(emulator.world.clusters) == []

    on(main)


def test_own_clusters_are_not_displaced_by_the_fixed_price_either(on):
    """Since an on-demand cluster can displace any spot cluster, the other type is rented instead."""

    async def main(client, emulator):
        emulator.world.leave_free(A40, 1)
        emulator.world.set_minimum_bid(L40S, "0.78")
        outcomes = await client.spot.acquire_many(
            BOTH,
            2,
            bidding=BidPolicy(ceiling=0.39),
            timeout=60,
            mode="all_or_nothing",
            order="prioritized",
            capacity="auto",
            on_demand_ceiling=2,
        )
        kinds = sorted((outcome.unwrap().kind, outcome.unwrap().gpu_type_id) for outcome in outcomes)
        assert kinds == [("on_demand", L40S), ("spot", A40)]
        assert all(each.running for each in emulator.world.clusters.values())

    on(main)


def test_without_prices_nothing_is_rented_on_demand_beside_own_clusters(on):
    """A sibling may just have won the free machine, so the prices are fetched again, if need be in the next round."""

    async def main(client, emulator):
        emulator.world.leave_free(A40, 1)
        emulator.faults.add(Fault("bad_gateway", operation="gpuTypes", after=2))
        settings = {"bidding": BIDDING, "timeout": 60, "capacity": "auto", "on_demand_ceiling": 2}
        outcomes = await client.spot.acquire_many(A, 2, **settings, mode="best_effort")
        assert sorted(outcome.ok for outcome in outcomes) == [False, True]
        assert emulator.world.requests["clusterFindAndDeployOnDemand"] == 0
        assert all(each.running for each in emulator.world.clusters.values())

    on(main)


def test_a_market_that_rises_is_bid_for(on):
    """A new price after a rise is not treated as caused by an own bid, so a free machine is won at it."""

    async def main(client, emulator):
        emulator.world.leave_free(A40, 1)

        def rise() -> None:
            emulator.world.leave_free(A40, -1)
            emulator.world.set_minimum_bid(A40, "0.3")

        emulator.world.later(40, rise)
        outcomes = await client.spot.acquire_many(A, 2, bidding=BIDDING, timeout=120, mode="best_effort")
        assert bids(emulator)[-1] == 0.315
        assert sorted(outcome.ok for outcome in outcomes) == [False, True]  # the first was preempted by the rise

    on(main)


@pytest.mark.parametrize(("lose", "settles"), [("preempt", 20), ("lose_host", 5)])
def test_what_was_lost_meanwhile_is_not_won(on, lose, settles):
    """A cluster that the final listing shows as lost is an error, and nothing of it stays billed."""

    async def main(client, emulator):
        def strike() -> None:
            (only,) = emulator.world.clusters.values()
            if lose == "preempt":
                emulator.world.preempt(only.id)
            else:
                emulator.world.lose_host(only.machine_id)

        emulator.faults.add(Fault("null", operation=RENT, times=None, after=1))
        emulator.world.later(20, strike)
        emulator.world.later(30, emulator.faults.clear)
        settings = {"bidding": BIDDING, "timeout": 120}
        outcomes = await client.spot.acquire_many(A, 2, **settings, mode="best_effort")
        (lost,) = [outcome.error for outcome in outcomes if not outcome.ok]
        assert isinstance(lost, NoCapacity)
        assert "was preempted or lost" in str(lost)
        assert [attempt.answer for attempt in lost.ledger] == ["won"]
        (left,) = emulator.world.clusters.values()
        assert left.running

    on(main, settle_time=settles)


def test_what_an_earlier_call_rented_is_not_terminated_when_it_is_lost(on):
    """The outcome says that the cluster stays and is billed, since its volume belongs to the earlier call."""

    async def main(client, emulator):
        settings = {"bidding": BIDDING, "mode": "best_effort", "client_token": "job"}
        (first,) = await client.spot.acquire_many(A, 1, **settings, timeout=60)
        earlier = first.unwrap().cluster.id
        emulator.faults.add(Fault("null", operation=RENT, times=None))
        emulator.world.later(20, lambda: emulator.world.preempt(earlier))
        lost, missed = await client.spot.acquire_many(A, 2, **settings, timeout=60)
        assert isinstance(lost.error, NoCapacity)
        assert "spot.recover" in str(lost.error)
        assert earlier in lost.error.billing
        assert not missed.ok
        assert list(emulator.world.clusters) == [earlier]

    on(main)


def test_all_or_nothing_is_nothing_when_one_was_lost_meanwhile(on):
    """The cluster that still runs is terminated too, and the error names the lost one."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT, times=None, after=1))
        emulator.world.later(20, lambda: emulator.world.preempt(*emulator.world.clusters))
        emulator.world.later(30, emulator.faults.clear)
        with pytest.raises(NoCapacity, match="was preempted or lost"):
            await client.spot.acquire_many(A, 2, bidding=BIDDING, timeout=120, mode="all_or_nothing")
        assert list(emulator.world.clusters) == []

    on(main)


def test_what_was_lost_and_cannot_be_terminated_is_logged(on, caplog):
    """A lost cluster that cannot be terminated is logged, since its volume may be billed."""

    async def main(client, emulator):
        emulator.faults.add(Fault("null", operation=RENT, times=None, after=1))
        emulator.world.later(20, lambda: emulator.world.preempt(*emulator.world.clusters))

        def turn() -> None:
            emulator.faults.clear()
            emulator.faults.add(Fault("bad_gateway", operation="clusterTerminate", times=None))

        emulator.world.later(30, turn)
        outcomes = await client.spot.acquire_many(A, 2, bidding=BIDDING, timeout=120, mode="best_effort")
        assert sorted(outcome.ok for outcome in outcomes) == [False, True]

    on(main, settle_time=2)
    assert "could not terminate what may run on" in caplog.text


def test_a_listing_that_fails_at_the_end_proves_nothing(on, caplog):
    """When the final listing fails, the won clusters are reported as won."""

    async def main(client, emulator):
        emulator.faults.add(Fault("bad_gateway", operation="myself", times=None))
        outcomes = await client.spot.acquire_many(A, 2, bidding=BIDDING, timeout=60, mode="all_or_nothing")
        assert all(outcome.ok for outcome in outcomes)
        emulator.faults.add(Fault("hang", operation="myself", times=None))
        began = anyio.current_time()
        outcomes = await client.spot.acquire_many(A, 2, bidding=BIDDING, timeout=60, mode="all_or_nothing")
        assert all(outcome.ok for outcome in outcomes)
        assert anyio.current_time() <= began + 31

    on(main)
    assert "could not check" in caplog.text


def test_a_stopped_cluster_of_an_earlier_call_is_neither_won_nor_ended(on):
    """A stopped cluster of an earlier call is neither won nor terminated."""

    async def main(client, emulator):
        settings = {"bidding": BIDDING, "timeout": 60, "mode": "best_effort", "client_token": "job"}
        (first,) = await client.spot.acquire_many(A, 1, **settings)
        await client.clusters.stop(first.unwrap().cluster.id)
        stopped, running = await client.spot.acquire_many(A, 2, **settings)
        assert isinstance(stopped.error, InvalidArgument)
        assert first.unwrap().cluster.id in str(stopped.error)
        assert running.ok
        assert len(emulator.world.clusters) == 2

    on(main)


def test_bids_of_lost_clusters_hold_no_search_back(on):
    """The bid of a lost cluster no longer keeps the other searches from bidding."""

    async def main(client, emulator):
        emulator.world.leave_free("NVIDIA A40", 1)

        def rise() -> None:
            emulator.world.leave_free("NVIDIA A40", -1)
            emulator.world.set_minimum_bid("NVIDIA A40", "0.215")

        emulator.world.later(30, rise)
        outcomes = await client.spot.acquire_many(A, 3, bidding=BIDDING, timeout=600, mode="best_effort")
        assert sum(outcome.ok for outcome in outcomes) == 2
        assert len(await client.clusters.list()) == 2

    on(main)


def test_without_a_listing_own_bids_still_count(on):
    """Clusters that cannot be listed still count as running and are not outbid."""

    async def main(client, emulator):
        emulator.world.leave_free("NVIDIA A40", 1)
        emulator.faults.add(Fault("bad_gateway", operation="myself", times=None))
        outcomes = await client.spot.acquire_many(A, 2, bidding=BIDDING, timeout=60, mode="best_effort")
        assert sum(outcome.ok for outcome in outcomes) == 1

    on(main)
