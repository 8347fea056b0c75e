"""A fleet that Temporal keeps, whose workers are killed and frozen in a market that flaps.

`python tests/temporal_soak.py --help`. Temporal's development server and the workers are processes of their own. Then
the market calms down, and what the fleet's workflows claim is compared with what the server of Tensor One has. The
control is a script that saves ids and repeats what failed (`tests/naive_fleet.py`).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from account_against_claim import differences
from flapping_market import A40, L40S, RENT, calm, emulator, flap
from killed_processes import Processes
from temporal_histories import Histories, counted, histories, payloads
from temporal_server import connected, temporal_server

from tensorone import BidPolicy, ClusterSpec
from tensorone.fleet import FleetSpec
from tensorone.temporal import DurableFleet
from tensorone.temporal._converter import unpacked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tensorone.emulator import Emulator

SECRET = "hf_planted_0123456789abcdef"
FROZEN = 6.0  # seconds

WORKER = """
import sys
import anyio
from temporalio.client import Client
from tensorone import RetryPolicy, TensorOne
from tensorone.temporal import TensorOnePlugin, fleet_worker

async def main(url, address):
    temporal = await Client.connect(address, plugins=[TensorOnePlugin()])
    rate = 300
    client = TensorOne(url=url, settle_time=1.5, timeout=5, retry=RetryPolicy(attempts=1), requests_per_second=rate)
    async with client, fleet_worker(temporal, client, account="soak", requests_per_second=rate):
        print("ready", flush=True)
        await anyio.sleep_forever()

anyio.run(main, *sys.argv[1:])
"""


@dataclass
class Report:
    """What is claimed against what the server has, at rest.

    Attributes:
        asked: Clusters that should run.
        hits: Processes that were killed or frozen.
        faults: Requests that a fault hit.
        moves: Clusters that were replaced.
        wrong: What is not as claimed, by kind.
        settled: Seconds from the calm until nothing of that was left; None if that did not happen.
        requests: Requests to the server.
        leaks: Secrets that the database of Temporal holds.
        written: What is in Temporal's histories.
    """

    asked: int
    hits: int
    faults: int
    moves: int
    wrong: dict[str, list[str]]
    settled: float | None
    requests: int
    leaks: list[str] = field(default_factory=list)
    written: Histories | None = None

    @property
    def clean(self) -> bool:
        """Whether exactly the fleet exists, no secret was stored, and no more than may be."""
        return self.settled is not None and not self.leaks and (self.written is None or self.written.small)

    def __str__(self) -> str:
        what = f"{self.asked} clusters, {self.hits} kills and freezes, {self.faults} faults, {self.moves} moves, "
        what += f"{self.requests} requests: " + "".join(f"{len(found)} {kind}, " for kind, found in self.wrong.items())
        rest = "NOT AT REST" if self.settled is None else f"at rest after {self.settled:.1f} s"
        if self.written is None:
            return what + rest
        return f"{what}{len(self.leaks)} secrets stored, {rest}; {self.written}"


def fleet_of(count: int) -> FleetSpec:
    """What is asked for."""
    spec = ClusterSpec(image_name="i", gpu_type_ids=[A40, L40S], volume_in_gb=20, env_from={"HF_TOKEN": "HF_TOKEN"})
    return FleetSpec(
        name="soak",
        slots={f"w{number}": "train" for number in range(count)},
        specs={"train": spec},
        bidding=BidPolicy(ceiling=0.4),
        left_behind="terminate",
        every=0.5 if count < 200 else 2.0,
        width=8 if count < 200 else 64,
        settle_time=1.5,
        backoff_initial=0.2,
        backoff_max=1,
        stable_after=1,
    )


class Soak:
    """One run.

    Args:
        emulator: The server.
        processes: What keeps the fleet.
        claimed: The cluster of each slot, as whoever keeps the fleet claims; see `differences`.
        count: Slots.
        seed: Of the market's moves, of the faults and of the hits.
    """

    def __init__(
        self,
        emulator: Emulator,
        processes: Processes,
        claimed: Callable[[], Awaitable[list[str]]],
        *,
        count: int,
        seed: int,
    ) -> None:
        self._emulator = emulator
        self._processes = processes
        self._claimed = claimed
        self._count = count
        self._draw = random.Random(seed)

    async def run(self, hits: int, *, patience: float) -> Report:
        """Kills and freezes by turns, and waits for rest."""
        with anyio.fail_after(60 + self._count):
            while sum(each.running for each in self._clusters()) < self._count:
                await anyio.sleep(0.1)
        for number in range(hits):
            which = self._draw.randrange(len(self._processes))
            freeze = number % 2 == 1
            (self._processes.freeze if freeze else self._processes.kill)(which)
            await self._flap(FROZEN if freeze else 1.0)
            (self._processes.thaw if freeze else self._processes.start)(which)
            await self._flap(3.0)
        faults = len(self._emulator.faults.hits)
        calm(self._emulator)
        self._emulator.world.terminate(self._clusters()[0].id)  # whatever happened, this one has to be replaced
        settled = await self._at_rest(patience)
        requests = self._emulator.world.requests
        return Report(
            asked=self._count,
            hits=hits,
            faults=faults,
            moves=requests[RENT] - self._count,
            wrong=await self._found(),
            settled=settled,
            requests=sum(requests.values()),
        )

    async def _at_rest(self, patience: float) -> float | None:
        begun = time.monotonic()
        while any((await self._found()).values()):
            if time.monotonic() > begun + patience:
                return None
            await anyio.sleep(0.3)
        return time.monotonic() - begun

    async def _found(self) -> dict[str, list[str]]:
        return differences(self._emulator, await self._claimed())

    def _clusters(self) -> list:
        return list(self._emulator.world.clusters.values())

    async def _flap(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await anyio.sleep(0.2)
            flap(self._emulator, self._draw, losses=1 + self._count // 120)


@dataclass(frozen=True)
class Task:
    """How one run goes; seconds until it has to be at rest."""

    count: int
    seed: int
    hits: int
    workers: int = 3
    patience: float = 60.0

    def environment(self, emulator: Emulator) -> dict[str, str]:
        """What its processes need."""
        return {"TENSORONE_API_KEY": emulator.api_key, "TENSORONE_HTTP": "httpx", "HF_TOKEN": SECRET}


def soak(task: Task) -> Report:
    """One run against an emulator and a server of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address = stack.enter_context(temporal_server(folder / "temporal.db"))
        server = stack.enter_context(emulator(task.seed, task.count))
        calm(server)
        workers = Processes([sys.executable, "-c", WORKER, server.url, address], task.environment(server), task.workers)
        with workers.running():
            report, texts = anyio.run(_keep, server, workers, address, task)
        stored = b"".join(each.read_bytes() for each in folder.iterdir()) + texts
        report.leaks = [each for each in (SECRET, server.api_key) if each.encode() in stored]
        if b"tensorone-rounds" not in stored or b"soak--w0" not in texts:
            raise RuntimeError("what Temporal stored is not where it was looked for")
        return report


async def _keep(emulator: Emulator, workers: Processes, address: str, task: Task) -> tuple[Report, bytes]:
    temporal = await connected(address)
    fleet = DurableFleet(temporal, account="soak", name="soak")
    slots = [f"w{number}" for number in range(task.count)]

    async def claimed() -> list[str]:
        clusters = (await fleet.status()).clusters
        return [clusters.get(slot, slot) for slot in slots]

    await fleet.keep(fleet_of(task.count))
    run = Soak(emulator, workers, claimed, count=task.count, seed=task.seed)
    report = await run.run(task.hits, patience=task.patience)
    if not report.clean:
        print(replace(await fleet.status(), clusters={}), report.wrong)
    written = await histories(temporal, "tensorone/soak/soak/0")
    report.written = counted(written)
    return report, b"".join(unpacked(each) for events in written for event in events for each in payloads(event))


def control(task: Task) -> Report:
    """The same, kept by a script that saves ids and repeats what failed."""
    with tempfile.TemporaryDirectory() as folder, emulator(task.seed, task.count) as server:
        calm(server)
        path = Path(folder) / "ids.json"
        script = [sys.executable, str(Path(__file__).with_name("naive_fleet.py")), server.url, str(path)]
        one = Processes([*script, str(task.count)], task.environment(server), 1)

        async def claimed() -> list[str]:
            ids = json.loads(path.read_text() or "{}") if path.exists() else {}
            return [ids.get(f"w{number}", f"w{number}") for number in range(task.count)]

        with one.running():
            run = Soak(server, one, claimed, count=task.count, seed=task.seed)
            return anyio.run(lambda: run.run(task.hits, patience=20.0))


def main() -> int:
    """For a person: 0 if every run came to rest with exactly its fleet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=60)
    parser.add_argument("--hits", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--client", choices=["temporal", "naive"], default="temporal")
    given = parser.parse_args()
    run, clean = {"temporal": soak, "naive": control}[given.client], True
    for seed in range(given.first, given.first + given.seeds):
        report = run(Task(given.clusters, seed, given.hits))
        print(f"seed {seed}: {report}", flush=True)
        clean = clean and report.clean
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
