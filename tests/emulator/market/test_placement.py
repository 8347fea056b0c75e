"""The machine for an order, and the clusters it displaces."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from emulator.worlds import A6000, new_world, order, small_host, spot

from tensorone.emulator import Refusal, World

NO_CAPACITY = "no longer any instances available with the requested specifications"


@pytest.mark.parametrize(
    "too_much",
    [
        {"gpu_count": 3},
        {"vcpus": 129},
        {"memory_in_gb": 1025},
        {"gpu_type_id": "NVIDIA H200"},
        {"clouds": ("COMMUNITY",)},
    ],
)
def test_every_field_of_the_order_is_respected(tiny: World, too_much: dict[str, Any]) -> None:
    """An order for more than any machine has is refused for lack of capacity."""
    with pytest.raises(Refusal, match=NO_CAPACITY):
        tiny.deploy(order(**too_much))
    assert tiny.clusters == {}


@pytest.mark.parametrize("field", ["container_disk_in_gb", "volume_in_gb"])
def test_too_little_disk_is_refused_with_its_own_text(tiny: World, field: str) -> None:
    """The refusal names disk if everything else would fit."""
    with pytest.raises(Refusal, match="with enough disk space"):
        tiny.deploy(order(**{field: 32_000}))


def test_stopped_clusters_keep_only_their_volume() -> None:
    """The volume of a stopped cluster uses disk space, its container disk does not."""
    world = new_world(small_host(disk_in_gb=100))
    world.stop(world.deploy(order(volume_in_gb=60, container_disk_in_gb=40)).id)
    with pytest.raises(Refusal, match="disk space"):
        world.deploy(order(volume_in_gb=30, container_disk_in_gb=11))
    assert world.deploy(order(volume_in_gb=30, container_disk_in_gb=10)).running


def test_the_cheaper_cloud_type_comes_first(world: World) -> None:
    """With both cloud types allowed, a deploy uses the cheaper one."""
    cluster = world.deploy(order(clouds=("SECURE", "COMMUNITY")))
    assert world.host(cluster.machine_id).cloud == "COMMUNITY"
    assert cluster.price == Decimal("0.33")


def test_without_gpus_any_machine_will_do(tiny: World) -> None:
    """An order for no GPUs fits a machine whose GPUs are all rented."""
    tiny.sell_out(A6000)
    cluster = tiny.deploy(order(gpu_type_id=None, gpu_count=0))
    assert tiny.spend_per_hour == sum(tiny.rates(cluster).values())
    assert tiny.rates(cluster)["vCPUs"] == Decimal("0.06")


def test_there_is_no_spot_without_gpus(tiny: World) -> None:
    """A bid for no GPUs is refused."""
    with pytest.raises(Refusal, match="request specifications"):
        tiny.deploy(spot(gpu_count=0))


def test_spot_without_room_is_refused_with_its_own_text(tiny: World) -> None:
    """No bid displaces other accounts."""
    tiny.sell_out(A6000)
    with pytest.raises(Refusal, match=r"request specifications\. Please try again later"):
        tiny.deploy(spot("9.99"))


def test_an_on_demand_deployment_displaces_the_lowest_bids(tiny: World) -> None:
    """The lowest bid is preempted, and the others keep running."""
    low, high = tiny.deploy(spot("0.20")), tiny.deploy(spot("0.30"))
    tiny.deploy(order())
    assert not tiny.clusters[low.id].running
    assert tiny.clusters[high.id].running


def test_a_higher_bid_displaces_lower_ones(tiny: World) -> None:
    """A bid above the running ones preempts them without deleting them."""
    losers = [tiny.deploy(spot("0.20")).id, tiny.deploy(spot("0.21")).id]
    winner = tiny.deploy(spot("0.22", gpu_count=2))
    assert [tiny.clusters[each].desired_status for each in losers] == ["EXITED", "EXITED"]
    assert winner.price == Decimal("0.22")


def test_an_equal_bid_displaces_nothing(tiny: World) -> None:
    """A full host requires a cent more than the lowest bid it runs."""
    tiny.deploy(spot("0.20"))
    tiny.deploy(spot("0.25"))
    assert tiny.quote(order()).minimum_bid == Decimal("0.21")
    with pytest.raises(Refusal, match=r"below the minimum bid price of \$0\.21"):
        tiny.deploy(spot("0.20"))


def test_the_latest_of_equal_bids_goes_first(tiny: World) -> None:
    """Among equal bids, the latest start is preempted."""
    first = tiny.deploy(spot())
    tiny.advance(10)
    second = tiny.deploy(spot())
    tiny.deploy(order())
    assert tiny.clusters[first.id].running
    assert not tiny.clusters[second.id].running


def test_the_least_disturbance_decides_between_machines() -> None:
    """If a cluster must be preempted, the machine with the lowest bid is chosen."""
    world = new_world(small_host(machine_id="a", gpus=1), small_host(machine_id="b", gpus=1))
    world.set_minimum_bid(A6000, "0.18")
    expensive, cheap = world.deploy(spot("0.40")), world.deploy(spot("0.20"))
    assert world.deploy(order()).machine_id == cheap.machine_id != expensive.machine_id


def test_a_quote_shows_what_fits(tiny: World) -> None:
    """Prices are None without room, and stock falls with the free GPUs."""
    assert tiny.quote(order()).stock == "High"
    assert tiny.quote(order(gpu_count=3)).fixed_price is None
    tiny.deploy(order())
    assert tiny.quote(order()).stock == "High"
    tiny.deploy(spot())
    quote = tiny.quote(order())
    assert (quote.stock, quote.fixed_price, quote.minimum_bid) == ("Low", Decimal("0.49"), Decimal("0.21"))


def test_stock_is_medium_in_between() -> None:
    """With between a fifth and half of the GPUs free, stock is Medium."""
    world = new_world(small_host(gpus=8, occupied=5))
    assert world.quote(order()).stock == "Medium"


def test_the_bid_to_resume_is_the_one_that_works(tiny: World) -> None:
    """A stopped spot cluster can be resumed for exactly the quoted bid; without room there is none."""
    cluster = tiny.stop(tiny.deploy(spot("0.20", gpu_count=2)).id)
    tiny.deploy(spot("0.30", gpu_count=2))
    assert tiny.bid_to_resume(cluster) == Decimal("0.31")
    tiny.resume(cluster.id, bid=Decimal("0.31"))
    rival = tiny.stop(cluster.id)
    tiny.sell_out(A6000)
    assert tiny.bid_to_resume(rival) is None


def test_others_rent_no_more_than_is_free(tiny: World) -> None:
    """Occupying GPUs displaces nothing."""
    tiny.deploy(order())
    tiny.occupy("host", 1)
    assert tiny.free_gpus("host") == 0
    with pytest.raises(ValueError, match="0 to 1 are free"):
        tiny.occupy("host", 2)


def test_a_host_outside_the_catalogue_is_named() -> None:
    """A machine without a price in the catalogue is an error of the scenario."""
    world = new_world(small_host(gpu_type_id="NVIDIA A40", cloud="COMMUNITY"))
    with pytest.raises(LookupError, match="NVIDIA A40 on COMMUNITY"):
        world.deploy(order(gpu_type_id="NVIDIA A40", clouds=("COMMUNITY",)))
