"""Watching clusters, on a clock that jumps: what a poll costs, which failures pass, and that no change is lost."""

import anyio
import httpx
import pytest

from tensorone import (
    Appeared,
    ClusterSpec,
    ConfigurationError,
    Gone,
    InvalidArgument,
    PortsChanged,
    QueryError,
    RetryPolicy,
    RuntimeDown,
    RuntimeUp,
    StatusChanged,
    TensorOne,
)
from tensorone.emulator import Boot, Emulator, Fault

SPEC = ClusterSpec(image_name="tensorone/pytorch", gpu_count=0, ports=["8888/http"])
RUNNING = "riixlu8oclhp"


@pytest.fixture
def on(run_virtually):
    """Runs a test against an emulator in the process, on the same jumping clock."""

    def runner(main, **options):
        async def with_both():
            emulator = Emulator(clock=anyio.current_time, **options)
            transport = httpx.ASGITransport(emulator.app)
            url, retry = "http://localhost/graphql", RetryPolicy(attempts=1)
            async with TensorOne(emulator.api_key, url=url, transport=transport, retry=retry) as client:
                await main(client, emulator)

        run_virtually(with_both)

    return runner


async def take(changes, count: int) -> list:
    """The next changes."""
    return [await anext(changes) for _ in range(count)]


def test_a_cluster_is_followed_from_its_start_to_its_end(on):
    """Each step is reported with the cluster in its new state."""

    async def main(client, emulator):
        placed = await client.clusters.deploy(SPEC)
        async with client.clusters.watch([placed.id, placed.id], every=10) as changes:
            (appeared,) = await take(changes, 1)
            assert isinstance(appeared, Appeared)
            assert appeared.cluster.runtime is None
            up, ports = await take(changes, 2)
            assert (type(up), type(ports)) == (RuntimeUp, PortsChanged)
            assert 60 <= anyio.current_time() <= 100
            await client.clusters.stop(placed.id)
            stopped = await take(changes, 3)
            assert [type(each) for each in stopped] == [StatusChanged, RuntimeDown, PortsChanged]
            assert (stopped[0].before, stopped[0].after) == ("RUNNING", "EXITED")
            await client.clusters.terminate(placed.id)
            (gone,) = await take(changes, 1)
            assert isinstance(gone, Gone)
            assert gone.last_seen.id == gone.cluster_id == placed.id

    on(main, boot=Boot(seconds=60, port_seconds=0))


def test_the_whole_account_is_watched_unless_clusters_are_named(on):
    """Clusters rented later are reported too, unless clusters are named."""

    async def main(client, emulator):
        async with client.clusters.watch() as changes:
            first = await take(changes, 4)
            assert {type(each) for each in first} == {Appeared}
            placed = await client.clusters.deploy(SPEC)
            assert (await take(changes, 1))[0].cluster_id == placed.id

    on(main, boot="never")


def test_a_thousand_watchers_and_waiters_share_one_listing_per_interval(on):
    """Two minutes of twenty-four intervals cost as many requests, however many watch and wait."""

    async def main(client, emulator):
        async def watch(named):
            async with client.clusters.watch(named) as changes:
                async for _ in changes:
                    pass

        async def wait():
            await client.clusters.wait_until(RUNNING, lambda _: False, timeout=1_000)

        with anyio.move_on_after(121):
            async with anyio.create_task_group() as group:
                for index in range(500):
                    group.start_soon(watch, None if index < 50 else [RUNNING])
                    group.start_soon(wait)
        at = [request.at for request in emulator.world.log]
        assert 24 <= len(at) <= 26
        assert max(sum(1 for each in at if start <= each < start + 5) for start in range(0, 120, 5)) <= 2
        assert emulator.world.requests["cluster"] == 0

    on(main, boot="at-once")


def test_a_reader_that_comes_late_sees_what_is_different_then(on):
    """A late reader gets a listing at most one interval old at once, and from then on one per interval."""

    async def main(client, emulator):
        async with client.clusters.watch([RUNNING], every=5) as changes:
            await take(changes, 1)
            await anyio.sleep(98)
            await client.clusters.stop(RUNNING)
            began = anyio.current_time()
            assert isinstance((await take(changes, 1))[0], StatusChanged)
            assert anyio.current_time() == began
            with anyio.move_on_after(60):
                await take(changes, 9)
        looks = [request.at for request in emulator.world.log if request.root_fields == ("myself",)]
        assert looks == pytest.approx([0, 98, *range(100, 156, 5)], abs=1)

    on(main, boot="at-once")


def test_what_was_found_is_kept_when_the_reader_is_interrupted(on):
    """Changes are kept whether the reader was waiting for its time, for the answer, or had read only a part."""

    async def main(client, emulator):
        emulator.faults.add(Fault("delay", operation="myself", seconds=3))
        async with client.clusters.watch(every=10) as changes:
            with anyio.move_on_after(1):
                await take(changes, 1)
            first = await take(changes, 1)
            for _ in range(30):
                with anyio.move_on_after(0.1):
                    first += await take(changes, 1)
            assert len(first) == 4
            await client.clusters.stop(RUNNING)
            seen = []
            for _ in range(30):
                with anyio.move_on_after(1):
                    seen += await take(changes, 1)
            assert [type(each) for each in seen] == [StatusChanged, RuntimeDown, PortsChanged]

    on(main, boot="at-once")


def test_a_watch_goes_on_after_transient_failures(on):
    """A change during an outage is reported after it; polls at 5, 10 and 20 s fail, and the next one is at 40 s."""

    async def main(client, emulator):
        async with client.clusters.watch([RUNNING]) as changes:
            await take(changes, 1)
            await client.clusters.stop(RUNNING)
            emulator.faults.add(*[Fault("bad_gateway", operation="myself")] * 3)
            assert isinstance((await take(changes, 1))[0], StatusChanged)
            assert anyio.current_time() == pytest.approx(40)

    on(main, boot="at-once")


def test_a_failure_that_lasts_is_raised_and_the_watch_goes_on(on):
    """The reader decides whether to read on, and earlier knowledge is kept."""

    async def main(client, emulator):
        async with client.clusters.watch([RUNNING]) as changes:
            await take(changes, 1)
            emulator.faults.add(Fault("internal_error", operation="myself"))
            with pytest.raises(QueryError):
                await anext(changes)
            await client.clusters.stop(RUNNING)
            assert isinstance((await take(changes, 1))[0], StatusChanged)
            assert anyio.current_time() == pytest.approx(10)

    on(main, boot="at-once")


def test_outside_its_block_a_watch_is_refused(on):
    """A watch is refused before its block and after it."""

    async def main(client, emulator):
        watch = client.clusters.watch()
        with pytest.raises(ConfigurationError, match="async with"):
            await anext(watch)
        async with watch as changes:
            assert [each async for each, _ in _first(changes)]
        with pytest.raises(ConfigurationError, match="async with"):
            await anext(watch)

    on(main)


async def _first(changes):
    async for change in changes:
        yield change, None
        return


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"every": 0}, "every"),
        ({"cluster_ids": []}, "cluster_ids"),
        ({"cluster_ids": "abc"}, "cluster_ids"),
        ({"cluster_ids": ["a", ""]}, "cluster_ids[1]"),
    ],
)
def test_invalid_arguments_of_a_watch_are_refused(on, arguments, field):
    """Each argument is checked when the watch is created."""

    async def main(client, emulator):
        with pytest.raises(InvalidArgument) as caught:
            client.clusters.watch(**arguments)
        assert caught.value.field == field

    on(main)


def test_it_runs_on_both_event_loops(run, emulator):
    """It runs over a real connection."""

    async def main():
        async with TensorOne(emulator.api_key, url=emulator.url) as client, client.clusters.watch([RUNNING]) as changes:
            assert (await anext(changes)).cluster_id == RUNNING

    run(main)
