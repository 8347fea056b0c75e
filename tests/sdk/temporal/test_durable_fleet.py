"""A fleet that Temporal keeps, from its first cluster to its last, on Temporal's development server."""

from dataclasses import replace

import anyio
import pytest
from fleets_for_temporal import A40, fleet_of
from temporalio.client import Client, WorkflowExecutionStatus

from tensorone import ConfigurationError, InvalidArgument, RetryPolicy, TensorOne
from tensorone.emulator import Fault
from tensorone.fleet import Moved, Preempted, Recovered
from tensorone.temporal import DurableFleet, fleet_worker
from tensorone.temporal._shard import begun
from tensorone.temporal._workflow import FleetWorkflow


@pytest.fixture
async def sdk(emulator):
    """A client as a worker has it, on an emulator with a price that stays."""
    emulator.world.set_minimum_bid(A40, "0.2")
    for each in list(emulator.world.clusters):
        emulator.world.terminate(each)
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=0.3, retry=RetryPolicy(attempts=1)) as client:
        yield client


async def until(fleet, met):
    """The status once it is as wanted."""
    with anyio.fail_after(30):
        while not met(status := await fleet.status()):
            await anyio.sleep(0.05)
    return status


async def test_a_fleet_is_begun_kept_resized_and_ended(temporal, sdk, emulator):
    """It begins without a worker, fills its slots, brings back what stops, and at the end nothing of it is left."""
    fleet = DurableFleet(temporal, account="one", name="night")
    with pytest.raises(InvalidArgument, match="no fleet night is kept in account one"):
        await fleet.status()
    await fleet.end()  # which is nothing yet
    mine = (await sdk.spot.rent(fleet_of(1).specs["train"], bid_per_gpu=0.3)).id
    await fleet.keep(fleet_of(3, budget=10), clusters={"w2": mine})
    async with fleet_worker(temporal, sdk, account="one", requests_per_second=200):
        status = await until(fleet, lambda now: now.running == 3)
        assert status.clusters["w2"] == mine
        assert {*status.clusters.values()} == {*emulator.world.clusters}
        assert status.looked_at is not None
        assert status.trouble is None
        await fleet.keep(fleet_of(3, budget=10))  # again: nothing
        assert await fleet.spec() == fleet_of(3, budget=10)
        emulator.world.preempt(mine)
        events = fleet.events(every=0.1)
        kinds = []
        async for event in events:
            kinds.append(type(event))
            if isinstance(event, Recovered):
                break
        assert kinds.count(Moved) == 2
        assert Preempted in kinds
        assert events.missed == 0
        emulator.faults.add(Fault("graphql_error", operation="clusterTerminate"))  # the next look ends it once more
        await fleet.resize(2)
        await until(fleet, lambda now: now.asked == 2 and not now.leaving)
        assert len(emulator.world.clusters) == 2
        assert mine not in emulator.world.clusters
        await fleet.resize(4)
        await until(fleet, lambda now: now.running == 4)
        await fleet.end()
        assert not emulator.world.clusters
        rest = [each async for each in fleet.events(after=events.position)]  # by another reader
        assert [type(each) for each in rest].count(Moved) == 2


async def test_a_cancelled_workflow_ends_its_clusters_and_goes_on_over_many_runs(temporal, sdk, emulator):
    """It continues as new before its history is long, forgets nothing by it, and what is cancelled is ended."""
    fleet = DurableFleet(temporal, account="two", name="night")
    await temporal.start_workflow(
        FleetWorkflow.run,
        replace(begun(fleet_of(2)), most_events=30),
        id="tensorone/two/night/0",
        task_queue="tensorone-two",
    )
    handle = temporal.get_workflow_handle("tensorone/two/night/0")
    first = (await handle.describe()).run_id
    async with fleet_worker(temporal, sdk, account="two", requests_per_second=200):
        before = await until(fleet, lambda now: now.running == 2)
        with anyio.fail_after(30):
            while (await handle.describe()).run_id == first:
                await anyio.sleep(0.05)
        status = await until(fleet, lambda now: now.looked_at > before.looked_at)
        assert status.clusters == before.clusters
        await handle.cancel()
        await handle.result()
        assert (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
        assert not emulator.world.clusters


async def test_a_cluster_that_cannot_be_ended_keeps_no_other_one_from_being_recovered(temporal, sdk, emulator):
    """Each look orders its end again, and yet the history comes to an end and rounds begin."""
    fleet = DurableFleet(temporal, account="six", name="night")
    start = replace(begun(fleet_of(2)), most_events=15)
    first = await temporal.start_workflow(
        FleetWorkflow.run, start, id="tensorone/six/night/0", task_queue="tensorone-six"
    )
    async with fleet_worker(temporal, sdk, account="six", requests_per_second=200):
        status = await until(fleet, lambda now: now.running == 2)
        emulator.faults.add(Fault("graphql_error", operation="clusterTerminate", times=None))
        await fleet.resize(1)
        gone = status.clusters["w0"]
        emulator.world.terminate(gone)
        status = await until(fleet, lambda now: now.clusters.get("w0", gone) != gone and now.running)
        assert status.leaving
        handle = temporal.get_workflow_handle("tensorone/six/night/0")
        assert (await handle.describe()).run_id != first.first_execution_run_id
        emulator.faults.clear()
        await fleet.end()


async def test_another_worker_goes_on_and_stops_the_fleet(temporal, sdk, emulator):
    """To stop a fleet leaves its clusters stopped, and a fleet of the same name takes them up again."""
    fleet = DurableFleet(temporal, account="three", name="night")
    async with fleet_worker(temporal, sdk, account="three", requests_per_second=200):
        await fleet.keep(fleet_of(2))
        status = await until(fleet, lambda now: now.running == 2)
    async with fleet_worker(temporal, sdk, account="three", requests_per_second=200):
        await fleet.end("stop")
        clusters = emulator.world.clusters
        assert {*clusters} == {*status.clusters.values()}
        assert not any(each.running for each in clusters.values())
        await fleet.keep(fleet_of(2))
        again = await until(fleet, lambda now: now.running == 2)
        assert {*again.clusters.values()} == {*emulator.world.clusters}
        await fleet.end()


async def test_what_needs_a_person_is_told_and_the_fleet_goes_on_after_it(temporal, sdk, emulator, monkeypatch):
    """A variable that a worker has not, or a key that is refused, is the status's trouble until that is mended."""
    fleet = DurableFleet(temporal, account="four", name="night")
    train = replace(fleet_of(1).specs["train"], env_from={"TOKEN": "TOKEN_OF_A_TEST"})
    emulator.faults.add(Fault("graphql_error", operation="myself", status=401, times=None))
    async with fleet_worker(temporal, sdk, account="four", requests_per_second=200):
        await fleet.keep(fleet_of(1, specs={"train": train}))
        await until(fleet, lambda now: "AuthenticationError" in (now.trouble or ""))
        emulator.faults.clear()
        await until(fleet, lambda now: "TOKEN_OF_A_TEST" in (now.trouble or ""))
        assert not emulator.world.clusters
        monkeypatch.setenv("TOKEN_OF_A_TEST", "secret")
        await until(fleet, lambda now: now.running == 1 and now.trouble is None)
        await fleet.end(wait=False)
        await fleet.end()


async def test_arguments_are_checked_where_they_are_given(temporal, sdk, address):
    """Names, fleets, counts and clients that cannot be right are refused before anything is sent."""
    with pytest.raises(InvalidArgument, match="account"):
        DurableFleet(temporal, account="a/b", name="night")
    fleet = DurableFleet(temporal, account="five", name="night")
    with pytest.raises(InvalidArgument, match="of the name night"):
        await fleet.keep(fleet_of(1, name="day"))
    with pytest.raises(InvalidArgument, match="count"):
        await fleet.resize(-1)
    with pytest.raises(InvalidArgument, match="how"):
        await fleet.end("kill")
    for given, rate in ((object(), 1), (sdk, 0), (sdk, "3"), (sdk, None)):
        with pytest.raises(InvalidArgument):
            async with fleet_worker(temporal, given, account="five", requests_per_second=rate):
                pass
    plain = await Client.connect(address)
    with pytest.raises(ConfigurationError, match="has no plugin"):
        async with fleet_worker(plain, sdk, account="five", requests_per_second=1):
            pass
    with pytest.raises(ConfigurationError, match="not opened"):
        async with fleet_worker(temporal, TensorOne("key"), account="five", requests_per_second=1):
            pass
