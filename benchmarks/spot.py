"""How much of the time a fleet runs, and at what cost: seven ways to keep it running, in the same markets.

`make bench-spot` prints the table of docs/spot.md. Time is simulated, so that the figures do not depend on the machine.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import anyio
import httpx
import trio.testing
from progress import shown

from tensorone import BidPolicy, ClusterSpec, Moved, SpotRental, TensorOne, TensorOneError
from tensorone.emulator import Emulator, random_market

FLEET, HOURS, STEP, SEEDS = 20, 6, 300, (1, 2, 3)
OPENINGS = {"NVIDIA A40": "0.20", "NVIDIA RTX A6000": "0.20", "NVIDIA RTX A5000": "0.16"}
TYPES = tuple(OPENINGS)
SPEC = ClusterSpec(image_name="i", gpu_type_ids=TYPES, volume_in_gb=10, cloud_type="ALL")
BIDDING = BidPolicy(ceiling=0.35)
STEADY = BidPolicy(ceiling=0.35, margin="15%")
BID = 0.25  # what the naive fleet bids, first and always
SAMPLE = 15.0  # seconds between two samples of the measurement itself, which sends no request


@dataclass
class Run:
    """One policy in one market: samples of clusters whose containers were up, and the bill."""

    up: int = 0
    samples: int = 0
    paid: Decimal = Decimal(0)

    @property
    def share(self) -> float:
        """Share of the time that a cluster of the fleet ran."""
        return self.up / self.samples / FLEET

    @property
    def per_hour(self) -> float:
        """US dollars for each cluster-hour that ran."""
        return float(self.paid) / (self.share * FLEET * HOURS)


Policy = Callable[[TensorOne], Awaitable[None]]


async def on_demand(client: TensorOne) -> None:
    """The fixed price, never preempted."""
    for _ in range(FLEET):
        await client.clusters.deploy(SPEC)


async def rented(client: TensorOne) -> list[SpotRental]:
    """The first spot fleet, the same for all policies that bid."""
    bidding = BidPolicy(ceiling=0.35, opening=BID)
    outcomes = await client.spot.acquire_many(SPEC, FLEET, bidding=bidding, timeout=1800, mode="best_effort")
    return [outcome.unwrap() for outcome in outcomes if outcome.ok]


async def naive(client: TensorOne) -> None:
    """Poll once a minute; resume what is stopped, at the same bid."""
    ids = [rental.cluster.id for rental in await rented(client)]
    while True:
        await anyio.sleep(60)
        for cluster in await client.clusters.list():
            if cluster.id in ids and cluster.desired_status == "EXITED":
                with suppress(TensorOneError):
                    await client.spot.resume(cluster.id, bid_per_gpu=BID, gpu_count=1)


async def skypilot(client: TensorOne) -> None:
    """SkyPilot's documented recovery: poll every 20 s, terminate, launch a new one; gaps of 60 s times 1.6."""
    await _relaunched(client, BIDDING)


async def skypilot_steady(client: TensorOne) -> None:
    """The same, at bids that are outbid less often."""
    await _relaunched(client, STEADY)


async def _relaunched(client: TensorOne, bidding: BidPolicy) -> None:
    ids = [rental.cluster.id for rental in await rented(client)]
    async with anyio.create_task_group() as group:
        for cluster_id in ids:
            group.start_soon(_relaunch, client, cluster_id, bidding)


async def _relaunch(client: TensorOne, cluster_id: str, bidding: BidPolicy) -> None:
    while True:
        await anyio.sleep(20)
        with suppress(TensorOneError):
            seen = await client.clusters.get_many([cluster_id])
            if seen[0] is not None and seen[0].desired_status != "EXITED":
                continue
            await client.clusters.terminate(cluster_id)
            gap = 60.0
            while True:
                try:  # one round over all types, cheapest first
                    rental = await client.spot.acquire(SPEC, bidding=bidding, timeout=1, order="lowest_price")
                except TensorOneError:
                    await anyio.sleep(gap)
                    gap = min(gap * 1.6, 300.0)
                else:
                    cluster_id = rental.cluster.id
                    break


async def kept(client: TensorOne) -> None:
    """This SDK: `spot.keep_running`, staying with the data as long as the ceiling allows."""
    await _kept(client, "replace_next", BIDDING)


async def cheapest(client: TensorOne) -> None:
    """The same, moving to the cheapest type."""
    await _kept(client, "replace_cheapest", BIDDING)


async def steady(client: TensorOne) -> None:
    """The same, at bids that are outbid less often."""
    await _kept(client, "replace_cheapest", STEADY)


async def _kept(client: TensorOne, strategy: Literal["replace_next", "replace_cheapest"], bidding: BidPolicy) -> None:
    rentals = await rented(client)
    async with client.spot.keep_running(
        {rental.cluster.id: rental.spec for rental in rentals},
        bids={rental.cluster.id: rental.bid_per_gpu for rental in rentals},
        bidding=bidding,
        strategy=strategy,
        order="lowest_price",
    ) as events:
        async for event in events:
            if isinstance(event, Moved):  # its data is discarded, as with SkyPilot
                await client.clusters.terminate(event.old_cluster_id)


POLICIES: dict[str, Policy] = {
    "on-demand": on_demand,
    "naive: resume at the same bid, every 60 s": naive,
    "SkyPilot's schedule: relaunch, 60 s times 1.6, 300 s at most": skypilot,
    'the same at `margin="15%"`': skypilot_steady,
    '`spot.keep_running`, `"replace_next"`: where the data is': kept,
    '`spot.keep_running`, `"replace_cheapest"`': cheapest,
    'the same at `margin="15%"`, `"replace_cheapest"`': steady,
}


async def measure(policy: Policy, seed: int) -> Run:
    """One policy through one market."""
    emulator = Emulator(clock=anyio.current_time, first_clusters=False, seed=seed, boot="60s", balance="100000")
    emulator.world.play(random_market(seed, OPENINGS, seconds=HOURS * 3600, step=STEP))
    run = Run()

    def sample() -> None:
        now = emulator.world.now
        run.up += min(FLEET, sum(cluster.up(now) for cluster in emulator.world.clusters.values()))
        run.samples += 1
        emulator.world.later(SAMPLE, sample)

    emulator.world.later(SAMPLE, sample)
    transport = httpx.ASGITransport(emulator.app)
    async with TensorOne(emulator.api_key, url="http://localhost/graphql", transport=transport) as client:
        with anyio.move_on_after(HOURS * 3600):
            await policy(client)
            await anyio.sleep_forever()
    run.paid = sum((line.amount for line in emulator.world.bill), Decimal(0))
    return run


def main() -> None:
    """Prints the table."""
    logging.disable()
    fixed: Run | None = None
    print("| policy | running | USD per cluster-hour that ran | against on-demand |")
    print("| --- | ---: | ---: | ---: |")
    for name, policy in POLICIES.items():
        runs = []
        with shown(f"{name}, markets", len(SEEDS)) as tell:
            for seed in SEEDS:
                clock = trio.testing.MockClock(autojump_threshold=0)
                runs.append(anyio.run(measure, policy, seed, backend="trio", backend_options={"clock": clock}))
                tell(len(runs))
        total = Run(
            sum(run.up for run in runs), sum(run.samples for run in runs), sum(run.paid for run in runs) / len(runs)
        )
        fixed = fixed or total
        shares = ", ".join(f"{run.share:.0%}" for run in runs)
        ratio = total.per_hour / fixed.per_hour
        print(
            f"| {name} | {total.share:.1%} ({shares}) | {total.per_hour:.3f} | {ratio:.2f} |",
            file=sys.stdout,
            flush=True,
        )


if __name__ == "__main__":
    main()
