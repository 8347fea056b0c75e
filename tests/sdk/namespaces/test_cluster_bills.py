"""`clusters.bills`, `clusters.highest_price`, and the label where the server tells no prices."""

from __future__ import annotations

import pytest
from wires import schema_without

from tensorone import ClusterSpec, NoCapacity, TensorOne
from tensorone._account.bills import ended_by
from tensorone._session.label import label_of
from tensorone.emulator import Emulator

SPEC = ClusterSpec(image_name="i", gpu_type_ids=("NVIDIA A40", "NVIDIA RTX A6000"), volume_in_gb=40)


async def test_the_server_tells(client, emulator):
    """Price, kind, type and size; a stopped cluster has no price, and says what stopped it."""
    placed = await client.spot.rent(ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40"), bid_per_gpu=0.9)
    emulator.world.preempt(placed.id)
    bills = {each.cluster_id: each for each in await client.clusters.bills()}
    running, stopped = bills["riixlu8oclhp"], bills["inzk6tzuz833h5"]
    assert (running.kind, running.gpu_type, running.gpu_count, running.told_by) == (
        "on_demand",
        "RTX A6000",
        1,
        "server",
    )
    assert running.usd_per_hour == pytest.approx(0.5, abs=0.01)
    assert (stopped.usd_per_hour, stopped.volume_in_gb, stopped.ended_by) == (None, 40, "user")
    assert (bills[placed.id].kind, bills[placed.id].ended_by) == ("spot", "preemption")


async def test_the_label_tells_where_the_server_does_not():
    """The lack is remembered, breaks nothing else, and what nobody tells is None."""
    with Emulator(schema=schema_without("Cluster.costPerHr"), boot="at-once") as poorer:
        async with TensorOne(poorer.api_key, url=poorer.url, label=True, max_hourly_spend=5) as client:
            ours = await client.clusters.deploy(SPEC)
            bid = await client.spot.rent(ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40"), bid_per_gpu=0.9)
            theirs = await client.clusters.deploy(SPEC)
            await client.clusters.stop(theirs.id)
            bills = {each.cluster_id: each for each in await client.clusters.bills()}
            asked = poorer.world.requests["myself"]
            await client.clusters.bills()
            assert poorer.world.requests["myself"] == asked + 1
    assert (bills[ours.id].usd_per_hour, bills[ours.id].volume_in_gb, bills[ours.id].told_by) == (0.4, 40, "label")
    assert (bills[bid.id].kind, bills[bid.id].usd_per_hour) == ("spot", 0.9)
    assert bills[theirs.id].usd_per_hour is None
    assert bills["riixlu8oclhp"].told_by is None
    assert bills["riixlu8oclhp"].kind is None


async def test_without_a_label_nothing_is_written(client, emulator):
    """It is for those who ask for it."""
    placed = await client.clusters.deploy(SPEC)
    assert "TENSORONE_RENTED" not in emulator.world.clusters[placed.id].env


@pytest.mark.parametrize("value", ["", "no json", "[]", "5"])
def test_a_label_that_cannot_be_read_is_none(value):
    """Whatever stands there."""
    assert label_of([f"TENSORONE_RENTED={value}"]) is None


def test_of_a_label_only_what_fits_is_taken():
    """A member of another type counts as not known."""
    label = label_of(
        ['TENSORONE_RENTED={"gpu": 5, "count": true, "kind": "odd", "usd_per_hour": "1", "volume_gb": 1.5}']
    )
    assert label is not None
    assert {label.gpu, label.count, label.kind, label.usd_per_hour, label.volume_gb} == {None}


async def test_the_highest_price(client, emulator):
    """Of all candidates and parts of the market; those without stock count only where all are without."""
    assert float(await client.clusters.highest_price(SPEC)) == 0.49
    community = ClusterSpec(image_name="i", gpu_type_id="NVIDIA RTX A6000", gpu_count=2, cloud_type="COMMUNITY")
    assert float(await client.clusters.highest_price(community)) == 0.66
    assert await client.clusters.highest_price(ClusterSpec(image_name="i", gpu_count=0)) == 0
    emulator.world.sell_out("NVIDIA RTX A6000")
    assert float(await client.clusters.highest_price(SPEC)) == 0.4
    emulator.world.sell_out("NVIDIA A40")
    with pytest.raises(NoCapacity):
        await client.clusters.highest_price(SPEC)


@pytest.mark.parametrize(
    ("words", "by"),
    [("Outbid: stops in 5 s", "preemption"), ("Exited by User: Fri", "user"), ("Lost its host", None), (None, None)],
)
def test_what_stopped_it(words, by):
    """Only words that are known say so."""
    assert ended_by(words) == by
