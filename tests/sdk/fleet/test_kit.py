"""The kit: a runner of one's own makes of `look`, `round` and `end` what `keep_running` does, over several processes."""

import json
import time
from dataclasses import replace
from decimal import Decimal

import anyio
import httpx
import pytest
from pydantic import TypeAdapter

from tensorone import BidPolicy, ClusterSpec, ConfigurationError, InvalidArgument, RetryPolicy, TensorOne
from tensorone.emulator import Fault
from tensorone.fleet import (
    End,
    FleetSpec,
    FleetState,
    Intent,
    Look,
    Moved,
    Order,
    Pending,
    Recover,
    RecoveryFailed,
    RecoverySucceeded,
    RentalSent,
    step,
)

A40, L40S = "NVIDIA A40", "NVIDIA L40S"
TRAIN = ClusterSpec(image_name="i", gpu_type_ids=[A40, L40S], volume_in_gb=20)
RENT, BID, LIST, PRICES, TERMINATE = (
    "clusterRentInterruptable",
    "clusterBidResume",
    "myself",
    "gpuTypes",
    "clusterTerminate",
)


def fleet_of(count, **settings):
    """A fleet of so many slots."""
    slots = {f"w{number}": "train" for number in range(count)}
    given = {"name": "night", "slots": slots, "specs": {"train": TRAIN}, "bidding": BidPolicy(ceiling=0.4)}
    return FleetSpec(**given | settings)


def through_json(value, kind):
    """The value as another process reads it."""
    form = TypeAdapter(kind)
    return form.validate_json(form.dump_json(value))


class Runner:
    """A runner as small as may be; every value goes through JSON, as between the steps of an engine."""

    def __init__(self, client, fleet, state=None):
        self.client = client
        self.fleet = through_json(fleet, FleetSpec)
        self.state = state or self.fleet.start()
        self.events = []
        self.looks = []

    def observe(self, observation):
        """One step."""
        self.state, actions = step(self.state, observation, self.client._session.now(), self.fleet.settings)
        self.state = through_json(self.state, FleetState)
        self.events += [each for each in actions if not isinstance(each, Recover | End)]
        return actions

    async def tick(self):
        """One look, and what follows from it."""
        look = await self.client.fleet.look(self.fleet, self.state.cluster_ids, others=self.state.other_ids)
        self.looks.append(look)
        actions = self.observe(through_json(look, Look))
        for each in [one for one in actions if isinstance(one, End)]:
            await self.client.fleet.end(each.cluster_id, how=each.how)
        for each in [one for one in actions if isinstance(one, Recover)]:
            await self.recover(through_json(self.fleet.order_of(each), Order), look)

    async def recover(self, order, look):
        """One round, written down before."""
        self.observe(RentalSent(order.recover.cluster_id))
        intent = Intent(token=order.token, begun_at=self.client._session.now(), by=self.client.fleet.by)
        outcome = await self.client.fleet.round(
            order, look=look.about(order), own_bids=self.state.own_bids, intent=intent
        )
        self.observe(through_json(outcome, RecoverySucceeded | RecoveryFailed | Pending))

    async def run(self, seconds):
        """Ticks for so long."""
        with anyio.move_on_after(seconds):
            while True:
                await self.tick()
                await anyio.sleep(self.fleet.every)


def running(emulator):
    """Ids of what runs."""
    return sorted(each.id for each in emulator.world.clusters.values() if each.running)


def existing(emulator):
    """Ids of what has not been terminated."""
    return sorted(emulator.world.clusters)


def test_a_fleet_begins_with_names_and_is_kept(on):
    """Slots without a cluster are filled, what is lost is replaced, and what was left behind is ended if told to."""

    async def main(client, emulator):
        runner = Runner(client, fleet_of(6, left_behind="terminate"))
        await runner.run(40)
        assert sorted(runner.state.cluster_ids) == running(emulator)
        assert len(running(emulator)) == 6
        assert emulator.world.requests[RENT] == 6
        emulator.world.terminate(running(emulator)[0])
        emulator.world.preempt(running(emulator)[0])
        await runner.run(200)
        assert sorted(runner.state.cluster_ids) == running(emulator) == existing(emulator)
        assert emulator.world.requests[RENT] <= 8
        assert [type(each) for each in runner.events].count(Moved) >= 7
        assert not runner.state.left_behind

    on(main)
