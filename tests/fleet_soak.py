"""A fleet whose process is killed again and again in a market that flaps: `python tests/fleet_soak.py --help`.

The keeper is a process of its own that continues from a `FileStore`; SIGKILL ends it, and it is started again. Then the
market calms down, and what the state file claims is compared with what the server has.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import anyio

from tensorone import ClusterSpec, TensorOne
from tensorone.emulator import Emulator, Fault

A40, L40S = "NVIDIA A40", "NVIDIA L40S"
RENT, BID, LIST = "clusterRentInterruptable", "clusterBidResume", "myself"

KEEPER = """
import sys
import anyio
from tensorone import BidPolicy, ClusterSpec, FileStore, RetryPolicy, TensorOne

async def main(url, path, *ids):
    spec = ClusterSpec(image_name="i", gpu_type_ids=["NVIDIA A40", "NVIDIA L40S"], volume_in_gb=20)
    async with TensorOne(url=url, settle_time=1.5, timeout=5, retry=RetryPolicy(attempts=2)) as client:
        kept = client.spot.keep_running(
            dict.fromkeys(ids, spec), bids=dict.fromkeys(ids, 0.3), bidding=BidPolicy(ceiling=0.4), every=0.5,
            strategy="replace_next", left_behind="terminate", store=FileStore(path), width=8,
            backoff_initial=0.2, backoff_max=1, stable_after=1,
        )
        async with kept as events:
            async for event in events:
                print(type(event).__name__, flush=True)

anyio.run(main, *sys.argv[1:])
"""


@dataclass
class Report:
    """What the state claims against what the server has, at rest.

    Attributes:
        asked: Clusters that should run.
        kills: How often the keeper was killed.
        faults: Requests that a fault hit.
        moves: Clusters that were replaced.
        orphans: Clusters that run and that the state does not claim.
        lost: Clusters that the state claims and that do not run.
        stopped: Stopped clusters that still exist and that the state does not know.
        left: Clusters that were left behind and not ended, though that was asked for.
        settled: Seconds from the calm until nothing of that was left; None if that did not happen.
    """

    asked: int
    kills: int
    faults: int
    moves: int
    orphans: list[str]
    lost: list[str]
    stopped: list[str]
    left: list[str]
    settled: float | None

    @property
    def clean(self) -> bool:
        """Whether exactly the fleet exists."""
        return self.settled is not None

    def __str__(self) -> str:
        what = f"{self.asked} clusters, {self.kills} kills, {self.faults} faults, {self.moves} moves: "
        wrong = ", ".join(f"{len(getattr(self, each))} {each}" for each in ("orphans", "lost", "stopped", "left"))
        return what + wrong + (f", at rest after {self.settled:.1f} s" if self.settled is not None else ", NOT AT REST")


class Soak:
    """One run.

    Args:
        emulator: The server.
        path: The state file.
        count: Clusters.
        seed: Of the market's moves, of the faults and of the kills.
        forget: Delete the state at each kill: the control, which loses track of what it left behind.
    """

    def __init__(self, emulator: Emulator, path: Path, *, count: int, seed: int, forget: bool = False) -> None:
        self._emulator = emulator
        self._world = emulator.world
        self._path = path
        self._draw = random.Random(seed)
        self._forget = forget
        self._world.set_minimum_bid(A40, "0.2")
        self._world.set_minimum_bid(L40S, "0.25")
        self._ids: list[str] = []
        self._count = count

    def run(self, kills: int, *, calm: float) -> Report:
        """Kills so often, each time some moments after a first save, then waits for rest at most `calm` seconds."""
        self._ids = self._rented()
        for _ in range(kills):
            saved, keeper = self._saved_at(), self._keeper()
            while self._saved_at() == saved and keeper.poll() is None:
                self._flap()
            end = time.monotonic() + self._draw.uniform(0.2, 2.5)
            while time.monotonic() < end:
                self._flap()
            keeper.kill()
            keeper.wait()
            if self._forget:
                self._path.unlink(missing_ok=True)
        return self._at_rest(kills, calm)

    def _saved_at(self) -> int:
        return self._path.stat().st_mtime_ns if self._path.exists() else 0

    def _at_rest(self, kills: int, calm: float) -> Report:
        hits = len(self._emulator.faults.hits)
        self._emulator.faults.clear()
        self._world.set_minimum_bid(A40, "0.2")
        self._world.set_minimum_bid(L40S, "0.25")
        for host in self._world.hosts:
            self._world.occupy(host.machine_id, 0)
        state = json.loads(self._path.read_text()) if self._path.exists() else {"members": []}
        members = {each["cluster_id"] for each in state["members"]}
        for each in [name for name in list(self._world.clusters) if name in members][:1]:
            self._world.terminate(each)  # whatever happened before, this one has to be replaced
        keeper, begun, settled = self._keeper(), time.monotonic(), None
        try:
            while settled is None and time.monotonic() < begun + calm:
                time.sleep(0.2)
                found = self._found()
                if not any(found.values()):
                    settled = time.monotonic() - begun
        finally:
            keeper.kill()
            keeper.wait()
        moves = self._world.requests[RENT] - self._count
        return Report(asked=self._count, kills=kills, faults=hits, moves=moves, settled=settled, **self._found())

    def _found(self) -> dict[str, list[str]]:
        state = json.loads(self._path.read_text()) if self._path.exists() else {"members": [], "left_behind": []}
        members = {each["cluster_id"] for each in state["members"]}
        left = {each["cluster"]["old_cluster_id"] for each in state["left_behind"]}
        clusters = list(self._world.clusters.values())
        running = {each.id for each in clusters if each.running}
        stopped = {each.id for each in clusters} - running
        return {
            "orphans": sorted(running - members),
            "lost": sorted(members - running),
            "stopped": sorted(stopped - members - left),
            "left": sorted(left & stopped),
        }

    def _rented(self) -> list[str]:
        async def main() -> list[str]:
            spec = ClusterSpec(image_name="i", gpu_type_id=A40, volume_in_gb=20)
            async with TensorOne(self._emulator.api_key, url=self._emulator.url) as client:
                return [(await client.spot.rent(spec, bid_per_gpu=0.3)).id for _ in range(self._count)]

        return anyio.run(main)

    def _keeper(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", KEEPER, self._emulator.url, str(self._path), *self._ids]
        environment = {"TENSORONE_API_KEY": self._emulator.api_key, "TENSORONE_HTTP": "httpx", "PATH": ""}
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _flap(self) -> None:
        """One move of the market, now and then a fault."""
        time.sleep(0.15)
        running = [each for each in list(self._world.clusters.values()) if each.running]
        if running and self._draw.random() < 0.5:
            self._world.preempt(self._draw.choice(running).id)
        elif running and self._draw.random() < 0.3:
            self._world.terminate(self._draw.choice(running).id)
        self._world.set_minimum_bid(A40, self._draw.choice(["0.2", "0.25", "0.3", "0.6"]))
        self._world.set_minimum_bid(L40S, self._draw.choice(["0.25", "0.3", "0.35", "0.6"]))
        if self._draw.random() < 0.4:
            self._emulator.faults.add(self._draw.choice(FAULTS))


FAULTS = [
    Fault("close", operation=RENT, commit=True),
    Fault("commit_late", operation=RENT, seconds=0.7),
    Fault("commit_late", operation=BID, seconds=0.7),
    Fault("close", operation=BID),
    Fault("listing_lag", operation=RENT, seconds=0.8),
    Fault("close", operation=LIST),
    Fault("delay", operation=LIST, seconds=0.3),
]


def soak(count: int, *, seed: int, kills: int, calm: float = 30.0, forget: bool = False) -> Report:
    """One run against an emulator of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Emulator(seed=seed, first_clusters=False, boot="at-once") as emulator,
    ):
        run = Soak(emulator, Path(folder) / "fleet.json", count=count, seed=seed, forget=forget)
        return run.run(kills, calm=calm)


def main() -> int:
    """For a person: 0 if every run came to rest with exactly its fleet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=60)
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--forget", action="store_true", help="delete the state at each kill: the control")
    given = parser.parse_args()
    clean = True
    for seed in range(1, given.seeds + 1):
        report = soak(given.clusters, seed=seed, kills=given.kills, forget=given.forget)
        print(f"seed {seed}: {report}", flush=True)
        clean = clean and report.clean
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
