"""Twenty spot clusters through an hour of a moving market, in a few seconds, and their cost compared with on-demand.

`make demo` runs it. The emulator plays the service in this process, on a clock that jumps.
`python examples/spot_fleet.py --plot fleet.svg` also draws the hour; that needs the extra ``plot``.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from importlib.util import find_spec
from typing import TYPE_CHECKING

import anyio
import httpx
import trio.testing

import tensorone
from tensorone import BidPolicy, ClusterSpec, TensorOne
from tensorone.emulator import Emulator, MarketMove, random_market

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FLEET, HOUR = 20, 3600.0
OPENINGS = {"NVIDIA A40": "0.20", "NVIDIA RTX A6000": "0.20"}
SPEC = ClusterSpec(image_name="tensorone/pytorch", gpu_type_ids=list(OPENINGS), volume_in_gb=10)
BIDDING = BidPolicy(ceiling=0.35)


async def main(picture: str | None) -> None:
    """Rents the fleet, keeps it running for an hour, prints the bill, and draws the hour if asked to."""
    emulator = Emulator(clock=anyio.current_time, first_clusters=False, seed=3)
    moves = random_market(3, OPENINGS, seconds=2 * HOUR, step=180)
    opened = anyio.current_time()
    emulator.world.play(moves)
    transport = httpx.ASGITransport(emulator.app)
    async with TensorOne(emulator.api_key, url="http://localhost/graphql", transport=transport) as client:
        outcomes = await client.spot.acquire_many(SPEC, FLEET, bidding=BIDDING, timeout=600, mode="all_or_nothing")
        rentals = [outcome.unwrap() for outcome in outcomes]
        specs = {rental.cluster.id: rental.spec for rental in rentals}
        bids = {rental.cluster.id: rental.bid_per_gpu for rental in rentals}
        types = [rental.gpu_type_id or "" for rental in rentals]
        history: list[object] = []
        began, started = anyio.current_time(), time.time()
        with anyio.move_on_after(HOUR), progress(f"{FLEET} clusters through an hour") as tell:
            async with client.spot.keep_running(specs, bidding=BIDDING, bids=bids, strategy="replace_same") as events:
                async for event in events:
                    history.append(event)
                    tell((anyio.current_time() - began) / HOUR)
        hours = Decimal(str((anyio.current_time() - began) / HOUR))
        running = sum(cluster.desired_status == "RUNNING" for cluster in await client.clusters.list())
        report(emulator, Counter(type(event).__name__ for event in history), running, types, hours)
        if picture is not None:
            zero = started - (began - opened)  # when the market script began, on the clock of the events
            asked = [replace(move, at=zero + move.at) for move in moves]
            draw(picture, history, bids, asked, started, fixed_price(emulator, types))


@contextmanager
def progress(doing: str) -> Iterator[Callable[[float], None]]:
    """A bar on a terminal where rich is installed, unless a log is shown, which it would tear apart; else a line."""
    if os.environ.get("TENSORONE_LOG") or not (sys.stdout.isatty() and find_spec("rich")):
        print(f"{doing} …", flush=True)
        yield lambda _: None
        return
    from rich.progress import Progress  # noqa: PLC0415 - it is not needed to run this

    with Progress(transient=True) as bar:
        task = bar.add_task(doing, total=1.0)
        yield lambda share: bar.update(task, completed=share)


def report(emulator: Emulator, counts: Counter[str], running: int, types: list[str], hours: Decimal) -> None:
    """Prints the events, and the cost compared with the fixed prices of the same GPUs."""
    for name, count in counts.most_common():
        print(f"{count:4} x {name}")
    paid = sum((line.amount for line in emulator.world.bill), Decimal(0))
    on_demand = hours * fixed_price(emulator, types)
    print(f"{running} of {FLEET} clusters run after {hours:.1f} hours of a moving market")
    print(f"paid {paid:.2f} USD; on-demand {on_demand:.2f} USD for the GPUs alone; {1 - paid / on_demand:.0%} less")


def fixed_price(emulator: Emulator, types: list[str]) -> Decimal:
    """What the fleet's GPUs cost per hour at fixed prices."""
    fixed = {model.id: model.secure_price or Decimal(0) for model in emulator.world.gpu_models}
    return sum((fixed[name] for name in types), Decimal(0))


def draw(  # noqa: PLR0913 - each a layer of the picture
    path: str,
    history: list[object],
    bids: dict[str, Decimal],
    moves: list[MarketMove],
    started: float,
    hourly: Decimal,
) -> None:
    """Writes the timeline of the hour into a file; its ending chooses the format."""
    from tensorone.plot import timeline  # noqa: PLC0415 - an extra that the rest of the example does without

    prices = {name: [(move.at, move.minimum_bid) for move in moves if move.gpu_type_id == name] for name in OPENINGS}
    priced = {name: [(at, price) for at, price in each if price is not None] for name, each in prices.items()}
    timeline(
        history, fleet=bids, prices=priced, ceiling=BIDDING.ceiling, on_demand=hourly, start=started, end=started + HOUR
    ).savefig(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--plot", metavar="FILE", help="draw the hour into a file, such as fleet.svg")
    tensorone.run(
        main,
        parser.parse_args().plot,
        backend="trio",
        backend_options={"clock": trio.testing.MockClock(autojump_threshold=0)},
    )
