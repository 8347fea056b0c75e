"""Records what a fleet's workflow did, for the replay test: `python tests/record_fleet_history.py FILE`.

Record another history beside the old ones when the workflow changes: they are what running fleets have.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import anyio
from fleet_soak import A40, LIST, RENT
from temporal_server import temporal_server
from temporalio.client import Client

from tensorone import BidPolicy, ClusterSpec, RetryPolicy, TensorOne
from tensorone.emulator import Emulator, Fault
from tensorone.fleet import FleetSpec
from tensorone.temporal import DurableFleet, TensorOnePlugin, fleet_worker


async def main(address: str, emulator: Emulator) -> str:
    """A fleet of two that loses clusters and answers, grows by one, and is ended."""
    temporal = await Client.connect(address, plugins=[TensorOnePlugin()], identity="program")
    client = TensorOne(emulator.api_key, url=emulator.url, settle_time=0.5, retry=RetryPolicy(attempts=1))
    spec = FleetSpec(
        name="night",
        slots={"w0": "train", "w1": "train"},
        specs={"train": ClusterSpec(image_name="i", gpu_type_id=A40)},
        bidding=BidPolicy(ceiling=0.4),
        left_behind="terminate",
        every=0.5,
        settle_time=0.5,
        backoff_initial=0.1,
    )
    fleet = DurableFleet(temporal, account="one", name="night")
    emulator.world.set_minimum_bid(A40, "0.2")
    emulator.faults.add(Fault("close", operation=RENT, commit=True), Fault("close", operation=LIST))

    async def until_running(count: int) -> None:
        with anyio.fail_after(30):
            while sum(each.running for each in emulator.world.clusters.values()) < count:
                await anyio.sleep(0.1)

    async with client, fleet_worker(temporal, client, account="one", requests_per_second=100):
        await fleet.keep(spec)
        await until_running(2)
        first, second = list(emulator.world.clusters)
        emulator.world.preempt(first)
        emulator.world.terminate(second)
        await anyio.sleep(1)
        await until_running(2)
        await fleet.resize(3)
        await until_running(3)
        await fleet.end()
    history = await temporal.get_workflow_handle("tensorone/one/night/0").fetch_history()
    return json.dumps(_without_machine(json.loads(history.to_json())), separators=(",", ":"))


def _without_machine(value: Any) -> Any:
    """The same without the names of the machine and its files."""
    if isinstance(value, list):
        return [_without_machine(each) for each in value]
    if isinstance(value, dict):
        kept = {name: _without_machine(each) for name, each in value.items() if name != "stackTrace"}
        return kept | ({"identity": "worker"} if "identity" in kept else {})
    return value


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as folder,
        temporal_server(Path(folder) / "temporal.db") as address,
        Emulator(first_clusters=False, boot="at-once") as emulator,
    ):
        Path(sys.argv[1]).write_text(anyio.run(main, address, emulator) + "\n")
