"""A tour against the emulator: rent, bid, wait, stop, resume and pay, without spending a cent.

Run it with `make demo`. It starts its own emulator, in which a minute passes every second.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from decimal import Decimal
from importlib.util import find_spec
from typing import TYPE_CHECKING

import tensorone
from tensorone import ClusterSpec, Outcome, TensorOne, fan_out
from tensorone.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DEPOSIT = Decimal(100)
GPU = "NVIDIA RTX A6000"
PYTORCH = ClusterSpec(
    image_name="tensorone/pytorch",
    gpu_type_id=GPU,
    cloud_type="ALL",
    volume_in_gb=40,
    container_disk_in_gb=40,
    ports=["8888/http"],
    env={"JUPYTER_PASSWORD": "correct-horse"},
)


def say(title: str, text: object = "") -> None:
    """Prints one line of the tour."""
    print(f"  {title:<26}{text}")


async def tour(client: TensorOne) -> None:
    """Rents, stops, resumes and terminates two clusters."""
    print("\nThe market")
    for gpu_type_id in (GPU, "NVIDIA GeForce RTX 4090", "NVIDIA H100 80GB HBM3"):
        quote = await client.spot.quote(gpu_type_id)
        if quote.minimum_bid is not None:
            say(gpu_type_id, f"${quote.on_demand_price:.2f} an hour, or spot from ${quote.minimum_bid:.2f}")

    print("\nTwo clusters")
    deployed = await client.clusters.deploy(PYTORCH)
    say("on-demand", f"{deployed.id} on machine {deployed.machine_id}")
    quote = await client.spot.quote(GPU)
    if quote.minimum_bid is None:
        raise SystemExit(f"no spot capacity for {GPU} now")
    bid = round(quote.minimum_bid * 1.1, 3)
    rented = await client.spot.rent(PYTORCH, bid_per_gpu=bid)
    say("spot", f"{rented.id} at a bid of ${bid} where ${quote.minimum_bid} wins")
    for name, cluster_id in (("on-demand", deployed.id), ("spot", rented.id)):
        up = await client.clusters.wait_until_running(cluster_id, timeout=20, port=8888, every=0.1)
        ports = [port.private_port for port in (up.runtime and up.runtime.ports) or ()]
        say(f"{name} is up", f"{up.desired_status}, open ports {ports}")

    print("\nA pause")
    for cluster_id in (deployed.id, rented.id):
        state = await client.clusters.stop(cluster_id)
        say("stopped", f"{state.id} is {state.desired_status}; its volume stays, and stays billed")
    again = await client.clusters.resume(deployed.id, gpu_count=1)
    say("on-demand resumed", f"{again.id} is {again.desired_status}")
    again = await client.spot.resume(rented.id, bid_per_gpu=bid, gpu_count=1)
    say("spot resumed", f"{again.id} is {again.desired_status}")

    for cluster_id in (deployed.id, rented.id):
        await client.clusters.terminate(cluster_id)
    say("terminated", "both, with their volumes")


@contextmanager
def progress(doing: str) -> Iterator[Callable[[int, int | None], None] | None]:
    """A bar on a terminal where rich is installed, unless a log is shown, which it would tear apart."""
    if os.environ.get("TENSORONE_LOG") or not (sys.stdout.isatty() and find_spec("rich")):
        yield None
        return
    from rich.progress import Progress  # noqa: PLC0415 - it is not needed to run this

    with Progress(transient=True) as bar:
        task = bar.add_task(f"  {doing}", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


async def fleet(client: TensorOne, count: int) -> None:
    """Many clusters at once, stopped and terminated again."""
    print(f"\nA fleet of {count}")
    worker = ClusterSpec(image_name="tensorone/worker", gpu_type_ids=[GPU, "NVIDIA A40", "NVIDIA L40S"])
    with progress("deploying") as on_progress:
        outcomes = await fan_out(client.clusters.deploy, [worker] * count, on_progress=on_progress)
    say("deployed", summary(outcomes))
    ids = [outcome.unwrap().id for outcome in outcomes if outcome.ok]
    with progress("stopping") as on_progress:
        say("stopped", summary(await fan_out(client.clusters.stop, ids, on_progress=on_progress)))
    with progress("terminating") as on_progress:
        say("terminated", summary(await fan_out(client.clusters.terminate, ids, on_progress=on_progress)))


def summary(outcomes: Sequence[Outcome[object, object]]) -> str:
    """How many there were, and the first error if some failed."""
    failed = [outcome.error for outcome in outcomes if not outcome.ok]
    return f"{len(outcomes)}" + (f", except {len(failed)}: {failed[0]}" if failed else "")


def settle(emulator: Emulator) -> bool:
    """Prints the bill by item; returns whether it equals what was paid, and nothing is left running."""
    print("\nThe bill")
    world = emulator.world
    with world.moment():  # the world stands still, so that bill and balance are of one moment
        lines, paid, left = world.bill, DEPOSIT - world.balance, len(world.clusters)
    for item in dict.fromkeys(line.item for line in lines):
        say(item, f"${sum(line.amount for line in lines if line.item == item):.4f}")
    total = sum(line.amount for line in lines)
    adds_up = total == paid
    say("sum", f"${total:.4f}, {'exactly' if adds_up else 'NOT'} what left the account")
    say("left running", left or "nothing")
    return adds_up and not left


async def main() -> int:
    """The tour, the fleet, the bill."""
    async with Emulator(seed=7, speed=60, boot="20s", balance=DEPOSIT, first_clusters=False) as emulator:
        print(f"An emulated Tensor One at {emulator.url}, where a minute passes every second")
        async with TensorOne(emulator.api_key, url=emulator.url) as client:
            await tour(client)
            await fleet(client, 100)
        return 0 if settle(emulator) else 1


if __name__ == "__main__":
    sys.exit(tensorone.run(main))
