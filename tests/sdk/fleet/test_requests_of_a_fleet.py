"""What a fleet asks of the server when it loses all its clusters at once, by root field."""

import anyio
import pytest

from tensorone import BidMade, BidPolicy, ClusterSpec, FileStore, Moved, Recovered
from tensorone.emulator import Fault

A40, L40S = "NVIDIA A40", "NVIDIA L40S"
RENT, BID, LIST, PRICES = "clusterRentInterruptable", "clusterBidResume", "myself", "gpuTypes"
SPEC = ClusterSpec(image_name="i", gpu_type_ids=[A40, L40S])
COUNT, EVERY, SECONDS = 60, 15, 300


@pytest.mark.parametrize("moves", [False, True])
def test_a_round_asks_the_market_once_per_look_and_the_account_not_at_all(on, tmp_path, moves):
    """However many clusters it recovers; a refused bid costs one more request for prices, since they moved."""

    async def main(client, emulator):
        world = emulator.world
        plain = ClusterSpec(image_name="i", gpu_type_id=A40)
        ids = [(await client.spot.rent(plain, bid_per_gpu=0.3)).id for _ in range(COUNT)]

        def lose_all():
            for each in ids:
                (world.terminate if moves else world.preempt)(each)

        world.later(60, lose_all)
        field = RENT if moves else BID
        emulator.faults.add(Fault("delay", operation=field, seconds=0.2, times=None))
        for number, second in enumerate((61, 62, 63, 76, 77, 78, 91, 92, 93), start=1):
            price = f"{0.2 * 1.06**number:.3f}"
            world.later(second, lambda price=price: world.set_minimum_bid(A40, price))
        world.later(100, lambda: world.set_minimum_bid(A40, "0.2"))
        first, events = len(world.log), []
        terms = {"bidding": BidPolicy(ceiling=0.4), "strategy": "replace_next", "every": EVERY}
        terms |= {"bids": dict.fromkeys(ids, 0.3), "store": FileStore(tmp_path / "fleet.json")}
        async with client.spot.keep_running(dict.fromkeys(ids, SPEC), **terms) as kept:
            with anyio.move_on_after(SECONDS):
                async for event in kept:
                    events.append(event)  # noqa: PERF401 - it ends by a cancellation
        assert sum(isinstance(each, Moved | Recovered) for each in events) >= COUNT
        refused = sum(isinstance(each, BidMade) and each.answer not in ("won", "started") for each in events)
        asked = [each.root_fields for each in list(world.log)[first:]]
        looks = sum(LIST in each for each in asked)
        assert refused > 0
        assert looks <= 1.1 * SECONDS / EVERY + 1
        assert sum(PRICES in each for each in asked) <= 1.1 * looks + refused
        assert sum(each.running for each in world.clusters.values()) == COUNT

    on(main)
