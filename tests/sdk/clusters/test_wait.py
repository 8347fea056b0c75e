"""Waiting for clusters, on a clock that jumps: hours pass in no time."""

import anyio
import httpx
import pytest

from tensorone import ClusterNotFound, ClusterSpec, InvalidArgument, QueryError, RetryPolicy, TensorOne, WaitTimedOut
from tensorone.emulator import Boot, Emulator, Fault

SPEC = ClusterSpec(image_name="tensorone/pytorch", gpu_type_id="NVIDIA A40", ports=["8888/http"])


@pytest.fixture
def on(run_virtually):
    """Runs a test against an emulator in the process, on the same jumping clock."""

    def runner(main, **options):
        async def with_both():
            emulator = Emulator(clock=anyio.current_time, **options)
            transport = httpx.ASGITransport(emulator.app)
            url = "http://localhost/graphql"
            async with TensorOne(emulator.api_key, url=url, transport=transport) as client:
                await main(client, emulator)

        run_virtually(with_both)

    return runner


def test_running_means_status_runtime_and_port(on):
    """RUNNING is reported at once, the runtime after minutes, and the port later still."""

    async def main(client, emulator):
        placed = await client.clusters.deploy(SPEC)
        assert placed.desired_status == "RUNNING"
        up = await client.clusters.wait_until_running(placed.id, timeout=3600)
        assert 600 <= anyio.current_time() <= 606
        assert up.runtime is not None
        up = await client.clusters.wait_until_running(placed.id, timeout=3600, port=8888)
        assert 900 <= anyio.current_time() <= 906
        assert [port.private_port for port in up.runtime.ports] == [8888]

    on(main, boot=Boot(seconds=600, port_seconds=300))


def test_a_start_that_takes_three_reads_is_seen_at_the_third(on):
    """The cluster is polled once per interval."""

    async def main(client, emulator):
        placed = await client.clusters.deploy(SPEC)
        await client.clusters.wait_until_running(placed.id, timeout=60, every=7)
        assert emulator.world.requests["myself"] == 4
        assert emulator.world.requests["cluster"] == 0

    on(main, boot="3r")


def test_time_is_up_with_what_was_seen_last(on):
    """A container that never starts ends the wait at the timeout, and the error says that it is billed."""

    async def main(client, emulator):
        placed = await client.clusters.deploy(SPEC)
        with pytest.raises(WaitTimedOut) as caught:
            await client.clusters.wait_until_running(placed.id, timeout=100)
        assert anyio.current_time() == pytest.approx(100)
        assert isinstance(caught.value, TimeoutError)
        assert caught.value.last_seen.id == placed.id
        assert "RUNNING without a runtime" in str(caught.value)
        assert "billed" in caught.value.billing
        emulator.faults.add(Fault("graphql_error", operation="GetClusterPorts", message="not today"))
        with pytest.raises(WaitTimedOut, match="open ports: 8888, 22"):
            await client.clusters.wait_until_running("ldl1dxirsim64n", timeout=10, port=1)

    on(main, boot="never")


def test_all_who_wait_share_one_listing_per_interval(on):
    """A hundred waiters cost as many requests as one."""

    async def main(client, emulator):
        placed = [await client.clusters.deploy(SPEC) for _ in range(10)]
        async with anyio.create_task_group() as group:
            for cluster in placed * 10:
                group.start_soon(lambda cluster=cluster: client.clusters.wait_until_running(cluster.id, timeout=60))
        assert emulator.world.requests["myself"] <= 6

    on(main, boot="20s")


def test_a_listing_outlives_the_cancelled_waiter_that_sent_it(on):
    """When the waiter that sent the listing is cancelled, the others still get its result."""

    async def main(client, emulator):
        emulator.faults.add(Fault("delay", operation="myself", seconds=3))
        with anyio.CancelScope() as first:
            async with anyio.create_task_group() as group:

                async def leader():
                    with anyio.CancelScope() as scope:
                        group.start_soon(stop, scope)
                        await client.clusters.wait_until("riixlu8oclhp", lambda _: True, timeout=60)

                async def stop(scope):
                    await anyio.sleep(1)
                    scope.cancel()

                group.start_soon(leader)
                await anyio.wait_all_tasks_blocked()
                found = await client.clusters.wait_until("riixlu8oclhp", lambda _: True, timeout=60)
                assert found.id == "riixlu8oclhp"
        assert not first.cancel_called

    on(main)


def test_when_the_first_of_many_leaves_another_polls_on(on):
    """When the first waiter is cancelled or done, another one polls at the same moments as before."""

    async def main(client, emulator):
        placed = [await client.clusters.deploy(SPEC) for _ in range(3)]
        seen = {}

        async def wait(cluster, scope):
            with scope:
                await client.clusters.wait_until_running(cluster.id, timeout=600)
                seen[cluster.id] = anyio.current_time()

        scopes = [anyio.CancelScope() for _ in placed]
        async with anyio.create_task_group() as group:
            for cluster, scope in zip(placed, scopes, strict=True):
                group.start_soon(wait, cluster, scope)
            await anyio.sleep(12)
            scopes[0].cancel()
        assert set(seen) == {cluster.id for cluster in placed[1:]}
        assert set(seen.values()) == {65.0}
        assert emulator.world.requests["myself"] <= 15

    on(main, boot="61s")


def test_what_a_predicate_raises_reaches_its_caller_alone(on):
    """An error of a predicate is raised to its own caller, even when another waiter polled."""

    async def main(client, emulator):
        outcomes = []

        async def wait(predicate):
            try:
                outcomes.append(await client.clusters.wait_until("riixlu8oclhp", predicate, timeout=60))
            except ZeroDivisionError as error:
                outcomes.append(error)

        async with anyio.create_task_group() as group:
            group.start_soon(wait, lambda _: anyio.current_time() > 20)
            group.start_soon(wait, lambda _: anyio.current_time() > 10 and 1 / 0)
        assert [type(outcome).__name__ for outcome in outcomes] == ["ZeroDivisionError", "Cluster"]

    on(main)


def test_polls_that_fail_or_take_long_become_less_frequent(on):
    """After failed polls the interval doubles, up to eight times, and polls take at most a fifth of the time."""

    async def main(client, emulator):
        emulator.faults.add(Fault("bad_gateway", operation="myself", times=None))
        with pytest.raises(WaitTimedOut):
            await client.clusters.wait_until("riixlu8oclhp", lambda _: False, timeout=1000, every=5)
        assert emulator.world.requests["myself"] <= RetryPolicy().attempts * (1 + 1 + 1 + 1000 / 40)
        emulator.faults.clear()
        emulator.faults.add(Fault("delay", operation="myself", seconds=4, times=None))
        before = emulator.world.requests["myself"]
        with pytest.raises(WaitTimedOut):
            await client.clusters.wait_until("riixlu8oclhp", lambda _: False, timeout=1000, every=5)
        assert 40 <= emulator.world.requests["myself"] - before <= 50

    on(main)


def test_a_cluster_that_the_listing_lacks_is_read_by_itself(on):
    """A cluster that a listing lacks is read directly, since a listing may lag, and that read may fail too."""

    async def main(client, emulator):
        emulator.faults.add(Fault("listing_lag", seconds=1000))
        emulator.faults.add(*[Fault("bad_gateway", operation="cluster")] * RetryPolicy().attempts)
        placed = await client.clusters.deploy(SPEC)
        assert (await client.clusters.wait_until_running(placed.id, timeout=60)).id == placed.id
        assert emulator.world.requests["cluster"] == RetryPolicy().attempts + 1

    on(main, boot="at-once")


def test_a_cluster_that_is_gone_ends_the_wait(on):
    """A cluster that two polls in a row do not find is gone; one that is missing once is not."""

    async def main(client, emulator):
        with pytest.raises(ClusterNotFound, match="does not exist"):
            await client.clusters.wait_until("nosuchcluster", lambda _: True, timeout=60)
        assert emulator.world.requests["cluster"] == 2

    on(main)


def test_a_wait_goes_on_after_transient_failures(on):
    """A bad gateway delays the answer; a permanent refusal ends the wait."""

    async def main(client, emulator):
        emulator.faults.add(*[Fault("bad_gateway", operation="myself")] * 7)
        found = await client.clusters.wait_until("riixlu8oclhp", lambda _: True, timeout=600)
        assert found.id == "riixlu8oclhp"
        emulator.faults.add(Fault("internal_error", operation="myself", times=None))
        with pytest.raises(QueryError):
            await client.clusters.wait_until("riixlu8oclhp", lambda _: True, timeout=600)

    on(main)


def test_the_last_failure_is_the_cause_when_time_is_up(on):
    """A lasting outage is the cause of the timeout error."""

    async def main(client, emulator):
        emulator.faults.add(Fault("bad_gateway", operation="myself", times=None))
        with pytest.raises(WaitTimedOut, match="never seen") as caught:
            await client.clusters.wait_until("riixlu8oclhp", lambda _: True, timeout=600)
        assert caught.value.__cause__ is not None
        assert caught.value.billing is None

    on(main)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"cluster_id": "", "timeout": 1}, "cluster_id"),
        ({"cluster_id": 'x"}', "timeout": 1}, "cluster_id"),
        ({"cluster_id": "x", "timeout": 0}, "timeout"),
        ({"cluster_id": "x", "timeout": float("inf")}, "timeout"),
        ({"cluster_id": "x", "timeout": "1"}, "timeout"),
        ({"cluster_id": "x", "timeout": 1, "every": -1}, "every"),
        ({"cluster_id": "x", "timeout": 1, "port": 0}, "port"),
    ],
)
def test_invalid_arguments_of_a_wait_are_refused(on, arguments, field):
    """Each argument is checked before anything is sent."""

    async def main(client, emulator):
        with pytest.raises(InvalidArgument) as caught:
            await client.clusters.wait_until_running(**arguments)
        assert caught.value.field == field
        assert emulator.world.requests.total() == 0

    on(main)


def test_a_start_that_ends_with_a_stop_ends_the_wait(on):
    """A cluster that is stopped while it starts ends the wait at the next poll, since nothing restarts it."""

    async def main(client, emulator):
        placed = await client.clusters.deploy(SPEC)
        emulator.world.later(100, lambda: emulator.world.stop(placed.id))
        with pytest.raises(WaitTimedOut, match="was stopped while it started") as caught:
            await client.clusters.wait_until_running(placed.id, timeout=3600)
        assert 100 <= anyio.current_time() <= 106
        assert caught.value.last_seen.desired_status == "EXITED"
        assert "billed" in caught.value.billing

    on(main, boot=Boot(seconds=600))


def test_a_cluster_that_is_stopped_is_waited_for_until_someone_starts_it(on):
    """A waiter may begin before or after another process resumes the cluster."""

    async def main(client, emulator):
        placed = await client.clusters.deploy(SPEC)
        await client.clusters.stop(placed.id)
        async with anyio.create_task_group() as group:

            async def start() -> None:
                await anyio.sleep(50)
                await client.clusters.resume(placed.id, gpu_count=1)

            group.start_soon(start)
            up = await client.clusters.wait_until_running(placed.id, timeout=3600)
        assert up.runtime is not None

    on(main, boot=Boot(seconds=20))
