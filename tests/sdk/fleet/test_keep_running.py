"""Keeping a fleet running: one poll for all, recoveries side by side, nothing twice and nothing beyond the budget."""

import json
from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal
from functools import partial
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
    StatusUnknown,
)
from tensorone.emulator import Fault

A40, L40S = "NVIDIA A40", "NVIDIA L40S"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40, volume_in_gb=20)
BOTH = ClusterSpec(image_name="i", gpu_type_ids=[A40, L40S])
BIDDING = BidPolicy(ceiling=0.4)
RENT, BID, LIST = "clusterRentInterruptable", "clusterBidResume", "myself"


async def rented(client, count=1):
    """Ids of running clusters."""
    found = [await client.spot.rent(SPEC, bid_per_gpu=0.25) for _ in range(count)]
    for each in found:
        await client.clusters.wait_until_running(each.id, timeout=60)
    return [each.id for each in found]


async def reported(client, specs, *, until, within=600, **settings):
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
    """Rents all GPUs of a cluster's machine to others."""
    machine_id = emulator.world.clusters[cluster_id].machine_id
    (host,) = (each for each in emulator.world.hosts if each.machine_id == machine_id)
    emulator.world.occupy(machine_id, host.gpus)


def test_what_is_preempted_is_recovered_and_reported(on):
    """In place, at a new bid, with one listing per interval."""

    async def main(client, emulator):
        one, two = await rented(client, 2)
        emulator.world.later(100, lambda: emulator.world.set_minimum_bid(A40, "0.3"))
        before = emulator.world.requests[LIST]
        events = await reported(client, {one: SPEC, two: SPEC}, until=of(Recovered, 2))
        assert [type(event) for event in events[:2]] == [Preempted, Preempted]
        assert {event.cluster_id for event in events if isinstance(event, Recovered)} == {one, two}
        bids = [event for event in events if isinstance(event, BidMade)]
        assert {(float(event.bid_per_gpu), event.answer) for event in bids} == {(0.315, "started")}
        assert all(emulator.world.clusters[each].running for each in (one, two))
        assert emulator.world.requests[LIST] - before <= 100 / 15 + 3
        assert emulator.world.requests[BID] == 2

    on(main)


def test_a_preemption_while_booting_is_noticed(on):
    """A cluster that is preempted before its container is up is recovered too."""

    async def main(client, emulator):
        cluster = await client.spot.rent(SPEC, bid_per_gpu=0.25)
        emulator.world.later(1, lambda: emulator.world.preempt(cluster.id))
        events = await reported(client, {cluster.id: SPEC}, until=of(Recovered))
        assert events[0].while_booting

    on(main)


@pytest.mark.parametrize("moves", [False, True])
def test_a_start_whose_answer_has_errors_too_is_no_reason_to_give_up(on, moves):
    """The answer names the cluster, so it was started; if nobody can see it at first, the next rounds find it."""

    async def main(client, emulator):
        (old,) = await rented(client)
        await (client.clusters.terminate if moves else client.clusters.stop)(old)
        settings = {"strategy": "replace_same", "bids": {old: 0.25}}
        async with client.spot.keep_running({old: SPEC}, bidding=BIDDING, **settings) as events:
            assert isinstance(await anext(events), Preempted)
            emulator.faults.add(Fault("data_with_errors", operation=RENT if moves else BID))
            for field in ("cluster", LIST):
                emulator.faults.add(Fault("graphql_error", operation=field, after=2 if moves else 0, times=10))
            while not isinstance(event := await anext(events), Moved if moves else Recovered):
                assert not isinstance(event, GaveUp)
        assert emulator.world.requests[RENT] == (2 if moves else 1)
        assert emulator.world.clusters[event.cluster_id].running

    on(main)


def test_what_cannot_be_ended_holds_up_no_poll(on, caplog):
    """All that was left behind is ended side by side, for so long at most, and again after the next poll."""

    async def main(client, emulator):
        ids = await rented(client, 6)
        for each in ids:
            await client.clusters.stop(each)
        for host in emulator.world.hosts:
            if host.gpu_type_id == A40:
                emulator.world.occupy(host.machine_id, host.gpus)
        emulator.faults.add(Fault("bad_gateway", operation="clusterTerminate", times=200))
        settings = {"strategy": "replace_next", "left_behind": "terminate", "bids": dict.fromkeys(ids, 0.25)}
        first = len(emulator.world.log)
        async with client.spot.keep_running(dict.fromkeys(ids, BOTH), bidding=BIDDING, **settings) as events:
            with anyio.move_on_after(300):
                [_ async for _ in events]
            assert events.left_behind == ()
        looks = [each.at for each in list(emulator.world.log)[first:] if LIST in each.root_fields]
        assert max(later - earlier for earlier, later in pairwise(looks)) <= 2 * 15 + 1
        assert sorted(emulator.world.clusters) == sorted(
            each.id for each in emulator.world.clusters.values() if each.running
        )
        assert "duplicates" not in caplog.text

    on(main)


@pytest.mark.parametrize("moves", [False, True])
def test_a_preemption_soon_after_a_recovery_is_noticed_by_the_next_poll(on, moves):
    """Also within `settle_time`: only what a listing from before the recovery would show may be such a listing."""

    async def main(client, emulator):
        (old,) = await rented(client)
        await (client.clusters.terminate if moves else client.clusters.stop)(old)
        settings = {"every": 3, "strategy": "replace_same", "bids": {old: 0.25}}
        async with client.spot.keep_running({old: SPEC}, bidding=BIDDING, **settings) as events:
            while not isinstance(event := await anext(events), Moved if moves else Recovered):
                pass
            lost = event.at + (0.1 if moves else 4)  # before any listing shows it, and after one
            emulator.world.later(lost - event.at, lambda: emulator.world.preempt(event.cluster_id))
            while not isinstance(found := await anext(events), Preempted):
                pass
        assert found.cluster_id == event.cluster_id
        assert lost <= found.at <= lost + 2 * 3

    on(main)


def test_what_cannot_be_recovered_here_moves_if_allowed(on):
    """The cluster moves once, and its replacement is kept running under its new id."""

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
        events = await reported(client, {old: SPEC}, until=of(Moved), strategy="replace_same", state=before_the_end)
        assert events[-1].cluster_id == new
        assert list(emulator.world.clusters) == [new]

    on(main)


def test_a_cancellation_lets_a_rental_come_to_its_end(on):
    """For as long as undoing it could take; what came of it is in the state, and reported when asked again."""

    async def main(client, emulator):
        (old,) = await rented(client)
        await client.clusters.terminate(old)
        emulator.faults.add(Fault("delay", operation=RENT, seconds=8, times=None))
        found = await asked_with(2, client, {old: SPEC}, until=of(Moved), strategy="replace_same")
        assert [type(event) for event in found] == [Preempted, BidMade, Moved]
        assert emulator.world.requests[RENT] == 2
        assert list(emulator.world.clusters) == [found[-1].cluster_id]

    on(main)


def test_a_cancelled_rental_that_takes_too_long_is_undone(on):
    """A rental that takes too long is undone, leaves nothing, and is tried again."""

    async def main(client, emulator):
        (old,) = await rented(client)
        await client.clusters.terminate(old)
        emulator.faults.add(Fault("hang", operation=RENT, commit=True))
        async with client.spot.keep_running({old: SPEC}, bidding=BIDDING, strategy="replace_same") as events:
            assert isinstance(await anext(events), Preempted)
            began = anyio.current_time()
            with anyio.move_on_after(2) as scope:
                await anext(events)
            assert scope.cancelled_caught
            assert anyio.current_time() - began <= 2 + 2 * 20
            assert not emulator.world.clusters
            while not isinstance(event := await anext(events), Moved):
                pass
        assert list(emulator.world.clusters) == [event.cluster_id]

    on(main, timeout=100)


async def asked_with(patience, client, specs, *, until, within=3600, **settings):
    """The events, read with many short timeouts."""
    found, begun = [], anyio.current_time()
    async with client.spot.keep_running(specs, bidding=BIDDING, **settings) as events:
        while anyio.current_time() - begun < within:
            with anyio.move_on_after(patience):
                found.append(await anext(events))
                if until(found[-1]):
                    break
    return found


@pytest.mark.parametrize("patience", [2, 10, 14])
def test_little_patience_loses_nothing(on, patience):
    """A cancelled call loses nothing, since all knowledge is in the state."""

    async def main(client, emulator):
        (old,) = await rented(client)
        emulator.world.later(20, lambda: emulator.world.lose_host(emulator.world.clusters[old].machine_id))
        began = anyio.current_time()
        found = await asked_with(patience, client, {old: SPEC}, until=of(Moved), strategy="replace_same")
        assert [type(event) for event in found] == [Preempted, BidMade, Moved]
        assert anyio.current_time() - began < 90

    on(main)


@pytest.mark.parametrize(
    "kind",
    ["bad_gateway", "garbage", "null", "truncate", "internal_error", "server_error", "rate_limited", "close", "hang"],
)
def test_a_poll_that_fails_is_survived(on, kind):
    """In whichever way, once or twice; then the next one counts."""

    async def main(client, emulator):
        (one,) = await rented(client)
        emulator.faults.add(Fault(kind, operation=LIST, times=2))
        emulator.world.later(30, lambda: emulator.world.preempt(one))
        events = await reported(client, {one: SPEC}, until=of(Recovered))
        assert [type(event) for event in events] == [Preempted, BidMade, Recovered]

    on(main)


def test_polls_that_go_on_failing_are_raised(on):
    """A wrong key at the third in a row; and the iterator may be asked again."""

    async def main(client, emulator):
        (one,) = await rented(client)
        emulator.faults.add(Fault("server_error", operation=LIST, status=401, times=3))
        async with client.spot.keep_running({one: SPEC}, bidding=BIDDING) as events:
            await anyio.sleep(1)
            began = anyio.current_time()
            with pytest.raises(AuthenticationError):
                await anext(events)
            assert 25 <= anyio.current_time() - began <= 50
            emulator.world.preempt(one)
            assert isinstance(await anext(events), Preempted)

    on(main)


def test_a_flapping_market_triggers_back_off(on):
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
    """It is reported once; what runs goes on running."""

    async def main(client, emulator):
        one, two = await rented(client, 2)
        emulator.world.later(1000, lambda: emulator.world.preempt(one))
        before = emulator.world.requests[BID]
        events = await reported(client, {one: SPEC, two: SPEC}, until=of(BudgetReached), within=7200, budget=0.2)
        assert events[-1].limit == "budget"
        assert float(events[-1].spent) >= 0.2
        assert emulator.world.clusters[two].running
        assert emulator.world.requests[BID] - before <= 1

    on(main)


def test_who_gives_up_says_so_and_the_iterator_ends(on):
    """A terminated cluster stays gone if it may not be replaced; a market above the ceiling may be given up."""

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
    """Slow recoveries do not delay each other, and at most `width` run at once."""

    async def main(client, emulator):
        ids = await rented(client, 6)
        emulator.world.set_minimum_bid(A40, "0.3")
        emulator.faults.add(Fault("delay", operation=BID, seconds=5, times=None))
        await reported(client, dict.fromkeys(ids, SPEC), until=of(Recovered, 6), width=3)
        at = [entry.at for entry in emulator.world.log if BID in entry.root_fields]
        assert at[2] - at[0] < 1
        assert at[3] - at[0] > 4

    on(main)


def test_slow_recoveries_delay_no_poll(on):
    """No round begins when the next poll is due; those that had to wait are the first then."""

    async def main(client, emulator):
        ids = await rented(client, 8)
        emulator.world.set_minimum_bid(A40, "0.3")
        emulator.faults.add(Fault("delay", operation=BID, seconds=6, times=None))
        before = len(emulator.world.log)
        await reported(client, dict.fromkeys(ids, SPEC), until=of(Recovered, 8), width=1)
        log = list(emulator.world.log)[before:]
        polls = [entry.at for entry in log if LIST in entry.root_fields]
        assert max(later - earlier for earlier, later in pairwise(polls)) <= 15 + 6
        assert emulator.world.requests[BID] == 8

    on(main)


def test_a_market_above_the_ceiling_delays_nobody(on):
    """Its clusters take no place while they wait, and cost one request per poll, all together."""

    async def main(client, emulator):
        stuck = await rented(client, 12)
        free = await client.spot.rent(ClusterSpec(image_name="i", gpu_type_id=L40S), bid_per_gpu=0.35)
        specs = {**dict.fromkeys(stuck, SPEC), free.id: ClusterSpec(image_name="i", gpu_type_id=L40S)}

        def event() -> None:
            emulator.world.set_minimum_bid(A40, "0.5")
            emulator.world.preempt(free.id)

        emulator.world.later(20, event)
        emulator.world.later(500, lambda: emulator.world.set_minimum_bid(A40, "0.2"))
        began, prices = anyio.current_time(), emulator.world.requests["gpuTypes"]
        back = {}
        async with client.spot.keep_running(specs, bidding=BIDDING) as events:
            async for each in events:
                if isinstance(each, Recovered):
                    back[each.cluster_id] = anyio.current_time() - began
                if len(back) == 13:
                    break
        assert back.pop(free.id) <= 20 + 15
        assert max(back.values()) <= 500 + 15
        polls = [entry.at for entry in emulator.world.log if LIST in entry.root_fields]
        assert max(later - earlier for earlier, later in pairwise(polls)) <= 15.1
        assert emulator.world.requests["gpuTypes"] - prices <= 500 / 15 + 3

    on(main)


def test_a_cluster_that_moved_is_bid_for_at_the_prices_of_its_own_type(on):
    """The state has the GPU type, also across a crash."""

    async def main(client, emulator):
        wanted = ClusterSpec(image_name="i", gpu_type_ids=[L40S, A40], volume_in_gb=20)
        bidding = BidPolicy(ceiling=0.7)
        rental = await client.spot.acquire(wanted, bidding=bidding, timeout=60)
        assert rental.gpu_type_id == L40S
        emulator.world.set_minimum_bid(L40S, "0.75")
        settings = {"bidding": bidding, "strategy": "replace_next"}
        specs = {rental.cluster.id: rental.spec}
        async with client.spot.keep_running(specs, **settings) as events:
            while not isinstance(moved := await anext(events), Moved):
                pass
            left = moved.left_behind
            assert (left.old_cluster_id, left.volume_cost_per_month) == (rental.cluster.id, 4)
            emulator.world.set_minimum_bid(L40S, "0.6")
            emulator.world.preempt(moved.cluster_id)
        async with client.spot.keep_running(specs, **settings, state=events.state) as events:
            while not isinstance(event := await anext(events), Recovered):
                pass
        assert (event.cluster_id, float(event.bid_per_gpu)) == (moved.cluster_id, 0.21)

    on(main)


def test_a_type_that_a_crash_left_unknown_is_bid_for_at_the_lowest_prices(on):
    """What was rented and not reported is found by its token, which does not name its type."""

    async def main(client, emulator):
        wanted = ClusterSpec(image_name="i", gpu_type_ids=[L40S, A40], volume_in_gb=20)
        rental = await client.spot.acquire(wanted, bidding=BidPolicy(ceiling=0.7), timeout=60)
        emulator.world.set_minimum_bid(L40S, "0.75")
        settings = {"bidding": BidPolicy(ceiling=0.7), "strategy": "replace_next"}
        specs, states = {rental.cluster.id: rental.spec}, []
        async with client.spot.keep_running(specs, **settings, on_state=states.append) as events:
            while not isinstance(await anext(events), Moved):
                pass
        crashed = next(state for state in states if json.loads(state)["members"][0]["phase"] == "recovering")
        emulator.world.set_minimum_bid(L40S, "0.6")
        await anyio.sleep(20)
        async with client.spot.keep_running(specs, **settings, state=crashed) as events:
            moved = await anext(events)
            while not isinstance(moved, Moved):
                moved = await anext(events)
            assert moved.left_behind.volume_stays
            emulator.world.preempt(moved.cluster_id)
            while not isinstance(event := await anext(events), Recovered):
                pass
        assert (event.cluster_id, float(event.bid_per_gpu)) == (moved.cluster_id, 0.21)
        assert [each.running for each in emulator.world.clusters.values()] == [False, True]

    on(main)


def test_a_fleet_without_its_state_does_not_take_a_member_for_a_replacement(on):
    """A member may carry the token of a move of an earlier fleet."""

    async def main(client, emulator):
        (one,) = await rented(client)
        other = await client.spot.rent(SPEC, bid_per_gpu=0.25, client_token=f"keep-{one}-0")
        await client.clusters.stop(one)
        specs = {one: SPEC, other.id: SPEC}
        (*_, back) = await reported(client, specs, until=of(Recovered), strategy="replace_same")
        assert back.cluster_id == one
        await client.clusters.terminate(one)
        (*_, moved) = await reported(client, specs, until=of(Moved), strategy="replace_same", bids={one: 0.21})
        assert moved.old_cluster_id == one
        assert sorted(emulator.world.clusters) == sorted([other.id, moved.cluster_id])

    on(main)


def test_a_state_of_the_first_version_gets_the_types_of_its_specs(on):
    """Only clusters that never moved get the types of their specs, since the first version saved no types."""

    async def main(client, emulator):
        state = json.loads(client.spot.keep_running({"a": SPEC, "b": SPEC}, bidding=BIDDING).state)
        for member in state["members"]:
            del member["gpu_type_id"]
        state["members"][1]["cluster_id"] = "c"
        old = json.dumps(state | {"version": 1})
        kept = client.spot.keep_running({"a": SPEC, "b": SPEC}, bidding=BIDDING, state=old)
        assert [member["gpu_type_id"] for member in json.loads(kept.state)["members"]] == [A40, None]

    on(main)


def test_a_lost_machine_is_replaced_by_the_same_type_where_that_is_free(on):
    """`replace_next` tries any type in the given order, the cluster's own first."""

    async def main(client, emulator):
        rental = await client.spot.acquire(BOTH, bidding=BIDDING, timeout=60)
        await client.clusters.list()
        emulator.world.later(20, lambda: emulator.world.lose_host(rental.cluster.machine_id))
        (*_, moved) = await reported(
            client, {rental.cluster.id: rental.spec}, until=of(Moved), strategy="replace_next", order="lowest_price"
        )
        assert float(moved.bid_per_gpu) == 0.21
        assert not moved.left_behind.volume_stays

    on(main)


def test_the_fleet_does_not_outbid_itself(on):
    """With two GPUs for three clusters, the third waits for room, and the bids stay the same."""

    async def main(client, emulator):
        emulator.world.leave_free(A40, 3)
        rentals = [await client.spot.acquire(SPEC, bidding=BIDDING, timeout=60) for _ in range(3)]
        ids = [rental.cluster.id for rental in rentals]
        bids = {rental.cluster.id: rental.bid_per_gpu for rental in rentals}
        emulator.world.preempt(ids[0])
        emulator.world.leave_free(A40, 0)
        emulator.world.later(1000, lambda: emulator.world.leave_free(A40, -1))
        for strategy in ("in_place", "replace_same"):
            async with client.spot.keep_running(
                dict.fromkeys(ids, SPEC), bidding=BIDDING, bids=bids, strategy=strategy
            ) as events:
                assert isinstance(await anext(events), Preempted)
                with anyio.move_on_after(300):
                    async for _ in events:
                        raise AssertionError("it bids against itself")
        assert [emulator.world.clusters[each].running for each in ids] == [False, True, True]
        (*_, back) = await reported(client, dict.fromkeys(ids, SPEC), until=of(Recovered), bids=bids, within=1000)
        assert float(back.bid_per_gpu) == 0.21
        assert all(emulator.world.clusters[each].running for each in ids)

    on(main)


def test_a_reader_that_takes_its_time_is_not_acted_for_on_old_news(on):
    """What was stopped at the poll is read again: here somebody else started it."""

    async def main(client, emulator):
        (one,) = await rented(client)
        await client.clusters.stop(one)
        async with client.spot.keep_running({one: SPEC}, bidding=BIDDING) as events:
            assert isinstance(await anext(events), Preempted)
            await anyio.sleep(20)
            await client.spot.resume(one, bid_per_gpu=0.25, gpu_count=1)
            event = await anext(events)
        assert (type(event), event.bid_per_gpu) == (Recovered, None)
        assert emulator.world.requests[BID] == 1

    on(main)


def test_a_mistyped_id_rents_nothing(on):
    """A mistyped id is given up, whatever the strategy."""

    async def main(client, emulator):
        (one,) = await rented(client)
        (event,) = await reported(client, {one: SPEC, "typo": SPEC}, until=of(GaveUp), strategy="replace_next")
        assert event.cluster_id == "typo"
        assert list(emulator.world.clusters) == [one]

    on(main)


def test_a_limit_of_the_client_is_no_bid(on):
    """It is reported as a budget that was reached, once, and passes."""

    async def main(client, emulator):
        (one,) = await rented(client)
        scope = client.limited(max_hourly_spend=0.4)
        other = await scope.spot.rent(SPEC, bid_per_gpu=0.25)
        await client.clusters.stop(one)
        emulator.world.later(300, lambda: emulator.world.stop(other.id))
        events = await reported(scope, {one: SPEC}, until=of(Recovered), within=900)
        assert [type(event) for event in events] == [Preempted, BudgetReached, BidMade, Recovered]
        assert events[1].limit == "max_hourly_spend"

    on(main)


def test_what_no_bid_can_fix_is_given_up(on):
    """The account's credit; an answer without a reason is tried again."""

    async def main(client, emulator):
        (one,) = await rented(client)
        await client.clusters.stop(one)
        emulator.faults.add(Fault("null", operation=BID))
        events = await reported(client, {one: SPEC}, until=of(Recovered))
        assert [type(event) for event in events] == [Preempted, BidMade, BidMade, Recovered]
        emulator.world.preempt(one)
        emulator.world.pay_in(str(Decimal("0.05") - emulator.world.balance))
        events = await reported(client, {one: SPEC}, until=of(GaveUp))
        assert [type(event) for event in events] == [Preempted, BidMade, GaveUp]
        assert "add funds" in events[-1].reason

    on(main)


def test_the_gpus_of_a_machine_are_waited_for_before_it_moves(on):
    """The fleet waits for the machine's GPUs as long as allowed, and takes no place meanwhile."""

    async def main(client, emulator):
        (old,) = await rented(client)
        await client.clusters.stop(old)
        take(emulator, old)
        began = anyio.current_time()
        settings = {"strategy": "replace_same", "wait_for_gpus": 100}
        (*_, moved) = await reported(client, {old: SPEC}, until=of(Moved), **settings)
        assert moved.old_cluster_id == old
        assert 100 <= anyio.current_time() - began <= 130

    on(main)


def test_data_may_be_saved_without_gpus(on):
    """The event says that the cluster runs without GPUs."""

    async def main(client, emulator):
        (old,) = await rented(client)
        await client.clusters.stop(old)
        take(emulator, old)
        (*_, back) = await reported(client, {old: SPEC}, until=of(Recovered), start_without_gpus=True)
        assert (back.cluster_id, back.without_gpus) == (old, True)
        assert emulator.world.clusters[old].gpu_count == 0

    on(main)


def test_an_unknown_status_is_reported(on):
    """Nothing is done about it."""

    async def main(client, emulator):
        (one,) = await rented(client)
        emulator.faults.add(Fault("unknown_enum", operation=LIST, times=3))
        emulator.world.later(60, lambda: emulator.world.preempt(one))
        events = await reported(client, {one: SPEC}, until=of(Recovered))
        assert [type(event) for event in events] == [StatusUnknown, Preempted, BidMade, Recovered]

    on(main)


def test_a_state_that_cannot_be_saved_costs_no_event(on):
    """After a poll nothing is done; after a round what was done is reported by the next call."""

    async def main(client, emulator):
        (one,) = await rented(client)
        await client.clusters.stop(one)
        calls = []

        def store(state) -> None:
            calls.append(state)
            if len(calls) in (1, 3):
                raise OSError("disk full")

        found = []
        async with client.spot.keep_running({one: SPEC}, bidding=BIDDING, on_state=store) as events:
            with pytest.raises(OSError, match="disk full"):
                await anext(events)
            assert emulator.world.requests[BID] == 0
            found.append(await anext(events))
            with pytest.raises(OSError, match="disk full"):
                await anext(events)
            found += [await anext(events), await anext(events)]
        assert [type(event) for event in found] == [Preempted, BidMade, Recovered]

    on(main)


async def store_later(state) -> None:
    """A hook that would never be awaited."""


class Awaited:
    """An object of the same kind."""

    async def __call__(self, state) -> None:
        """Would never be awaited either."""


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
        ({"bids": {"a": -1}}, "bids"),
        ({"bids": {"b": 0.2}}, "bids"),
        ({"on_state": 5}, "on_state"),
        ({"on_state": store_later}, "on_state"),
        ({"on_state": partial(store_later)}, "on_state"),
        ({"on_state": Awaited()}, "on_state"),
        ({"expires_in": -5}, "expires_in"),
        ({"specs": {"a": replace(SPEC, cloud_type="ALL")}, "cloud_types": ["SECURE"]}, "cloud_types"),
        ({"wait_for_gpus": -1}, "wait_for_gpus"),
    ],
)
def test_bad_input_is_named(on, arguments, field):
    """Invalid input is refused by name when the iterator is created."""

    async def main(client, emulator):
        given = {"specs": {"a": SPEC}, "bidding": BIDDING} | arguments
        with pytest.raises(InvalidArgument) as caught:
            client.spot.keep_running(given.pop("specs"), **given)
        assert caught.value.field == field

    on(main)


def test_a_state_needs_the_specs_of_its_clusters(on):
    """Clusters without a saved state are new; outside its block the iterator refuses to work."""

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
    """Each poll leads to one round of attempts, and when there is capacity again, the cluster moves."""

    async def main(client, emulator):
        (old,) = await rented(client)
        await client.clusters.terminate(old)
        emulator.world.sell_out(A40)
        emulator.world.later(100, lambda: emulator.world.leave_free(A40, -1))
        events = await reported(client, {old: SPEC}, until=of(Moved), strategy="replace_same")
        assert [type(event) for event in events] == [Preempted, BidMade, Moved]
        assert anyio.current_time() > 100

    on(main)


def test_a_replacement_that_came_far_too_late_is_ended(on):
    """It was rented again meanwhile: of two that carry one token, the fleet keeps its own."""

    async def main(client, emulator):
        (old,) = await rented(client)
        emulator.world.later(20, lambda: emulator.world.lose_host(emulator.world.clusters[old].machine_id))
        emulator.faults.add(Fault("commit_late", operation=RENT, seconds=60))
        bids, found = {old: 0.25}, []
        async with client.spot.keep_running({old: SPEC}, bidding=BIDDING, strategy="replace_same", bids=bids) as events:
            with anyio.move_on_after(600):
                async for event in events:
                    found.append(event)  # noqa: PERF401 - it ends by a cancellation
        assert emulator.world.requests[RENT] == 3
        (moved,) = [event for event in found if isinstance(event, Moved)]
        running = [cluster.id for cluster in emulator.world.clusters.values() if cluster.running]
        assert running == [moved.cluster_id]
        assert emulator.world.requests["clusterTerminate"] == 1

    on(main)


@pytest.mark.parametrize(
    ("spec", "clouds", "field", "words"),
    [
        ({"gpu_type_id": "A40"}, None, "gpu_type_id", "did you mean 'NVIDIA A40'"),
        ({"gpu_type_ids": [A40, "NVIDIA L4O"]}, None, "gpu_type_id", "there is no GPU type 'NVIDIA L4O'"),
        ({"gpu_type_id": A40, "cloud_type": "COMMUNITY"}, None, "cloud_type", "offered in SECURE only"),
        ({"gpu_type_id": A40}, ["COMMUNITY"], "cloud_types", "offered in SECURE only"),
    ],
)
def test_what_could_never_be_rented_is_told_at_the_start(on, spec, clouds, field, words):
    """And not hours later, with the first preemption."""

    async def main(client, emulator):
        (cluster_id,) = await rented(client)
        emulator.world.preempt(cluster_id)
        wanted = {cluster_id: ClusterSpec(image_name="i", **spec)}
        with pytest.raises(InvalidArgument, match=words) as caught:
            await reported(client, wanted, until=of(Moved), strategy="replace_next", cloud_types=clouds)
        assert caught.value.field == field
        assert (emulator.world.requests[RENT], emulator.world.requests[BID]) == (1, 0)

    on(main)


def test_a_fleet_of_before_does_not_depend_on_the_catalogue(on):
    """A type that is no longer listed, or a catalogue that cannot be read, stops no fleet."""

    async def main(client, emulator):
        (cluster_id,) = await rented(client)
        emulator.world.preempt(cluster_id)
        states = []
        emulator.faults.add(Fault("internal_error", operation="ListGpuTypes"))
        await reported(client, {cluster_id: BOTH}, until=of(Recovered), on_state=states.append, cloud_types=["ALL"])
        asked = sum("ListGpuTypes" in line for line in emulator.access_log)
        emulator.world.preempt(cluster_id)
        await reported(client, {cluster_id: BOTH}, until=of(Recovered), state=states[-1])
        assert sum("ListGpuTypes" in line for line in emulator.access_log) == asked == 1

    on(main)
