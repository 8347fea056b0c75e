"""What an account is asked by its workers, however many there are, counted by the emulator and by Temporal."""

from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal

import anyio
import pytest
from fleets_for_temporal import A40, fleet_of
from temporal_histories import PER_LOOK, PER_RECOVERY, counted, histories
from temporalio.client import Client

from tensorone import RetryPolicy, TensorOne
from tensorone.temporal import DurableFleet, TensorOnePlugin, fleet_worker
from tensorone.temporal._shard import begun
from tensorone.temporal._workflow import FleetWorkflow

EVERY = 0.5
RENT, LIST, PRICES = "clusterRentInterruptable", "myself", "gpuTypes"


@pytest.fixture
async def workers(address, emulator):
    """Begins so many workers of an account, each with a client of its own."""
    emulator.world.set_minimum_bid(A40, "0.2")
    for each in list(emulator.world.clusters):
        emulator.world.terminate(each)
    async with AsyncExitStack() as stack:

        async def begin(account, count):
            for _ in range(count):
                client = TensorOne(emulator.api_key, url=emulator.url, settle_time=0.3, retry=RetryPolicy(attempts=1))
                await stack.enter_async_context(client)
                temporal = await Client.connect(address, plugins=[TensorOnePlugin()])
                await stack.enter_async_context(
                    fleet_worker(temporal, client, account=account, requests_per_second=200)
                )

        yield begin


async def until(met):
    """Waits until something is so."""
    with anyio.fail_after(60):
        while not await met():
            await anyio.sleep(0.05)


@pytest.mark.parametrize("count", [1, 3, 6])
async def test_an_account_is_looked_at_once_in_an_interval(temporal, emulator, workers, count):
    """Three shards look as one: a listing per interval, and prices once where something is down, for any number."""
    account = f"looked-{count}"
    await workers(account, count)
    fleets = [DurableFleet(temporal, account=account, name=name) for name in ("a", "b", "c")]
    for each, name in zip(fleets, "abc", strict=True):
        await each.keep(fleet_of(1, name=name, every=EVERY))

    async def all_run():
        return sum([(await each.status()).running for each in fleets]) == 3

    async def looks():
        return min([counted(await histories(temporal, f"tensorone/{account}/{name}/0")).looks for name in "abc"])

    await until(all_run)
    begun_at, before, seen = anyio.current_time(), emulator.world.requests, await looks()

    async def four_more():
        return await looks() >= seen + 4

    await until(four_more)
    intervals = (anyio.current_time() - begun_at) / EVERY
    asked = emulator.world.requests - before
    assert asked[LIST] <= 1.1 * intervals + 1
    assert asked[PRICES] == 0
    emulator.world.set_minimum_bid(A40, "0.6")  # above the ceiling: everything stops, and there is nothing to bid
    begun_at, before, seen = anyio.current_time(), emulator.world.requests, await looks()
    await until(four_more)
    intervals = (anyio.current_time() - begun_at) / EVERY
    asked = emulator.world.requests - before
    assert asked[RENT] == 0
    assert asked[PRICES] <= 1.1 * intervals + 1


async def test_a_shard_does_not_outbid_another_one(temporal, emulator, workers):
    """What only a sibling's bid makes dear is not on offer, and what the market asks by itself is bid for."""
    await workers("siblings", 1)
    shard = replace(begun(fleet_of(1)), other_bids={A40: (Decimal("0.195"),)})
    name = "tensorone/siblings/night/0"
    await temporal.start_workflow(FleetWorkflow.run, shard, id=name, task_queue="tensorone-siblings")

    async def three_rounds():
        return counted(await histories(temporal, name)).rounds >= 3

    await until(three_rounds)
    assert emulator.world.requests[RENT] == 0
    emulator.world.set_minimum_bid(A40, "0.3")
    fleet = DurableFleet(temporal, account="siblings", name="night")

    async def runs():
        return (await fleet.status()).running == 1

    await until(runs)
    assert emulator.world.requests[RENT] == 1
    await fleet.end()


async def test_a_look_and_a_recovery_add_few_events(temporal, emulator, workers):
    """No timers, and no more than the activity and the decision on it."""
    await workers("few", 1)
    fleet = DurableFleet(temporal, account="few", name="night")
    await fleet.keep(fleet_of(4))

    async def all_run():
        status = await fleet.status()
        return status.running == 4 and not status.left_behind

    await until(all_run)
    for each in list(emulator.world.clusters):
        emulator.world.terminate(each)

    async def moved():
        return emulator.world.requests[RENT] >= 8 and await all_run()

    await until(moved)
    written = counted(await histories(temporal, "tensorone/few/night/0"))
    assert written.rounds >= 8
    assert written.events <= PER_LOOK * written.looks + PER_RECOVERY * written.rounds
    assert written.small
    await fleet.end()
