"""The costs of clusters, and the bill."""

from __future__ import annotations

from decimal import Decimal

import pytest
from emulator.worlds import new_world, order, small_host, spot

from tensorone.emulator import Refusal, World

HOUR = 3600.0


def amounts(world: World) -> dict[str, Decimal]:
    """Dollars by item, rounded to a hundredth of a cent."""
    totals: dict[str, Decimal] = {}
    for line in world.bill:
        totals[line.item] = totals.get(line.item, Decimal(0)) + line.amount
    return {item: amount.quantize(Decimal("0.0001")) for item, amount in totals.items()}


def test_a_running_cluster_is_billed_for_gpus_and_disks(tiny: World) -> None:
    """An hour costs the price per GPU, and a 730th of the monthly rate per GB."""
    tiny.deploy(order(gpu_count=2, container_disk_in_gb=73, volume_in_gb=146))
    tiny.advance(HOUR)
    assert amounts(tiny) == {"GPUs": Decimal("0.98"), "container disk": Decimal("0.01"), "volume": Decimal("0.02")}
    assert tiny.spend_per_hour == Decimal("1.01")


def test_a_stopped_cluster_is_billed_for_its_volume_only_at_twice_the_rate(tiny: World) -> None:
    """GPUs and container disk cost nothing after the stop."""
    cluster = tiny.deploy(order(volume_in_gb=73))
    tiny.stop(cluster.id)
    tiny.advance(HOUR)
    assert amounts(tiny) | {"GPUs": 0, "container disk": 0, "volume": 0} == {
        "GPUs": 0,
        "container disk": 0,
        "volume": 0,
        "volume, stopped": Decimal("0.02"),
    }
    assert tiny.rates(tiny.clusters[cluster.id]) == {"volume, stopped": Decimal("0.02")}


def test_the_bill_adds_up_to_what_left_the_balance(tiny: World) -> None:
    """It is exact to the last digit, over stops, resumes and a termination."""
    cluster = tiny.deploy(spot("0.20"))
    other = tiny.deploy(order())
    tiny.advance(1234.5)
    tiny.stop(cluster.id)
    tiny.advance(77.7)
    tiny.resume(cluster.id, bid=Decimal("0.21"))
    tiny.advance(3.3)
    tiny.terminate(other.id)
    tiny.advance(10)
    assert sum(line.amount for line in tiny.bill) == Decimal(1000) - tiny.balance
    assert {line.open for line in tiny.bill if line.cluster_id == other.id} == {False}


def test_nothing_is_billed_after_the_end(tiny: World) -> None:
    """A terminated cluster costs nothing."""
    tiny.terminate(tiny.deploy(order()).id)
    tiny.advance(HOUR)
    assert tiny.spend_per_hour == 0
    assert tiny.balance == 1000


def test_whole_seconds_are_billed(tiny: World) -> None:
    """An incomplete second is not billed."""
    tiny.deploy(order())
    tiny.advance(1.9)
    assert {line.seconds for line in tiny.bill} == {1}


def test_an_empty_balance_stops_everything_at_its_own_time() -> None:
    """Clusters stop when the balance is used up, before anyone reads them; the volume still costs."""
    world = new_world(balance=Decimal("1.20"), boot=None)
    cluster = world.deploy(order(volume_in_gb=73, container_disk_in_gb=0))
    world.advance(10 * HOUR)
    stopped = world.clusters[cluster.id]
    assert (stopped.desired_status, stopped.status_change) == ("EXITED", "Exited by System: balance used up")
    assert stopped.changed_at == pytest.approx(2.4 * HOUR, abs=1)
    assert world.balance < 0
    assert sum(line.amount for line in world.bill) == Decimal("1.20") - world.balance


def test_a_cluster_without_cost_keeps_running() -> None:
    """An empty balance does not stop a cluster without GPUs, vCPUs and disks."""
    world = new_world(balance=Decimal(0))
    nothing = {"gpu_count": 0, "vcpus": 0, "volume_in_gb": 0, "container_disk_in_gb": 0}
    cluster = world.deploy(order(**nothing))
    world.advance(HOUR)
    assert world.clusters[cluster.id].running


def test_a_start_needs_credit_for_an_hour() -> None:
    """Deploy and resume are refused if the balance does not cover an hour."""
    world = new_world(small_host(), balance=Decimal("0.50"))
    cluster = world.stop(world.deploy(order(volume_in_gb=0, container_disk_in_gb=0)).id)
    with pytest.raises(Refusal, match="balance does not cover one hour"):
        world.deploy(order(gpu_count=2))
    world.pay_in("-0.30")
    with pytest.raises(Refusal, match="add funds"):
        world.resume(cluster.id)
    world.pay_in("1")
    assert world.resume(cluster.id).running
    assert world.balance == Decimal("1.20")
