"""A fleet whose process is killed again and again: what was sent, what was left behind and what was not read."""

import json
import random
from contextlib import suppress

import anyio
import httpx
import pytest

from tensorone import BidMade, BidPolicy, ClusterSpec, Moved, Preempted, Recovered, RetryPolicy, TensorOne
from tensorone._clusters.requests import renting, spot
from tensorone.emulator import Fault

A40, L40S = "NVIDIA A40", "NVIDIA L40S"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40, volume_in_gb=20)
BOTH = ClusterSpec(image_name="i", gpu_type_ids=[A40, L40S], volume_in_gb=20)
SETTINGS = {"bidding": BidPolicy(ceiling=0.4), "strategy": "replace_next"}
RENT, BID, LIST = "clusterRentInterruptable", "clusterBidResume", "myself"


class Process:
    """A process that keeps a fleet and saves its state; killed, no request of it leaves any more, and nothing is saved.

    Args:
        emulator: Where its clusters are.
        disk: Where it saves, shared by all processes of the fleet, one after the other.
        requests: After how many requests it is killed, right after it sent the last one; None for never.
    """

    def __init__(self, emulator, disk, specs, *, requests=None, **settings):
        self.killed = anyio.Event()
        self.events = []
        self._emulator = emulator
        self._disk = disk
        self._specs = specs
        self._left = requests
        self._settings = SETTINGS | settings

    async def run(self):
        """Reads events until it is killed."""
        settings = {"url": "http://localhost/graphql", "transport": self, "retry": RetryPolicy(attempts=1)}
        async with TensorOne(self._emulator.api_key, **settings) as client:
            kept = client.spot.keep_running(
                self._specs, **self._settings, state=self._disk.get("state"), on_state=self._save
            )
            async with kept as events:
                async for event in events:
                    self.events.append(event)

    def _save(self, text):
        if not self.killed.is_set():
            self._disk["state"] = text

    def kill(self):
        """Ends it here and now."""
        self._left = 0
        self.killed.set()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        """As a transport."""

    async def aclose(self):
        """As a transport."""

    async def handle_async_request(self, request):
        """As a transport: sends it, unless the process is dead."""
        if self._left is not None:
            self._left -= 1
        under = httpx.ASGITransport(self._emulator.app)
        if self._left is None or self._left > 0:
            response = await under.handle_async_request(request)
            if not self.killed.is_set():
                return response
        if self._left == 0:
            async with anyio.create_task_group() as group:
                group.start_soon(under.handle_async_request, request)
                await anyio.wait_all_tasks_blocked()
                self.killed.set()
        return await anyio.sleep_forever()


async def rented(client, count=1):
    """Ids of clusters that run."""
    return [(await client.spot.rent(SPEC, bid_per_gpu=0.35)).id for _ in range(count)]


def running(emulator):
    """Ids of what runs."""
    return sorted(each.id for each in emulator.world.clusters.values() if each.running)


def members(disk):
    """The clusters that the saved state keeps."""
    return sorted(one["cluster_id"] for one in json.loads(disk["state"])["members"])


def left(disk):
    """The clusters that the saved state has left."""
    return sorted(one["cluster"]["old_cluster_id"] for one in json.loads(disk["state"])["left_behind"])


@pytest.mark.parametrize("late", [0, 2, 15])
@pytest.mark.parametrize("requests", range(2, 10))
def test_killed_after_each_request_a_move_rents_one_cluster(on, requests, late):
    """What was sent and when is in the state: it is looked for until no commit is expected, before it is sent again."""

    async def main(client, emulator):
        (old,) = await rented(client)
        await client.clusters.terminate(old)
        if late:
            emulator.faults.add(Fault("commit_late", operation=RENT, seconds=late))
        disk, settings = {}, {"bids": {old: 0.35}}
        first = Process(emulator, disk, {old: SPEC}, requests=requests, **settings)
        second = Process(emulator, disk, {old: SPEC}, **settings)
        async with anyio.create_task_group() as group:
            group.start_soon(first.run)
            with anyio.move_on_after(100):
                await first.killed.wait()
            first.kill()
            sent = emulator.world.requests[RENT]
            group.start_soon(second.run)
            await anyio.sleep(300)
            group.cancel_scope.cancel()
        assert running(emulator) == members(disk)
        assert len(emulator.world.clusters) == 1
        assert emulator.world.requests[RENT] <= max(sent, 2)

    on(main)


def test_a_rental_that_never_happened_is_sent_again(on):
    """Once `settle_time` is over since it was sent, and not before."""

    async def main(client, emulator):
        (old,) = await rented(client)
        await client.clusters.terminate(old)
        emulator.faults.add(Fault("close", operation=RENT, commit=False))
        disk, settings = {}, {"bids": {old: 0.35}}
        first = Process(emulator, disk, {old: SPEC}, **settings)
        second = Process(emulator, disk, {old: SPEC}, **settings)
        async with anyio.create_task_group() as group:
            group.start_soon(first.run)
            await anyio.sleep(25)  # it was sent, its answer was lost, and it is still being looked for
            first.kill()
            assert emulator.world.requests[RENT] == 2
            group.start_soon(second.run)
            (sent,) = json.loads(disk["state"])["sent"]
            assert (sent["cluster_id"], sent["settled"]) == (old, False)
            await anyio.sleep(100)
            group.cancel_scope.cancel()
        before, again = [entry.at for entry in emulator.world.log if RENT in entry.root_fields][-2:]
        assert 20 <= again - before <= 20 + 15 + 5
        assert running(emulator) == members(disk)

    on(main)


def test_unread_events_survive_a_restart(on):
    """At least once: what a killed process had not read, or had just begun to work on."""

    async def main(client, emulator):
        (one,) = await rented(client)
        await client.clusters.stop(one)
        disk = {}

        def store(text):
            disk["state"] = text

        async with client.spot.keep_running({one: SPEC}, **SETTINGS, on_state=store) as events:
            assert isinstance(await anext(events), Preempted)
            assert isinstance(await anext(events), BidMade)
            state = events.state
        assert state == disk["state"]
        found = []
        async with client.spot.keep_running({one: SPEC}, **SETTINGS, state=state) as events:
            with anyio.move_on_after(100):
                async for event in events:
                    found.append(event)  # noqa: PERF401 - it ends by a cancellation
        assert [type(event) for event in found] == [BidMade, Recovered]
        assert float(found[0].bid_per_gpu) == 0.21

    on(main)


def test_what_was_left_behind_is_known_until_it_is_gone(on):
    """In the state and as values; two listings without it are needed, and what never was there is not held."""

    async def main(client, emulator):
        one, two = await rented(client, 2)
        await client.clusters.stop(one)
        await client.clusters.terminate(two)
        machine_id = emulator.world.clusters[one].machine_id
        (host,) = (each for each in emulator.world.hosts if each.machine_id == machine_id)
        emulator.world.occupy(machine_id, host.gpus)
        specs = {one: SPEC, two: SPEC}
        async with client.spot.keep_running(specs, **SETTINGS, bids=dict.fromkeys(specs, 0.35)) as events:
            moved = 0
            async for event in events:
                moved += isinstance(event, Moved)
                if moved == 2:
                    break
            state = events.state
        async with client.spot.keep_running(specs, **SETTINGS, state=state) as events:
            (found,) = events.left_behind
            assert (found.old_cluster_id, found.old_machine_id) == (one, machine_id)
            assert float(found.volume_cost_per_month) == 4
            with anyio.move_on_after(40):
                [_ async for _ in events]
            assert len(events.left_behind) == 1
            await client.clusters.terminate(one)
            with anyio.move_on_after(40):
                await anext(events)
            assert events.left_behind == ()

    on(main)


def market(emulator, rng, ids):
    """One jolt of a flapping market."""
    world = emulator.world
    active = [each.id for each in world.clusters.values() if each.running]
    for each in rng.sample(active, min(2, len(active))):
        world.preempt(each)
    for each in (A40, L40S):
        world.set_minimum_bid(each, rng.choice(["0.2", "0.25", "0.3", "0.45"]))
    if rng.random() < 0.3:
        machine_id = rng.choice([each.machine_id for each in world.hosts])
        world.occupy(machine_id, rng.choice([0, 4, 8]))
    if rng.random() < 0.1 and active:
        world.lose_host(world.clusters[rng.choice(active)].machine_id)
    kinds = [("close", {"commit": True}), ("commit_late", {"seconds": 2}), ("bad_gateway", {}), ("null", {})]
    kind, more = rng.choice(kinds)
    emulator.faults.add(Fault(kind, operation=rng.choice([RENT, BID]), **more))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_in_a_flapping_market_nothing_is_lost(on, seed):
    """At rest each place has one cluster, and the state knows every other one that the account still has."""

    async def main(client, emulator):
        rng = random.Random(seed)
        ids = await rented(client, 8)
        specs, disk, read = dict.fromkeys(ids, BOTH), {}, []
        settings = {"bids": dict.fromkeys(ids, 0.35), "every": 5}
        async with anyio.create_task_group() as group:
            for _ in range(20):
                process = Process(emulator, disk, specs, requests=rng.randrange(3, 40), **settings)
                group.start_soon(process.run)
                for _ in range(rng.randrange(2, 6)):
                    await anyio.sleep(5)
                    with suppress(ValueError):
                        market(emulator, rng, ids)
                process.kill()
                read += process.events
            emulator.faults.clear()
            for each in (A40, L40S):
                emulator.world.set_minimum_bid(each, "0.2")
                emulator.world.leave_free(each, -1)
            last = Process(emulator, disk, specs, **settings)
            group.start_soon(last.run)
            await anyio.sleep(600)
            group.cancel_scope.cancel()
        read += last.events
        assert members(disk) == running(emulator)
        assert len(running(emulator)) == 8
        stopped = sorted(each.id for each in emulator.world.clusters.values() if not each.running)
        assert left(disk) == stopped
        assert sum(isinstance(event, Moved) for event in read) >= len(stopped)

    on(main)


def test_each_bid_of_a_round_renews_what_the_state_says_was_sent(on):
    """The one that is committed late may be the last of them."""

    async def main(client, emulator):
        (old,) = await rented(client)
        await client.clusters.terminate(old)
        emulator.faults.add(Fault("delay", operation=RENT, seconds=3, times=None))
        emulator.world.later(16, lambda: emulator.world.set_minimum_bid(A40, "0.21"))
        emulator.world.later(19, lambda: emulator.world.set_minimum_bid(A40, "0.25"))
        disk, settings = {}, {"bids": {old: 0.35}}
        process = Process(emulator, disk, {old: SPEC}, **settings)
        found = []
        async with anyio.create_task_group() as group:
            group.start_soon(process.run)
            for _ in range(400):
                await anyio.sleep(0.1)
                if state := disk.get("state"):
                    found += [one["at"] for one in json.loads(state)["sent"]]
            group.cancel_scope.cancel()
        assert len(set(found)) == emulator.world.requests[RENT] - 1

    on(main)


def test_a_rental_that_cannot_be_saved_is_not_sent(on):
    """What the hook raised comes out of the iterator once; the next round sends it."""

    async def main(client, emulator):
        (old,) = await rented(client)
        await client.clusters.terminate(old)
        calls = []

        def store(text):
            calls.append(json.loads(text)["sent"])
            if len([each for each in calls if each]) == 1 and calls[-1]:
                raise OSError("disk full")

        async with client.spot.keep_running({old: SPEC}, **SETTINGS, bids={old: 0.35}, on_state=store) as events:
            assert isinstance(await anext(events), Preempted)
            with pytest.raises(OSError, match="disk full"):
                await anext(events)
            assert emulator.world.requests[RENT] == 1
            while not isinstance(await anext(events), Moved):
                pass
        assert emulator.world.requests[RENT] == 2

    on(main)


def test_a_duplicate_that_stopped_is_left_behind(on):
    """Nobody has used it, but it may have a volume: the state knows it, and what it costs."""

    async def main(client, emulator):
        (old,) = await rented(client)
        disk, settings = {}, {"bids": {old: 0.35}}
        process = Process(emulator, disk, {old: SPEC}, **settings)
        async with anyio.create_task_group() as group:
            group.start_soon(process.run)
            await anyio.sleep(20)
            await client.clusters.terminate(old)
            await anyio.sleep(60)
            tags = {"TENSORONE_CLIENT_TOKEN": f"keep-{old}"}
            twice = await renting(spot(SPEC, A40, 0.35, tags)).send(client.graphql)
            await client.clusters.stop(twice.id)
            await anyio.sleep(40)
            group.cancel_scope.cancel()
        (found,) = json.loads(disk["state"])["left_behind"]
        assert (found["cluster"]["old_cluster_id"], found["cluster"]["volume_cost_per_month"]) == (twice.id, "4.00")
        assert len(running(emulator)) == 1

    on(main)
