"""A thousand seeded markets in simulated time: what the server's own log shows of every bid, rental and lease."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import anyio
import pytest

from tensorone import BidCeilingReached, BidPolicy, ClusterNotFound, ClusterSpec, NoCapacity, SpotRental, WaitTimedOut
from tensorone.emulator import Fault, MarketMove, random_market

if TYPE_CHECKING:
    from tensorone import TensorOne
    from tensorone.emulator import Emulator

RENT = "clusterRentInterruptable"
EVERY = 15.0
SLACK = 1.0  # seconds for the requests themselves
PRICES = {  # minimum bid to begin with, and the fixed price that no bid may reach
    "NVIDIA A40": (Decimal("0.20"), Decimal("0.40")),
    "NVIDIA L40S": (Decimal("0.43"), Decimal("0.79")),
    "NVIDIA RTX A4000": (Decimal("0.12"), Decimal("0.17")),
}


@dataclass(frozen=True)
class Market:
    """One script, and what is asked of it."""

    moves: tuple[MarketMove, ...]
    types: tuple[str, ...]
    ceiling: Decimal
    timeout: float
    faulty: bool
    leased: bool

    @classmethod
    def draw(cls, seed: int) -> Market:
        """A market from a seed; in some nothing is free at first, and in some answers get lost."""
        rng = random.Random(seed)
        types = tuple(rng.sample(sorted(PRICES), rng.randint(1, 3)))
        timeout = rng.uniform(60, 400)
        openings = {name: PRICES[name][0] * Decimal(str(round(rng.uniform(0.8, 1.6), 3))) for name in types}
        moves = random_market(seed, openings, seconds=timeout, step=40)
        closed = [MarketMove(at=0, gpu_type_id=name, free_gpus=0) for name in types if rng.random() < 0.4]
        opened = [MarketMove(at=rng.uniform(0, 500), gpu_type_id=move.gpu_type_id, free_gpus=-1) for move in closed]
        ceiling = PRICES[types[0]][0] * Decimal(str(round(rng.uniform(0.9, 1.6), 2)))
        ordered = sorted((*moves, *closed, *opened), key=lambda move: move.at)
        return cls(tuple(ordered), types, ceiling, timeout, rng.random() < 0.3, rng.random() < 0.3)

    def cheapest(self, gpu_prices: dict[str, Decimal], sold_out: set[str]) -> Decimal | None:
        """What a bid would have to be now; None where none may be made."""
        found = [
            price
            for name, price in gpu_prices.items()
            if name not in sold_out and price <= self.ceiling and price < PRICES[name][1]
        ]
        return min(found, default=None)

    def phases(self) -> list[tuple[float, float, Decimal | None]]:
        """From when to when which price was the lowest that could be had."""
        prices: dict[str, Decimal] = {}
        sold_out: set[str] = set()
        found, since, lowest = [], 0.0, None
        for move in (*self.moves, MarketMove(at=self.timeout, gpu_type_id="")):
            if move.at > since:
                found.append((since, min(move.at, self.timeout), lowest))
            since = move.at
            if move.minimum_bid is not None:
                prices[move.gpu_type_id] = Decimal(move.minimum_bid)
            if move.free_gpus is not None:
                (sold_out.add if move.free_gpus == 0 else sold_out.discard)(move.gpu_type_id)
            lowest = self.cheapest(prices, sold_out)
        return [phase for phase in found if phase[0] < self.timeout]

    def longest_window(self) -> float:
        """Seconds in a row in which a cluster could be had."""
        longest = run = 0.0
        for start, end, lowest in self.phases():
            run = run + end - start if lowest is not None else 0.0
            longest = max(longest, run)
        return longest

    def best_price(self, since: float, until: float) -> Decimal | None:
        """The lowest price in a stretch of time."""
        prices = [low for start, end, low in self.phases() if low is not None and start <= until and end >= since]
        return min(prices, default=None)


async def one(seed: int, client: TensorOne, emulator: Emulator) -> tuple[Market, SpotRental | None, float]:
    """Plays a market, searches it, and looks at what the server saw."""
    market = Market.draw(seed)
    emulator.reset()
    emulator.world.play(market.moves)
    if market.faulty:
        emulator.faults.add(Fault("internal_error", operation=RENT, times=2))
    spec = ClusterSpec(image_name="i", gpu_type_ids=market.types, cloud_type="ALL")
    settings = {"bidding": BidPolicy(ceiling=market.ceiling), "timeout": market.timeout}
    began, rental = anyio.current_time(), None
    try:
        if market.leased:
            async with client.spot.lease(spec, on_exit="terminate", **settings) as cluster:
                assert list(emulator.world.clusters) == [cluster.id]
        else:
            rental = await client.spot.acquire(spec, order="lowest_price", every=EVERY, **settings)
    except (NoCapacity, BidCeilingReached, ClusterNotFound, WaitTimedOut) as error:
        assert error.billing is None, error  # noqa: PT017 - any end will do but a bill
    took = anyio.current_time() - began
    check_log(market, rental, emulator)
    return market, rental, took


def check_log(market: Market, rental: SpotRental | None, emulator: Emulator) -> None:
    """No bid above the ceiling, none begun after the deadline, no twin, nothing left."""
    for entry in emulator.world.log:
        if RENT in entry.root_fields:
            bid = re.search(r"bidPerGpu: ?([0-9.eE+-]+)", json.loads(entry.body)["query"])
            assert bid is not None
            assert Decimal(bid[1]) <= market.ceiling
            assert entry.at <= market.timeout
    left = [rental.cluster.id] if rental else []
    lost = {cluster.id for cluster in emulator.world.clusters.values() if not cluster.running}
    assert set(emulator.world.clusters) - lost <= set(left)
    assert len(emulator.world.clusters) <= len(left)


@pytest.mark.parametrize("chunk", range(10))
def test_a_thousand_markets(on, chunk):
    """A search wins whenever perfect knowledge would have, up to one interval, at 1.1 times its price at most."""

    async def main(client, emulator):
        paid = best = Decimal(0)
        for seed in range(chunk * 100, chunk * 100 + 100):
            market, rental, took = await one(seed, client, emulator)
            if market.leased or market.faulty:
                continue
            assert took <= market.timeout + SLACK, seed
            assert rental is not None or market.longest_window() <= EVERY + SLACK, seed
            if rental is not None:
                assert took <= first_window(market) + EVERY + SLACK, seed
                at_best = market.best_price(took - SLACK, took)
                assert at_best is not None, seed
                paid, best = paid + Decimal(str(rental.bid_per_gpu)), best + at_best
        assert best < paid <= best * Decimal("1.1")

    on(main, settle_time=5)


def first_window(market: Market) -> float:
    """When the first stretch begins that is long enough to be seen by one look per interval."""
    since: float | None = None
    for start, end, lowest in market.phases():
        since = None if lowest is None else start if since is None else since
        if since is not None and end - since > EVERY + SLACK:
            return since
    return market.timeout
