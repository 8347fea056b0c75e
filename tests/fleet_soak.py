"""A fleet whose process is killed and frozen again and again in a market that flaps.

`python tests/fleet_soak.py --help`. The keeper is a process of its own that continues from a `FileStore`. SIGKILL ends
it, and it is started again; SIGSTOP holds it up for some seconds. Then the market calms down, and what the state file
claims is compared with what the server has.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from account_against_claim import differences

from tensorone import ClusterSpec, FileStore, TensorOne
from tensorone.emulator import Emulator, Fault, Host
from tensorone.fleet import FleetState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

A40, L40S = "NVIDIA A40", "NVIDIA L40S"
RENT, BID, LIST, PRICES, END = (
    "clusterRentInterruptable",
    "clusterBidResume",
    "myself",
    "gpuTypes",
    "clusterTerminate",
)

FROZEN = 4.0  # seconds

KEEPER = """
import sys
import anyio
from tensorone import BidPolicy, ClusterSpec, FileStore, GaveUp, RetryPolicy, TensorOne

async def main(url, path, width, every, *ids):
    spec = ClusterSpec(image_name="i", gpu_type_ids=["NVIDIA A40", "NVIDIA L40S"], volume_in_gb=20)
    async with TensorOne(url=url, settle_time=1.5, timeout=5, retry=RetryPolicy(attempts=2)) as client:
        kept = client.spot.keep_running(
            dict.fromkeys(ids, spec), bids=dict.fromkeys(ids, 0.3), bidding=BidPolicy(ceiling=0.4), every=float(every),
            strategy="replace_next", left_behind="terminate", store=FileStore(path), width=int(width),
            backoff_initial=0.2, backoff_max=1, stable_after=1,
        )
        async with kept as events:
            async for event in events:
                if isinstance(event, GaveUp):
                    print("GaveUp", event, file=sys.stderr, flush=True)

anyio.run(main, *sys.argv[1:])
"""

# What a program does that keeps ids in a file and repeats what failed: the control.
NAIVE = """
import json, os, sys
import anyio
from tensorone import ClusterSpec, RetryPolicy, TensorOne, TensorOneError

def save(path, ids):
    with open(path + ".new", "w") as file:
        json.dump(ids, file)
    os.replace(path + ".new", path)

async def main(url, path, width, every, *ids):
    spec = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40", volume_in_gb=20)
    ids = json.load(open(path)) if os.path.exists(path) else list(ids)
    async with TensorOne(url=url, settle_time=0, timeout=5, retry=RetryPolicy(attempts=2)) as client:
        while True:
            try:
                running = {each.id for each in await client.clusters.list() if each.desired_status == "RUNNING"}
            except TensorOneError:
                continue
            for place, each in enumerate(ids):
                if each not in running:
                    try:
                        ids[place] = (await client.spot.rent(spec, bid_per_gpu=0.4)).id
                        await client.clusters.terminate(each)
                    except TensorOneError:
                        continue
                    save(path, ids)
            save(path, ids)
            await anyio.sleep(0.5)

anyio.run(main, *sys.argv[1:])
"""


@dataclass
class Report:
    """What the state claims against what the server has, at rest.

    Attributes:
        asked: Clusters that should run.
        hits: How often the keeper was killed or frozen.
        faults: Requests that a fault hit.
        moves: Clusters that were replaced.
        requests: Requests to the server.
        exits: How often the keeper ended by itself, and was started again.
        settled: Seconds from the calm, which finds most of the fleet down, until nothing was wrong; None if that did
            not happen.
        cpu: CPU seconds of the server in that time: on a busy machine most of the time is spent waiting for a core.
        wrong: What is not as claimed, by kind.
    """

    asked: int
    hits: int
    faults: int
    moves: int
    requests: int
    exits: int
    settled: float | None
    cpu: float
    wrong: dict[str, list[str]] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether exactly the fleet exists."""
        return self.settled is not None and not any(self.wrong.values())

    def __str__(self) -> str:
        what = f"{self.asked} clusters, {self.hits} kills and freezes, {self.faults} faults, {self.moves} moves, "
        what += f"{self.requests} requests, {self.exits} exits: "
        what += "".join(f"{len(found)} {kind}, " for kind, found in self.wrong.items())
        rest = "NOT AT REST" if self.settled is None else f"at rest after {self.settled:.1f} s"
        return f"{what}{rest}, {self.cpu:.1f} s of the server's CPU"


class Keeper:
    """The process that keeps the fleet, as a supervisor sees it.

    Args:
        command: What starts it.
        key: The account's.
        log: Where its complaints go.
    """

    def __init__(self, command: list[str], key: str, log: Path) -> None:
        self.exits = 0
        self._command = command
        self._environment = {"TENSORONE_API_KEY": key, "TENSORONE_HTTP": "httpx", "PATH": ""}
        self._environment |= {
            name: value for name, value in os.environ.items() if name.startswith(("COVERAGE", "PYTHON"))
        }
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self) -> None:
        """Starts it where it does not run."""
        if self._process is not None and self._process.poll() is not None:
            self.exits += 1
            self._process = None
        if self._process is None:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command, env=self._environment, stdout=subprocess.DEVNULL, stderr=log
                )

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """Ends it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Soak:
    """One run.

    Args:
        emulator: The server.
        path: The state file.
        count: Clusters.
        seed: Of the market's moves, of the faults and of the kills.
        naive: Whether the keeper is the control, which has to lose something.
    """

    def __init__(self, emulator: Emulator, path: Path, *, count: int, seed: int, naive: bool = False) -> None:
        self._emulator = emulator
        self._world = emulator.world
        self._path = path
        self._draw = random.Random(seed)
        self._naive = naive
        self._count = count
        self._calm()
        ids = self._rented()
        width, every = max(8, count // 12), max(0.5, count / 300)  # a listing of many takes its time
        program = NAIVE if naive else KEEPER
        command = [sys.executable, "-c", program, emulator.url, str(path), str(width), str(every), *ids]
        self._keeper = Keeper(command, emulator.api_key, path.with_suffix(".log"))

    def run(self, hits: int, *, calm: float) -> Report:
        """Kills and freezes by turns, each some moments after a save, then waits for rest at most `calm` seconds."""
        try:
            for number in range(hits):
                self._until_saved()
                self._flap(self._draw.uniform(0.5, 5))
                if number % 2:
                    self._keeper.send(signal.SIGSTOP)
                    self._flap(FROZEN)
                    self._keeper.send(signal.SIGCONT)
                    continue
                self._keeper.kill()
            faults = len(self._emulator.faults.hits)
            busy = time.process_time()
            settled = self._at_rest(calm)
            busy = time.process_time() - busy
        finally:
            self._keeper.kill()
        requests = self._world.requests
        return Report(
            asked=self._count,
            hits=hits,
            faults=faults,
            moves=requests[RENT] - self._count,
            requests=sum(requests.values()),
            exits=self._keeper.exits,
            settled=settled,
            cpu=busy,
            wrong=self._found(),
        )

    def _until_saved(self) -> None:
        saved, end = self._saved_at(), time.monotonic() + 60
        while self._saved_at() == saved and time.monotonic() < end:
            self._flap(0.1)

    def _saved_at(self) -> int:
        return self._path.stat().st_mtime_ns if self._path.exists() else 0

    def _calm(self) -> None:
        self._world.set_minimum_bid(A40, "0.2")
        self._world.set_minimum_bid(L40S, "0.25")
        for host in self._world.hosts:
            self._world.occupy(host.machine_id, 0)

    def _at_rest(self, calm: float) -> float | None:
        """Seconds until exactly the fleet exists; begins with a cluster that is lost whatever happened before."""
        self._emulator.faults.clear()
        self._calm()
        running = [each.id for each in list(self._world.clusters.values()) if each.running]
        if claimed := sorted({*running} & {*self._claim()[0]}):
            self._world.terminate(claimed[0])
        begun = time.monotonic()
        while time.monotonic() < begun + calm:
            self._keeper.watch()
            time.sleep(0.2)
            if not any(self._found().values()):
                return time.monotonic() - begun
        return None

    def _claim(self) -> tuple[Sequence[str], list[str]]:
        """The cluster of each place, and those that were left behind, as the file has them."""
        text = FileStore(self._path).read()
        if text is None or self._naive:
            return json.loads(text or "[]"), []
        state = FleetState.from_json(text)
        return state.cluster_ids, [each.key for each in state.left_behind]

    def _found(self) -> dict[str, list[str]]:
        return differences(self._emulator, *self._claim())

    def _rented(self) -> list[str]:
        async def main() -> list[str]:
            spec = ClusterSpec(image_name="i", gpu_type_id=A40, volume_in_gb=20)
            async with TensorOne(self._emulator.api_key, url=self._emulator.url) as client:
                return [(await client.spot.rent(spec, bid_per_gpu=0.3)).id for _ in range(self._count)]

        return anyio.run(main)

    def _flap(self, seconds: float) -> None:
        """Moves of the market, as many as the fleet is large, and now and then a fault."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._keeper.watch()
            time.sleep(0.15)
            for _ in range(max(1, self._count // 60)):
                self._jolt()
            self._world.set_minimum_bid(A40, self._draw.choice(["0.2", "0.25", "0.3", "0.6"]))
            self._world.set_minimum_bid(L40S, self._draw.choice(["0.25", "0.3", "0.35", "0.6"]))
            if self._draw.random() < 0.4:
                self._emulator.faults.add(self._draw.choice(FAULTS))

    def _jolt(self) -> None:
        running = [each for each in list(self._world.clusters.values()) if each.running]
        if running and self._draw.random() < 0.5:
            self._world.preempt(self._draw.choice(running).id)
        elif running and self._draw.random() < 0.3:
            self._world.terminate(self._draw.choice(running).id)


# Every kind. A refusal that nobody knows ends a cluster's recovery, as it should, and so none meets a rental here.
FAULTS = [
    Fault("close", operation=RENT, commit=True),
    Fault("close", operation=BID),
    Fault("close", operation=LIST),
    Fault("reset", operation=RENT, commit=True),
    Fault("reset", operation=BID, commit=True),
    Fault("reset", operation=END),
    Fault("commit_late", operation=RENT, seconds=0.7),
    Fault("commit_late", operation=BID, seconds=0.7),
    Fault("listing_lag", operation=RENT, seconds=0.8),
    Fault("delay", operation=LIST, seconds=0.3),
    Fault("delay", operation=RENT, seconds=1),
    Fault("hang", operation=RENT, commit=True),
    Fault("hang", operation=PRICES),
    Fault("refuse", seconds=0.2),
    Fault("truncate", operation=RENT),
    Fault("truncate", operation=LIST),
    Fault("rate_limited", operation=RENT, retry_after=1),
    Fault("rate_limited", operation=LIST, retry_after=1),
    Fault("bad_gateway", operation=RENT),
    Fault("bad_gateway", operation=LIST),
    Fault("server_error", operation=RENT),
    Fault("server_error", operation=BID),
    Fault("internal_error", operation=RENT),
    Fault("internal_error", operation=END),
    Fault("graphql_error", operation=LIST),
    Fault("graphql_error", operation=PRICES),
    Fault("garbage", operation=RENT),
    Fault("garbage", operation=LIST),
    Fault("data_with_errors", operation=RENT),
    Fault("data_with_errors", operation=BID),
    Fault("null", operation=RENT),
    Fault("null", operation=LIST),
    Fault("unknown_enum", operation=RENT),
    Fault("extra_field", operation=LIST),
]


def machines(count: int, seed: int) -> Iterator[Host]:
    """Room for twice the fleet, of two GPU types."""
    draw = random.Random(seed)
    for number in range(max(32, count // 4)):
        gpu_type_id = (A40, L40S)[number % 2]
        yield Host(machine_id=f"m{number:03}{draw.randrange(16**8):08x}", gpu_type_id=gpu_type_id, cloud="SECURE")


def soak(count: int, *, seed: int, hits: int, calm: float = 60.0, naive: bool = False) -> Report:
    """One run against an emulator of its own."""
    hosts = machines(count, seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        Emulator(seed=seed, first_clusters=False, boot="at-once", hosts=hosts, balance="100000") as emulator,
    ):
        run = Soak(emulator, Path(folder) / "fleet.json", count=count, seed=seed, naive=naive)
        report = run.run(hits, calm=calm)
        if report.exits or not report.clean:
            log = (Path(folder) / "fleet.log").read_text().splitlines()
            print(*(each for each in log if each.startswith(("tensorone.", "GaveUp"))), sep="\n")
        return report


def main() -> int:
    """For a person: 0 if every run came to rest with exactly its fleet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=60)
    parser.add_argument("--hits", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--naive", action="store_true", help="a loop with a file of ids: the control")
    given = parser.parse_args()
    clean = True
    for seed in range(given.first, given.first + given.seeds):
        report = soak(given.clusters, seed=seed, hits=given.hits, naive=given.naive)
        print(f"seed {seed}: {report}", flush=True)
        clean = clean and report.clean
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
