"""A fleet that Temporal keeps, whose workers are killed and frozen in a market that flaps.

`python tests/temporal_soak.py --help`. Temporal's development server and the workers are processes of their own. Then
the market calms down, and what the fleet's workflows claim is compared with what the server of Tensor One has.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from account_against_claim import differences
from fleet_soak import A40, FAULTS, L40S, RENT
from temporal_server import temporal_server
from temporalio.client import Client

from tensorone import BidPolicy, ClusterSpec
from tensorone.emulator import Emulator
from tensorone.fleet import FleetSpec
from tensorone.temporal import DurableFleet, TensorOnePlugin

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    client = TensorOne(url=url, settle_time=1.5, timeout=5, retry=RetryPolicy(attempts=1))
    async with client, fleet_worker(temporal, client, account="soak", requests_per_second=300):
        print("ready", flush=True)
        await anyio.sleep_forever()

anyio.run(main, *sys.argv[1:])
"""


@dataclass
class Report:
    """What the workflows claim against what the server has, at rest.

    Attributes:
        asked: Clusters that should run.
        hits: Workers that were killed or frozen.
        faults: Requests that a fault hit.
        moves: Clusters that were replaced.
        wrong: What is not as claimed, by kind.
        settled: Seconds from the calm until nothing of that was left; None if that did not happen.
        requests: Requests to the server.
        kinds: Events of the last runs' histories, by kind.
        leaks: Secrets that the database of Temporal holds.
    """

    asked: int
    hits: int
    faults: int
    moves: int
    wrong: dict[str, list[str]]
    settled: float | None
    requests: int
    kinds: Counter[str]
    leaks: list[str]

    @property
    def clean(self) -> bool:
        """Whether exactly the fleet exists, and no secret was stored."""
        return self.settled is not None and not self.leaks

    def __str__(self) -> str:
        what = f"{self.asked} clusters, {self.hits} kills and freezes, {self.faults} faults, {self.moves} moves, "
        what += f"{self.requests} requests: " + "".join(f"{len(found)} {kind}, " for kind, found in self.wrong.items())
        rest = "NOT AT REST" if self.settled is None else f"at rest after {self.settled:.1f} s"
        return f"{what}{len(self.leaks)} leaks, {rest}; {sum(self.kinds.values())} events of history"


class Workers:
    """Processes that carry the fleet."""

    def __init__(self, emulator: Emulator, address: str, count: int) -> None:
        self._command = [sys.executable, "-c", WORKER, emulator.url, address]
        self._environment = {
            "TENSORONE_API_KEY": emulator.api_key,
            "TENSORONE_HTTP": "httpx",
            "HF_TOKEN": SECRET,
            **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE")},
        }
        self._processes = [self._start() for _ in range(count)]

    def __len__(self) -> int:
        return len(self._processes)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self, which: int) -> None:
        """Ends one of them at once."""
        self._processes[which].kill()
        self._processes[which].wait()

    def start(self, which: int) -> None:
        """Starts it again."""
        self._processes[which] = self._start()

    def freeze(self, which: int) -> None:
        """Stops one of them in the middle of whatever it does."""
        self._processes[which].send_signal(signal.SIGSTOP)

    def thaw(self, which: int) -> None:
        """Lets it go on, as if nothing had happened."""
        self._processes[which].send_signal(signal.SIGCONT)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ends all of them at the end."""
        try:
            yield
        finally:
            for each in self._processes:
                each.kill()
                each.wait()


class Soak:
    """One run."""

    def __init__(self, emulator: Emulator, workers: Workers, fleet: DurableFleet, *, count: int, seed: int) -> None:
        self._emulator = emulator
        self._world = emulator.world
        self._workers = workers
        self._fleet = fleet
        self._count = count
        self._draw = random.Random(seed)
        self.faults = 0

    async def run(self, hits: int, *, calm: float) -> float | None:
        """Kills and freezes by turns; seconds until all is at rest."""
        self._calm()
        spec = ClusterSpec(image_name="i", gpu_type_ids=[A40, L40S], volume_in_gb=20, env_from={"HF_TOKEN": "HF_TOKEN"})
        fleet = FleetSpec(
            name="soak",
            slots={f"w{number}": "train" for number in range(self._count)},
            specs={"train": spec},
            bidding=BidPolicy(ceiling=0.4),
            left_behind="terminate",
            every=0.5,
            width=8,
            settle_time=1.5,
            backoff_initial=0.2,
            backoff_max=1,
            stable_after=1,
        )
        await self._fleet.keep(fleet)
        with anyio.fail_after(60):
            while sum(each.running for each in self._clusters()) < self._count:
                await anyio.sleep(0.1)
        for number in range(hits):
            which = self._draw.randrange(len(self._workers))
            freeze = number % 2 == 1
            (self._workers.freeze if freeze else self._workers.kill)(which)
            await self._flap(FROZEN if freeze else 1.0)
            (self._workers.thaw if freeze else self._workers.start)(which)
            await self._flap(3.0)
        self.faults = len(self._emulator.faults.hits)
        self._emulator.faults.clear()
        self._calm()
        self._world.terminate(self._clusters()[0].id)  # whatever happened before, this one has to be replaced
        begun = time.monotonic()
        with anyio.move_on_after(calm):
            while any((await self.found()).values()):
                await anyio.sleep(0.3)
            return time.monotonic() - begun
        return None

    def _clusters(self) -> list:
        return list(self._world.clusters.values())

    def _calm(self) -> None:
        self._world.set_minimum_bid(A40, "0.2")
        self._world.set_minimum_bid(L40S, "0.25")
        for host in self._world.hosts:
            self._world.occupy(host.machine_id, 0)

    async def found(self) -> dict[str, list[str]]:
        """What is not as the workflows claim, as it is now."""
        claimed = (await self._fleet.status()).clusters
        return differences(self._emulator, [claimed.get(f"w{slot}", f"w{slot}") for slot in range(self._count)])

    async def _flap(self, seconds: float) -> None:
        """Moves of the market, now and then a fault."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await anyio.sleep(0.2)
            running = [each for each in self._clusters() if each.running]
            if running and self._draw.random() < 0.5:
                self._world.preempt(self._draw.choice(running).id)
            elif running and self._draw.random() < 0.3:
                self._world.terminate(self._draw.choice(running).id)
            self._world.set_minimum_bid(A40, self._draw.choice(["0.2", "0.25", "0.3", "0.6"]))
            self._world.set_minimum_bid(L40S, self._draw.choice(["0.25", "0.3", "0.35", "0.6"]))
            if self._draw.random() < 0.4:
                self._emulator.faults.add(self._draw.choice(FAULTS))


def soak(count: int, *, seed: int, hits: int, workers: int = 3, calm: float = 60.0) -> Report:
    """One run against an emulator and a server of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        temporal_server(Path(folder) / "temporal.db") as address,
        Emulator(seed=seed, first_clusters=False, boot="at-once") as emulator,
    ):
        pool = Workers(emulator, address, workers)
        with pool.running():
            report = anyio.run(_run, emulator, pool, address, (count, seed, hits, calm))
        stored = b"".join(each.read_bytes() for each in Path(folder).iterdir())
        secrets = (SECRET, emulator.api_key)
        report.leaks = [each for each in secrets if each.encode() in stored]
        if b"tensorone-round" not in stored:
            raise RuntimeError("the database is not where it was looked for")
        return report


async def _run(emulator: Emulator, pool: Workers, address: str, given: tuple[int, int, int, float]) -> Report:
    count, seed, hits, calm = given
    temporal = await Client.connect(address, plugins=[TensorOnePlugin()])
    fleet = DurableFleet(temporal, account="soak", name="soak")
    run = Soak(emulator, pool, fleet, count=count, seed=seed)
    settled = await run.run(hits, calm=calm)
    wrong = await run.found()
    kinds: Counter[str] = Counter()
    history = await temporal.get_workflow_handle("tensorone/soak/soak/0").fetch_history()
    kinds.update(str(each.event_type) for each in history.events)
    requests = emulator.world.requests
    return Report(
        asked=count,
        hits=hits,
        faults=run.faults,
        moves=requests[RENT] - count,
        wrong=wrong,
        settled=settled,
        requests=sum(requests.values()),
        kinds=kinds,
        leaks=[],
    )


def main() -> int:
    """For a person: 0 if every run came to rest with exactly its fleet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=60)
    parser.add_argument("--hits", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    clean = True
    for seed in range(1, given.seeds + 1):
        report = soak(given.clusters, seed=seed, hits=given.hits)
        print(f"seed {seed}: {report}", flush=True)
        clean = clean and report.clean
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
