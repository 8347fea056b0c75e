"""What a program's calls ask of Temporal, and what they make of its answers: with a stand-in for its client."""

from types import SimpleNamespace

import pytest
from fleets_for_temporal import fleet_of
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from tensorone import ConfigurationError, InvalidArgument
from tensorone.fleet import FleetSpec
from tensorone.temporal import DurableFleet, TensorOnePlugin


class Handle:
    """A workflow that Temporal knows, or does not."""

    def __init__(self, temporal, name):
        self._temporal = temporal
        self._name = name

    async def describe(self):
        if self._name not in self._temporal.workflows:
            raise RPCError("no", self._temporal.missing, b"")
        return SimpleNamespace(status=self._temporal.workflows[self._name])

    async def query(self, method, *args, rpc_timeout=None):
        return [] if args else self._temporal.started[self._name]

    async def signal(self, method, *args):
        self._temporal.signals.append((self._name, *args))
        raise RPCError("it ended just now", RPCStatusCode.NOT_FOUND, b"")

    async def result(self):
        return None


class Temporal:
    """As much of a client as is asked."""

    def __init__(self):
        self.workflows = {}
        self.started = {}
        self.signals = []
        self.missing = RPCStatusCode.NOT_FOUND
        self.plugins = [TensorOnePlugin()]

    def config(self):
        return {"plugins": self.plugins}

    def get_workflow_handle(self, name):
        return Handle(self, name)

    async def start_workflow(self, method, shard, **options):
        assert options["task_queue"] == "tensorone-prod"
        assert options["start_signal_args"] == [shard.fleet]
        self.workflows[options["id"]] = WorkflowExecutionStatus.RUNNING
        self.started[options["id"]] = shard.fleet


async def test_a_large_fleet_is_divided_over_workflows_of_500_slots():
    """Their ids are the fleet's lock, and hold account, name and number."""
    temporal = Temporal()
    fleet = DurableFleet(temporal, account="prod", name="night")
    await fleet.keep(fleet_of(501))
    assert {name: len(part.slots) for name, part in temporal.started.items()} == {
        "tensorone/prod/night/0": 500,
        "tensorone/prod/night/1": 1,
    }
    assert all(isinstance(part, FleetSpec) for part in temporal.started.values())
    await fleet.keep(fleet_of(501))
    assert not temporal.signals
    await fleet.end("stop")
    assert [how for _, how in temporal.signals] == ["stop", "stop"]


async def test_a_fleet_that_nobody_keeps_has_no_status():
    """And its events are at their end."""
    temporal = Temporal()
    fleet = DurableFleet(temporal, account="prod", name="night")
    with pytest.raises(InvalidArgument, match="call keep first"):
        await fleet.status()
    assert [each async for each in fleet.events()] == []
    await fleet.keep(fleet_of(1))
    assert await fleet.spec() == fleet_of(1)
    temporal.workflows["tensorone/prod/night/0"] = WorkflowExecutionStatus.COMPLETED
    assert [each async for each in fleet.events()] == []


async def test_errors_of_temporal_are_passed_on():
    """That it cannot be reached does not mean that there is no fleet."""
    temporal = Temporal()
    temporal.missing = RPCStatusCode.UNAVAILABLE
    with pytest.raises(RPCError):
        await DurableFleet(temporal, account="prod", name="night").keep(fleet_of(1))


async def test_what_it_cannot_carry_is_refused_at_once():
    """A client of Temporal without the plugin, and clusters of no slot, beside which others would be rented."""
    temporal = Temporal()
    fleet = DurableFleet(temporal, account="prod", name="night")
    with pytest.raises(InvalidArgument, match="clusters: names wO, which are no slots"):
        await fleet.keep(fleet_of(1), clusters={"wO": "abc123"})
    assert not temporal.started
    temporal.plugins = []
    with pytest.raises(ConfigurationError, match="no plugin"):
        DurableFleet(temporal, account="prod", name="night")
