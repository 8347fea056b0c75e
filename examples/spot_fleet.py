"""Twenty spot clusters through an hour of a moving market, in a few seconds, and their cost compared with on-demand.

`make demo` runs it. The emulator plays the service in this process, on a clock that jumps.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import anyio
import httpx
import trio.testing

import tensorone
from tensorone import BidPolicy, ClusterSpec, TensorOne
from tensorone.emulator import Emulator, random_market

FLEET, HOUR = 20, 3600.0
OPENINGS = {"NVIDIA A40": "0.20", "NVIDIA RTX A6000": "0.20"}
SPEC = ClusterSpec(image_name="tensorone/pytorch", gpu_type_ids=list(OPENINGS), volume_in_gb=10)
BIDDING = BidPolicy(ceiling=0.35)


async def main() -> None:
    """Rents the fleet, keeps it running for an hour, and prints the bill."""
    emulator = Emulator(clock=anyio.current_time, first_clusters=False, seed=3)
    emulator.world.play(random_market(3, OPENINGS, seconds=2 * HOUR, step=180))
    transport = httpx.ASGITransport(emulator.app)
    async with TensorOne(emulator.api_key, url="http://localhost/graphql", transport=transport) as client:
        outcomes = await client.spot.acquire_many(SPEC, FLEET, bidding=BIDDING, timeout=600, mode="all_or_nothing")
        rentals = [outcome.unwrap() for outcome in outcomes]
        specs = {rental.cluster.id: rental.spec for rental in rentals}
        bids = {rental.cluster.id: rental.bid_per_gpu for rental in rentals}
        types = [rental.gpu_type_id or "" for rental in rentals]
        counts, began = Counter[str](), anyio.current_time()
        with anyio.move_on_after(HOUR):
            async with client.spot.keep_running(specs, bidding=BIDDING, bids=bids, strategy="replace_same") as events:
                async for event in events:
                    counts[type(event).__name__] += 1
        hours = Decimal(str((anyio.current_time() - began) / HOUR))
        running = sum(cluster.desired_status == "RUNNING" for cluster in await client.clusters.list())
        report(emulator, counts, running, types, hours)


def report(emulator: Emulator, counts: Counter[str], running: int, types: list[str], hours: Decimal) -> None:
    """Prints the events, and the cost compared with the fixed prices of the same GPUs."""
    fixed = {model.id: model.secure_price or Decimal(0) for model in emulator.world.gpu_models}
    for name, count in counts.most_common():
        print(f"{count:4} x {name}")
    paid = sum((line.amount for line in emulator.world.bill), Decimal(0))
    on_demand = hours * sum((fixed[name] for name in types), Decimal(0))
    print(f"{running} of {FLEET} clusters run after {hours:.1f} hours of a moving market")
    print(f"paid {paid:.2f} USD; on-demand {on_demand:.2f} USD for the GPUs alone; {1 - paid / on_demand:.0%} less")


if __name__ == "__main__":
    tensorone.run(main, backend="trio", backend_options={"clock": trio.testing.MockClock(autojump_threshold=0)})
