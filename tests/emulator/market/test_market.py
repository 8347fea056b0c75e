"""Moving prices, fixed prices, and their effect on running clusters."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from emulator.worlds import A6000, new_world, order, spot
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorone.emulator._market.catalogue import GPU_MODELS, GpuModel
from tensorone.emulator._market.spot_prices import Market

if TYPE_CHECKING:
    from tensorone.emulator import World

DAY = 24 * 3600.0


@settings(deadline=None)
@given(seed=st.integers(), now=st.floats(0, 365 * DAY), model=st.sampled_from(GPU_MODELS))
def test_the_minimum_bid_stays_in_its_band(seed: int, now: float, model: GpuModel) -> None:
    """It is at least 80 per cent of its opening price, to the cent, and at most the cheapest fixed price."""
    price = Market(GPU_MODELS, seed).minimum_bid(model.id, now)
    cheapest = min(amount for amount in (model.secure_price, model.community_price) if amount is not None)
    assert min(model.minimum_bid * Decimal("0.8") - Decimal("0.005"), cheapest) <= price <= cheapest


@settings(deadline=None)
@given(seed=st.integers(), now=st.floats(0, 365 * DAY))
def test_the_published_bid_always_wins(seed: int, now: float) -> None:
    """The minimum bid of an A6000 never exceeds the 0.20 of the published request."""
    assert Market(GPU_MODELS, seed).minimum_bid(A6000, now) <= Decimal("0.20")


def test_the_minimum_bid_moves(world: World) -> None:
    """It has more than one value within a day."""
    seen = set()
    for _ in range(24):
        seen.add(world.minimum_bid(A6000))
        world.advance(3600)
    assert len(seen) > 1


def test_a_minimum_that_rises_above_a_bid_preempts_it() -> None:
    """A cluster that bids the minimum is preempted once the minimum rises."""
    world = new_world()
    cluster = world.deploy(spot(str(world.minimum_bid(A6000))))
    world.advance(2 * DAY)
    preempted = world.clusters[cluster.id]
    assert (preempted.desired_status, preempted.preemptions) == ("EXITED", 1)
    assert 0 < preempted.changed_at < 2 * DAY
    assert preempted.changed_at % 300 == 0


def test_a_minimum_set_above_a_bid_preempts_at_once(tiny: World) -> None:
    """On-demand clusters and higher bids keep running."""
    low, high, fixed = tiny.deploy(spot("0.20")), tiny.deploy(spot("0.30")), tiny.deploy(order(gpu_count=0))
    tiny.set_minimum_bid(A6000, "0.25")
    assert [tiny.clusters[each.id].running for each in (low, high, fixed)] == [False, True, True]
    assert tiny.minimum_bid(A6000) == Decimal("0.25")
    tiny.set_minimum_bid(A6000, None)
    assert tiny.minimum_bid(A6000) <= Decimal("0.20")


@pytest.mark.parametrize("cloud", ["SECURE", "COMMUNITY"])
def test_a_new_price_is_for_new_starts(world: World, cloud: str) -> None:
    """Running clusters keep the price of their start."""
    old = world.deploy(order(clouds=(cloud,)))
    world.set_price(A6000, cloud, "9.99")  # type: ignore[arg-type]  # a parametrised literal
    assert world.deploy(order(clouds=(cloud,))).price == Decimal("9.99")
    assert world.clusters[old.id].price == old.price
    changed = next(model for model in world.gpu_models if model.id == A6000)
    assert Decimal("9.99") in {changed.secure_price, changed.community_price}
