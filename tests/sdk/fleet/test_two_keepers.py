"""Two keepers of one fleet: a rolling deploy, a split brain. A cluster is replaced once, whoever does it."""

import json

import anyio
import httpx
import pytest

from tensorone import BidPolicy, ClusterSpec, ConfigurationError, Moved, RetryPolicy, TensorOne
from tensorone.emulator import Fault

A40 = "NVIDIA A40"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40, volume_in_gb=20)
SETTINGS = {"bidding": BidPolicy(ceiling=0.4), "strategy": "replace_same"}
RENT, TERMINATE = "clusterRentInterruptable", "clusterTerminate"


async def rented(client, count):
    """Ids of clusters that run."""
    return [(await client.spot.rent(SPEC, bid_per_gpu=0.25)).id for _ in range(count)]


class Keeper:
    """A process that keeps a fleet, and shares nothing with any other."""

    def __init__(self, emulator, ids, **settings):
        self.events = []
        self._emulator = emulator
        self._specs = dict.fromkeys(ids, SPEC)
        self._settings = SETTINGS | settings
        self._kept = None

    async def run(self):
        """Reads events for ever."""
        transport = httpx.ASGITransport(self._emulator.app)
        settings = {"url": "http://localhost/graphql", "transport": transport, "retry": RetryPolicy(attempts=1)}
        async with (
            TensorOne(self._emulator.api_key, **settings) as client,
            client.spot.keep_running(self._specs, **self._settings) as self._kept,
        ):
            async for event in self._kept:
                self.events.append(event)

    @property
    def members(self):
        """The clusters that it keeps."""
        return sorted(member["cluster_id"] for member in json.loads(self._kept.state)["members"])


def running(emulator):
    """Ids of what runs."""
    return sorted(each.id for each in emulator.world.clusters.values() if each.running)


async def kept_by_two(emulator, ids, seconds=600):
    """Two keepers, after so long."""
    keepers = [Keeper(emulator, ids) for _ in range(2)]
    async with anyio.create_task_group() as group:
        for each in keepers:
            group.start_soon(each.run)
        await anyio.sleep(seconds)
        group.cancel_scope.cancel()
    return keepers


@pytest.mark.parametrize("lost", [1, 6])
def test_a_lost_machine_is_replaced_once(on, lost):
    """One rents, the other adopts; neither ends what the other rented."""

    async def main(client, emulator):
        ids = await rented(client, 6)
        emulator.world.later(40, lambda: [emulator.world.terminate(each) for each in ids[:lost]])
        keepers = await kept_by_two(emulator, ids)
        assert emulator.world.requests[RENT] == 6 + lost
        assert emulator.world.requests[TERMINATE] == 0
        assert keepers[0].members == keepers[1].members == running(emulator)
        assert [len([one for one in each.events if isinstance(one, Moved)]) for each in keepers] == [lost, lost]

    on(main)


def test_a_machine_that_others_took_is_left_once(on):
    """Both know what stays behind; a machine that comes free later starts nothing beside the replacement."""

    async def main(client, emulator):
        ids = await rented(client, 2)
        (host,) = {emulator.world.clusters[each].machine_id for each in ids}
        await client.clusters.stop(ids[0])
        await client.clusters.stop(ids[1])
        (found,) = (each for each in emulator.world.hosts if each.machine_id == host)
        emulator.world.occupy(host, found.gpus)
        emulator.world.later(100, lambda: emulator.world.occupy(host, 0))
        keepers = await kept_by_two(emulator, ids)
        assert emulator.world.requests[RENT] == 2 + 2
        assert keepers[0].members == keepers[1].members == running(emulator)
        assert not set(ids) & set(running(emulator))
        for each in keepers:
            assert {left.old_cluster_id for left in each._kept.left_behind} == set(ids)

    on(main)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("delay", operation=RENT, seconds=8, times=3),
        Fault("commit_late", operation=RENT, seconds=4, times=3),
        Fault("commit_late", operation=RENT, seconds=30, times=2),
        Fault("close", operation=RENT, commit=True, times=2),
    ],
    ids=["slow", "late", "far-too-late", "lost"],
)
@pytest.mark.parametrize("lost", [1, 6])
def test_rentals_that_cross_settle_on_one_per_place(on, fault, lost):
    """Where neither could see the other's rental, both keep the same one in the end, and the rest is terminated."""

    async def main(client, emulator):
        ids = await rented(client, 6)
        emulator.faults.add(fault)
        emulator.world.later(40, lambda: [emulator.world.terminate(each) for each in ids[:lost]])
        keepers = await kept_by_two(emulator, ids, seconds=900)
        assert len(running(emulator)) == 6
        assert keepers[0].members == keepers[1].members == running(emulator)
        assert emulator.world.requests[RENT] <= 6 + 2 * lost + 3

    on(main)


def test_a_keeper_that_starts_later_adopts_what_it_finds(on):
    """A rolling deploy: the new process knows the clusters of the beginning alone, and the old one still runs."""

    async def main(client, emulator):
        ids = await rented(client, 2)
        first, second = Keeper(emulator, ids), Keeper(emulator, ids, bids=dict.fromkeys(ids, 0.25))
        async with anyio.create_task_group() as group:
            group.start_soon(first.run)
            await anyio.sleep(40)
            emulator.world.terminate(ids[0])
            await anyio.sleep(100)
            emulator.world.preempt(ids[1])
            await anyio.sleep(100)
            group.start_soon(second.run)
            await anyio.sleep(200)
            group.cancel_scope.cancel()
        assert emulator.world.requests[RENT] == 2 + 1
        assert first.members == second.members == running(emulator)

    on(main)


def test_who_finds_the_state_taken_over_is_refused(on):
    """A keeper that reads what it saved sees that another continued from it, and does nothing more."""

    async def main(client, emulator):
        ids = await rented(client, 2)
        saved = [None]

        def store(text):
            saved[0] = text

        shared = {"state": lambda: saved[0], "on_state": store}
        async with client.spot.keep_running(dict.fromkeys(ids, SPEC), **SETTINGS, **shared) as old:
            with anyio.move_on_after(20):
                await anext(old)
            async with client.spot.keep_running(dict.fromkeys(ids, SPEC), **SETTINGS, **shared) as new:
                with anyio.move_on_after(20):
                    await anext(new)
                await client.clusters.terminate(ids[0])
                before = emulator.world.requests[RENT]
                with pytest.raises(ConfigurationError, match=r"another keep_running .* has taken over"):
                    await anext(old)
                with pytest.raises(ConfigurationError):
                    await anext(old)
                assert emulator.world.requests[RENT] == before
                while not isinstance(event := await anext(new), Moved):
                    pass
                assert event.old_cluster_id == ids[0]
                with pytest.raises(ConfigurationError):
                    await anext(old)
                assert json.loads(saved[0])["epoch"] == 2

    on(main)


def test_a_keeper_taken_over_in_the_middle_of_a_round_rents_nothing(on):
    """It reads the state once more before it sends a rental."""

    async def main(client, emulator):
        (one,) = await rented(client, 1)
        saved = [None]

        def store(text):
            saved[0] = text

        shared = {"state": lambda: saved[0], "on_state": store}
        async with client.spot.keep_running({one: SPEC}, **SETTINGS, bids={one: 0.25}, **shared) as old:
            await client.clusters.terminate(one)
            await anext(old)
            store(json.dumps(json.loads(saved[0]) | {"run": "another", "epoch": 2}))
            with pytest.raises(ConfigurationError, match="run another"):
                await anext(old)
        assert emulator.world.requests[RENT] == 1

    on(main)
