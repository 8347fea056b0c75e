"""A day of a small spot fleet in a moving market, on a clock that jumps: what happened, and at what prices."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, field, replace
from decimal import Decimal

import anyio
import httpx
import trio.testing
from trio._core import _run as scheduler

import tensorone
from tensorone import BidPolicy, ClusterSpec, TensorOne
from tensorone.emulator import Emulator, random_market

FLEET, HOUR = 8, 3600.0
DAY = 24 * HOUR
OPENINGS = {"NVIDIA A40": "0.20", "NVIDIA RTX A6000": "0.20"}
SPEC = ClusterSpec(image_name="tensorone/pytorch", gpu_type_ids=list(OPENINGS), volume_in_gb=10)
BIDDING = BidPolicy(ceiling=0.28)


@dataclass
class Day:
    """What the picture shows.

    Attributes:
        events: Those of `keep_running`, timed in seconds since the fleet began.
        bids: What the fleet was won for.
        prices: What the market asked for each GPU type.
        on_demand: What the fleet would cost at fixed prices, US dollars per hour.
    """

    events: list[object] = field(default_factory=list[object])
    bids: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    prices: dict[str, list[tuple[float, Decimal]]] = field(default_factory=dict[str, list[tuple[float, Decimal]]])
    on_demand: Decimal = Decimal(0)


def simulated(seed: int = 5) -> Day:
    """The day of one seed, the same each time."""
    random.seed(seed)  # the SDK's jitter
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True
    scheduler._r.seed(seed)
    logging.disable()
    clock = trio.testing.MockClock(autojump_threshold=0)
    return tensorone.run(_live, seed, backend="trio", backend_options={"clock": clock})


async def _live(seed: int) -> Day:
    emulator = Emulator(clock=anyio.current_time, first_clusters=False, seed=seed, boot="60s", balance="1000")
    moves = random_market(seed, OPENINGS, seconds=DAY + HOUR, step=1800)
    emulator.world.play(moves)
    transport = httpx.ASGITransport(emulator.app)
    day = Day()
    async with TensorOne(emulator.api_key, url="http://localhost/graphql", transport=transport) as client:
        outcomes = await client.spot.acquire_many(SPEC, FLEET, bidding=BIDDING, timeout=600, mode="all_or_nothing")
        rentals = [outcome.unwrap() for outcome in outcomes]
        day.bids = {rental.cluster.id: Decimal(str(rental.bid_per_gpu or 0)) for rental in rentals}
        fixed = {model.id: model.secure_price or Decimal(0) for model in emulator.world.gpu_models}
        day.on_demand = sum((fixed[rental.gpu_type_id or ""] for rental in rentals), Decimal(0))
        began = emulator.world.now
        specs = {rental.cluster.id: rental.spec for rental in rentals}
        with anyio.move_on_after(DAY):
            async with client.spot.keep_running(
                specs, bidding=BIDDING, bids=day.bids, strategy="replace_next", order="lowest_price"
            ) as events:
                async for event in events:
                    # In the day's own seconds: those of the wall differ from run to run.
                    day.events.append(replace(event, at=round(emulator.world.now - began)))
    for name in OPENINGS:
        moved = [(move.at - began, move.minimum_bid) for move in moves if move.gpu_type_id == name]
        day.prices[name] = [(at, Decimal(price)) for at, price in moved if price is not None and at < DAY]
    return day
