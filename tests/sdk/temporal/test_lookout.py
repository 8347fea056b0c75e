"""When the shards of an account look, and what they learn of each other: with a stand-in for the client."""

from decimal import Decimal
from types import SimpleNamespace

import anyio
import pytest
import trio.testing
from fleets_for_temporal import A40, fleet_of
from temporalio.exceptions import ApplicationError

from tensorone import AuthenticationError, ConnectionFailed
from tensorone.fleet import Look
from tensorone.temporal._lookout import FINDING, Lookout, merged, turn
from tensorone.temporal._values import LookTask

L40S = "NVIDIA L40S"


class Client:
    """Notes when it was asked to look, and how old the listing may have been."""

    def __init__(self):
        self.asked = []
        self.errors = []
        self.fleet = SimpleNamespace(look=self.look)

    async def look(self, fleet, members, *, others, max_age):
        self.asked.append((fleet.name, anyio.current_time(), max_age))
        if self.errors:
            raise self.errors.pop(0)
        return Look(at=anyio.current_time())


def task_of(name="night", *, every=10.0, bids=(), at_once=False):
    """A shard's look."""
    own = {A40: tuple(map(Decimal, bids))} if bids else {}
    return LookTask(fleet=fleet_of(0, name=name, every=every), members=(), others=(), own_bids=own, at_once=at_once)


def virtually(main):
    """Runs it on a clock that jumps, in the middle of an interval of ten seconds."""

    async def from_the_middle():
        begun = anyio.current_time() // 10 * 10 + 10
        await anyio.sleep_until(begun + 3)
        await main(begun)

    anyio.run(from_the_middle, backend="trio", backend_options={"clock": trio.testing.MockClock(autojump_threshold=0)})


def test_shards_look_at_the_same_moments_by_one_listing():
    """The first time at once; then when the next interval begins, with a listing that is no older than the interval."""
    client = Client()

    async def main(begun):
        lookout = Lookout(client)
        await lookout.look(task_of("a"), "a")
        await anyio.sleep(2)
        await lookout.look(task_of("b"), "b")
        async with anyio.create_task_group() as group:
            group.start_soon(lookout.look, task_of("a"), "a")
            group.start_soon(lookout.look, task_of("b"), "b")
        await lookout.look(task_of("a", at_once=True), "a")  # a person changed the fleet: a listing of its own
        assert sorted((name, round(at - begun, 3), round(age, 3)) for name, at, age in client.asked) == [
            ("a", 3, 3),
            ("a", 10, 0),
            ("a", 10, 0),
            ("b", 5, 5),
            ("b", 10, 0),
        ]

    virtually(main)


def test_a_look_that_failed_is_repeated_at_once_only_where_that_helps():
    """A refused key is asked for once in an interval; a lost connection again, as soon as Temporal says."""
    client = Client()
    client.errors = [ConnectionFailed("lost"), AuthenticationError("no")]

    async def main(begun):
        lookout = Lookout(client)
        for error in (ConnectionFailed, AuthenticationError):
            with pytest.raises(error):
                await lookout.look(task_of(), "night")
        await lookout.look(task_of(), "night")
        assert [round(at - begun, 3) for _, at, _ in client.asked] == [3, 3, 10]

    virtually(main)


def test_a_worker_that_ends_leaves_the_looks_to_another_one():
    """They do not hold it up until it is their time."""
    client = Client()

    async def main(begun):
        lookout = Lookout(client)
        await lookout.look(task_of(), "night")
        lookout.leave()
        with pytest.raises(ApplicationError, match="another one looks"):
            await lookout.look(task_of(), "night")
        assert anyio.current_time() < begun + 10

    virtually(main)


def test_shards_of_an_account_learn_each_others_bids():
    """Once every shard has been heard; a worker that has just begun to act says that it does not know."""
    client = Client()

    async def main(begun):
        lookout = Lookout(client)
        await lookout.look(task_of("a", bids=["0.2"]), "a")
        assert (await lookout.look(task_of("b", bids=["0.3"]), "b")).other_bids is None
        await anyio.sleep(FINDING + 10)
        assert (await lookout.look(task_of("b", bids=["0.3"]), "b")).other_bids == {A40: (Decimal("0.2"),)}
        assert (await lookout.look(task_of("a", bids=["0.2"]), "a")).other_bids == {A40: (Decimal("0.3"),)}
        await anyio.sleep(FINDING + 21)  # nothing was heard of b since: it has ended
        assert (await lookout.look(task_of("a", bids=["0.2"]), "a")).other_bids == {}

    virtually(main)


def test_moments_and_bids_are_those_of_the_clock_and_of_all():
    """An interval begins at multiples of itself, so that it does not matter who acts."""
    assert turn(23.0, 10.0, None) == 23.0
    assert turn(23.0, 10.0, 19.9) == 23.0
    assert turn(23.0, 10.0, 20.0) == 30.0
    low, high = Decimal("0.2"), Decimal("0.3")
    assert merged([{A40: (high, low)}, {A40: (low,), L40S: (high,)}]) == {A40: (low, high), L40S: (high,)}
