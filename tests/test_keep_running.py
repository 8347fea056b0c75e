"""Keeping a fleet running: one look for all, recoveries side by side, nothing twice and nothing beyond the budget."""

import json
from contextlib import aclosing
from itertools import pairwise

import anyio
import pytest

from tensorone import (
    AuthenticationError,
    BidMade,
    BidPolicy,
    BudgetReached,
    ClusterSpec,
    ConfigurationError,
    GaveUp,
    InvalidArgument,
    Moved,
    Preempted,
    Recovered,
)
from tensorone.emulator import Fault

A40, L40S = "NVIDIA A40", "NVIDIA L40S"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40, volume_in_gb=20)
BOTH = ClusterSpec(image_name="i", gpu_type_ids=[A40, L40S])
BIDDING = BidPolicy(ceiling=0.4)
RENT, BID, LIST = "clusterRentInterruptable", "clusterBidResume", "myself"


async def rented(client, count=1):
    """Ids of clusters that run."""
    found = [await client.spot.rent(SPEC, bid_per_gpu=0.25) for _ in range(count)]
    for each in found:
        await client.clusters.wait_until_running(each.id, timeout=60)
    return [each.id for each in found]


async def told(client, specs, *, until, within=600, **settings):
    """The events up to one that is waited for."""
    found = []
    async with client.spot.keep_running(specs, bidding=BIDDING, **settings) as events:
        with anyio.fail_after(within):
            async for event in events:
                found.append(event)
                if until(event):
                    break
    return found


def of(kind, count=1):
    """True at the n-th event of a kind."""
    seen = []

    def check(event) -> bool:
        if isinstance(event, kind):
            seen.append(event)
        return len(seen) == count

    return check


def take(emulator, cluster_id):
    """Lets all GPUs of a cluster's machine to others."""
    machine_id = emulator.world.clusters[cluster_id].machine_id
    (host,) = (each for each in emulator.world.hosts if each.machine_id == machine_id)
    emulator.world.occupy(machine_id, host.gpus)


def test_what_is_preempted_is_recovered_and_told(on):
    """In place, at a new bid, with one listing per interval."""

    async def main(client, emulator):
        one, two = await rented(client, 2)
        emulator.world.later(100, lambda: emulator.world.set_minimum_bid(A40, "0.3"))
        before = emulator.world.requests[LIST]
        events = await told(client, {one: SPEC, two: SPEC}, until=of(Recovered, 2))
        assert [type(event) for event in events[:2]] == [Preempted, Preempted]
        assert {event.cluster_id for event in events if isinstance(event, Recovered)} == {one, two}
        bids = [event for event in events if isinstance(event, BidMade)]
        assert {(float(event.bid_per_gpu), event.answer) for event in bids} == {(0.315, "started")}
        assert all(emulator.world.clusters[each].running for each in (one, two))
        assert emulator.world.requests[LIST] - before <= 100 / 15 + 3
        assert emulator.world.requests[BID] == 2

    on(main)


def test_a_preemption_while_booting_is_noticed(on):
    """The container was not up yet."""

    async def main(client, emulator):
        cluster = await client.spot.rent(SPEC, bid_per_gpu=0.25)
        emulator.world.later(1, lambda: emulator.world.preempt(cluster.id))
        events = await told(client, {cluster.id: SPEC}, until=of(Recovered))
        assert events[0].while_booting

    on(main)


def test_what_cannot_be_recovered_here_moves_if_allowed(on):
    """Once, and under its new id it is kept running too."""

    async def main(client, emulator):
        (old,) = await rented(client)
        await client.clusters.stop(old)
        take(emulator, old)
        states = []
        async with client.spot.keep_running(
            {old: SPEC}, bidding=BIDDING, strategy="replace_same", on_state=states.append
        ) as events:
            async with aclosing(aiter_of(events)) as stream:
                found = [event async for event in until_kind(stream, Moved)]
                new = found[-1].cluster_id
                assert found[-1].old_cluster_id == old
                emulator.world.preempt(new)
                found = [event async for event in until_kind(stream, Recovered)]
                assert found[-1].cluster_id == new
            assert json.loads(events.state)["members"][0]["origin"] == old
        assert sorted(emulator.world.clusters) == sorted([old, new])
        assert states[-1] == events.state

    on(main)


async def aiter_of(events):
    """The events, as a generator that can be closed."""
    async for event in events:
        yield event


async def until_kind(stream, kind):
    """Events up to one of a kind."""
    async for event in stream:
        yield event
        if isinstance(event, kind):
            return


def test_a_crash_in_the_middle_of_a_move_rents_nothing_twice(on):
    """The saved state has the number from which the replacement's token is made."""

    async def main(client, emulator):
        (old,) = await rented(client)
        await client.clusters.terminate(old)
        states = []
        settings = {"bidding": BIDDING, "strategy": "replace_same", "on_state": states.append}

        async def crash() -> None:
            async with client.spot.keep_running({old: SPEC}, **settings) as events:
                async for event in events:
                    if isinstance(event, Moved):
                        return

        await crash()
        (new,) = emulator.world.clusters
        before_the_end = next(state for state in states if json.loads(state)["members"][0]["phase"] == "recovering")
        events = await told(client, {old: SPEC}, until=of(Moved), strategy="replace_same", state=before_the_end)
        assert events[-1].cluster_id == new
        assert list(emulator.world.clusters) == [new]

    on(main)


def test_a_cancelled_turn_is_taken_up(on):
    """What was rented for nobody is gone, and the next turn recovers."""

    async def main(client, emulator):
        (old,) = await rented(client)
        await client.clusters.terminate(old)
        emulator.faults.add(Fault("hang", operation=RENT, commit=True))
        async with client.spot.keep_running({old: SPEC}, bidding=BIDDING, strategy="replace_same") as events:
            assert isinstance(await anext(events), Preempted)
            with anyio.move_on_after(20) as scope:
                await anext(events)
            if scope.cancelled_caught:
                await anyio.sleep(60)
            while not isinstance(event := await anext(events), Moved):
                pass
        assert list(emulator.world.clusters) == [event.cluster_id]

    on(main)


def test_failed_looks_are_survived_and_a_wrong_key_is_not(on):
    """A look that cannot pass is raised, and the iterator may be asked again."""

    async def main(client, emulator):
        (one,) = await rented(client)
        emulator.faults.add(Fault("bad_gateway", operation=LIST, times=3))
        emulator.world.later(30, lambda: emulator.world.preempt(one))
        async with client.spot.keep_running({one: SPEC}, bidding=BIDDING) as events:
            assert isinstance(await anext(events), Preempted)
            emulator.faults.add(Fault("server_error", operation=LIST, status=401))
            while True:
                try:
                    event = await anext(events)
                except AuthenticationError:
                    break
                assert isinstance(event, BidMade | Recovered)

    on(main)


def test_a_flapping_market_is_met_with_back_off(on):
    """Each attempt in a row comes later than the one before."""

    async def main(client, emulator):
        (one,) = await rented(client)
        emulator.faults.add(Fault("null", operation=BID, times=None))
        await client.clusters.stop(one)
        take(emulator, one)
        async with client.spot.keep_running({one: SPEC}, bidding=BIDDING) as events:
            with anyio.move_on_after(1000):
                async for _ in events:
                    pass
        at = [entry.at for entry in emulator.world.log if BID in entry.root_fields]
        gaps = [later - earlier for earlier, later in pairwise(at)]
        assert 4 <= len(at) <= 8
        assert gaps[-1] > gaps[0]

    on(main)


def test_the_budget_stops_the_bidding_and_nothing_else(on):
    """It is told once; what runs goes on running."""

    async def main(client, emulator):
        one, two = await rented(client, 2)
        emulator.world.later(1000, lambda: emulator.world.preempt(one))
        before = emulator.world.requests[BID]
        events = await told(client, {one: SPEC, two: SPEC}, until=of(BudgetReached), within=7200, budget=0.2)
        assert events[-1].limit == "budget"
        assert float(events[-1].spent) >= 0.2
        assert emulator.world.clusters[two].running
        assert emulator.world.requests[BID] - before <= 1

    on(main)


def test_who_gives_up_says_so_and_the_iterator_ends(on):
    """A terminated cluster stays gone where nothing may replace it; a market above the ceiling may be given up."""

    async def main(client, emulator):
        one, two = await rented(client, 2)
        await client.clusters.terminate(one)
        emulator.world.set_minimum_bid(A40, "0.5")
        bidding = BidPolicy(ceiling=0.4, above_ceiling="give_up")
        async with client.spot.keep_running({one: SPEC, two: SPEC}, bidding=bidding) as events:
            found = [event async for event in events]
        gone = {event.cluster_id: event for event in found if isinstance(event, GaveUp)}
        assert set(gone) == {one, two}
        assert "was terminated" in gone[one].reason
        assert emulator.world.requests[BID] == 0

    on(main)


def test_recoveries_run_side_by_side_within_their_width(on):
    """Slow ones do not wait for each other, and no more run than allowed."""

    async def main(client, emulator):
        ids = await rented(client, 6)
        emulator.world.set_minimum_bid(A40, "0.3")
        emulator.faults.add(Fault("delay", operation=BID, seconds=5, times=None))
        await told(client, dict.fromkeys(ids, SPEC), until=of(Recovered, 6), width=3)
        at = [entry.at for entry in emulator.world.log if BID in entry.root_fields]
        assert at[2] - at[0] < 1
        assert at[3] - at[0] > 4

    on(main)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"specs": {}}, "specs"),
        ({"specs": ["a"]}, "specs"),
        ({"specs": {"a": "A40"}}, "spec"),
        ({"specs": {"a": ClusterSpec(image_name="i", gpu_count=0)}}, "gpu_count"),
        ({"specs": {"": SPEC}}, "cluster_id"),
        ({"bidding": 0.4}, "bidding"),
        ({"width": 0}, "width"),
        ({"budget": -1}, "budget"),
        ({"every": 0}, "every"),
        ({"state": "no"}, "state"),
    ],
)
def test_bad_input_is_named(on, arguments, field):
    """When it is made."""

    async def main(client, emulator):
        given = {"specs": {"a": SPEC}, "bidding": BIDDING} | arguments
        with pytest.raises(InvalidArgument) as caught:
            client.spot.keep_running(given.pop("specs"), **given)
        assert caught.value.field == field

    on(main)


def test_a_state_needs_the_specs_of_its_clusters(on):
    """Others are new; and outside of its block the iterator does nothing."""

    async def main(client, emulator):
        kept = client.spot.keep_running({"a": SPEC, "b": SPEC}, bidding=BIDDING)
        with pytest.raises(InvalidArgument, match="no spec for b"):
            client.spot.keep_running({"a": SPEC}, bidding=BIDDING, state=kept.state)
        more = client.spot.keep_running({"a": SPEC, "b": SPEC, "c": BOTH}, bidding=BIDDING, state=kept.state)
        assert [member["origin"] for member in json.loads(more.state)["members"]] == ["a", "b", "c"]
        with pytest.raises(ConfigurationError, match="inside its block"):
            await anext(more)

    on(main)


def test_a_replacement_that_is_not_to_be_had_is_tried_again_later(on):
    """One round of attempts each time; when there is capacity again, it moves."""

    async def main(client, emulator):
        (old,) = await rented(client)
        await client.clusters.terminate(old)
        emulator.world.sell_out(A40)
        emulator.world.later(100, lambda: emulator.world.leave_free(A40, -1))
        events = await told(client, {old: SPEC}, until=of(Moved), strategy="replace_same")
        assert [type(event) for event in events] == [Preempted, BidMade, Moved]
        assert anyio.current_time() > 100

    on(main)
