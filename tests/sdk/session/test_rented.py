"""What a client rented and has not seen ended, and the warnings where a call ends early."""

import dataclasses
import json
import logging
from datetime import UTC, datetime
from decimal import Decimal

import anyio
import anyio.lowlevel
import pytest

from tensorone import BidPolicy, Cluster, ClusterSpec, Outcome, TensorOne, fan_out, stream_outcomes
from tensorone._session import rented
from tensorone._session.rented import OPEN, Rentals, described, record
from tensorone.emulator import Fault

A40 = "NVIDIA A40"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40)
DEPLOY = "clusterFindAndDeployOnDemand"


def ids(client):
    """The clusters that a client knows to run."""
    return {each.cluster_id for each in client.rented}


async def test_what_was_rented_is_known_until_it_is_seen_ended(client, emulator):
    """Rented, resumed and adopted clusters are there until this client ends them or reads that they ended."""
    placed = await client.clusters.deploy(SPEC, client_token="mine")
    spot = await client.spot.rent(SPEC, bid_per_gpu=0.5)
    (first, second) = client.rented
    assert (first.cluster_id, first.client_token, first.gpu_type_id, first.kind) == (
        placed.id,
        "mine",
        A40,
        "on_demand",
    )
    assert first.usd_per_hour is None  # nobody asked for the price
    assert (second.cluster_id, second.kind, second.usd_per_hour, second.gpu_count) == (spot.id, "spot", 0.5, 1)
    assert second.at <= datetime.now(UTC)
    await client.clusters.terminate(placed.id)
    assert ids(client) == {spot.id}
    emulator.world.preempt(spot.id)
    await client.clusters.get(spot.id)
    assert client.rented == ()
    emulator.world.set_minimum_bid(A40, "0.2")
    await client.spot.resume(spot.id, bid_per_gpu=0.5, gpu_count=1)
    assert ids(client) == {spot.id}
    emulator.world.terminate(spot.id)
    await client.clusters.get_many([spot.id])
    assert ids(client) == {spot.id}  # a missing cluster may be a listing that lags
    client._session.rentals.listed([], asked_at=anyio.current_time() + 1000)
    assert client.rented == ()


async def test_an_on_demand_cluster_costs_what_was_read_before(client, emulator):
    """Prices that another call had read are in the list; renting asks for none, and guesses none of a cloud type."""
    secure = dataclasses.replace(SPEC, cloud_type="SECURE")
    await client.spot.quotes([A40, "NVIDIA L40S"])
    (fixed,) = [each.on_demand_price for each in await client.spot.quotes([A40])]
    before = sum(emulator.world.requests.values())
    await client.clusters.deploy(dataclasses.replace(SPEC, gpu_count=2))
    await client.clusters.deploy(secure)
    await client.clusters.resume("inzk6tzuz833h5", gpu_count=1, gpu_type_id="NVIDIA L40S")
    await client.clusters.deploy(dataclasses.replace(SPEC, gpu_type_id="NVIDIA RTX A6000"))
    assert sum(emulator.world.requests.values()) == before + 4
    pair, unknown, resumed, unread = (each.usd_per_hour for each in client.rented)
    assert (pair, unknown, unread) == (2 * fixed, None, None)
    assert resumed
    await client.limited(max_hourly_spend=9).clusters.deploy(secure)
    await client.clusters.deploy(secure)
    limited, known = (each.usd_per_hour for each in client.rented[-2:])
    assert known == limited
    assert f" at {sum(each.usd_per_hour or 0 for each in client.rented):.2f} USD" in described(list(client.rented))


async def test_a_gpu_type_that_is_quoted_alone(client):
    """One quote is enough, also the one that a limit needs."""
    quote = await client.spot.quote(A40)
    await client.clusters.deploy(SPEC)
    (gpu,) = [await client.gpu_types.get("NVIDIA L40S")]
    await client.clusters.deploy(dataclasses.replace(SPEC, gpu_type_id=gpu.id))
    assert [each.usd_per_hour for each in client.rented] == [
        quote.on_demand_price,
        gpu.lowest_price.uninterruptable_price,
    ]


async def test_a_record_is_a_small_value_that_serialises(client):
    """It goes into JSON as it is, apart from its time."""
    await client.spot.rent(SPEC, bid_per_gpu=0.5)
    assert json.loads(json.dumps(dataclasses.asdict(client.rented[0]), default=str))["usd_per_hour"] == 0.5


async def test_an_adopted_cluster_counts_too(emulator):
    """Another process's cluster, found by its token, is in the list; its kind and price are not known."""
    async with TensorOne(emulator.api_key, url=emulator.url) as first:
        placed = await first.clusters.deploy(SPEC, client_token="mine")
    async with TensorOne(emulator.api_key, url=emulator.url) as second:
        await second.clusters.deploy(SPEC, client_token="mine")
        (adopted,) = second.rented
    assert (adopted.cluster_id, adopted.kind, adopted.usd_per_hour) == (placed.id, None, None)
    assert first.rented[0].cluster_id == placed.id  # also after the block


@pytest.mark.parametrize("how", ["cancelled", "on_progress", "on_outcome"])
def test_a_fan_out_that_ends_early_names_what_it_rented(run, emulator, caplog, how):
    """Each cluster that runs on is in `client.rented` and in one warning, with the call that ends it."""
    caplog.set_level(logging.WARNING, "tensorone")

    async def main() -> None:
        known: set[str] = set()
        with anyio.CancelScope() as scope:

            def enough(done: int, _: object) -> None:
                if done == 5:
                    if how == "cancelled":
                        scope.cancel()
                    elif how == "on_progress":
                        raise RuntimeError("enough")

            def told(outcome: Outcome) -> None:
                if len(known) == 4:
                    raise RuntimeError("enough")
                known.add(outcome.value.id)

            async with TensorOne(emulator.api_key, url=emulator.url, settle_time=1) as client:
                hooks = {"on_outcome": told} if how == "on_outcome" else {"on_progress": enough}
                try:
                    await fan_out(client.clusters.deploy, [SPEC] * 40, limit=4, **hooks)
                except RuntimeError:
                    pass
                finally:
                    with anyio.CancelScope(shield=True):
                        listed = await client.clusters.list()
        new = {each.id for each in listed if each.image_name == "i" and each.desired_status == "RUNNING"}
        assert len(new) >= 5
        assert new == ids(client)
        warned = "".join(message for message in caplog.messages if "fan_out ended early" in message)
        assert {each for each in new if each not in warned} == known
        assert warned.count("ended early") == 1
        assert "fan_out(client.clusters.terminate" in warned

    run(main)


async def test_what_was_told_is_no_news(client, emulator, caplog):
    """A fan-out that ends well warns of nothing, and hands what it rented to the call around it."""

    async def nested(specs: list[ClusterSpec]) -> None:
        await fan_out(client.clusters.deploy, specs)

    outcomes: list[Outcome] = []
    await fan_out(nested, [[SPEC, SPEC]], on_outcome=outcomes.append)
    assert len(outcomes) == 1
    assert not [message for message in caplog.messages if "ended early" in message]

    def boom(*_: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await fan_out(nested, [[SPEC, SPEC]], on_progress=boom)
    (warned,) = [message for message in caplog.messages if "ended early" in message]
    assert "2 clusters run on" in warned
    assert client._session.rentals.unsettled == ()


async def test_a_stream_that_is_left_warns_of_what_nobody_read(client, emulator, caplog):
    """What was read is known; the rest is named."""
    async with stream_outcomes(client.clusters.deploy, [SPEC] * 6, limit=2) as outcomes:
        first = await anext(outcomes)
        while not outcomes.unread:
            await anyio.lowlevel.checkpoint()
    (warned,) = [message for message in caplog.messages if "stream_outcomes ended early" in message]
    assert first.value.id not in warned
    assert ids(client) - {first.value.id}
    assert all(each in warned for each in ids(client) - {first.value.id})


async def test_a_block_that_ends_early_names_what_runs_on(emulator, caplog):
    """One warning, and none where the block ends well."""
    with pytest.raises(RuntimeError):  # noqa: PT012 - the block itself is what ends early
        async with TensorOne(emulator.api_key, url=emulator.url) as client:
            placed = await client.spot.rent(SPEC, bid_per_gpu=0.5)
            raise RuntimeError
    (warned,) = [message for message in caplog.messages if "ended early" in message]
    assert f"at 0.50 USD per hour: {placed.id}" in warned
    assert f"client.clusters.terminate({placed.id!r})" in warned
    caplog.clear()
    async with TensorOne(emulator.api_key, url=emulator.url) as client:
        await client.spot.rent(SPEC, bid_per_gpu=0.5)
    assert not caplog.messages


async def test_a_rental_in_doubt_is_recognised_when_it_shows_up(emulator):
    """A commit later than the settling time is found by the next listing."""
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=0, timeout=0.3) as client:
        emulator.faults.add(Fault("commit_late", operation=DEPLOY, seconds=0.5))
        with pytest.raises(Exception, match="may have happened"):
            await client.clusters.deploy(SPEC, client_token="late")
        assert client.rented == ()
        assert client._session.rentals.unsettled == ("late",)
        cluster = await client.clusters.find("late", timeout=20)
        assert ids(client) == {cluster.id}
        assert client._session.rentals.unsettled == ()


async def test_the_records_are_bounded(monkeypatch):
    """A program that runs for months keeps the latest."""
    monkeypatch.setattr(rented, "MOST", 3)
    rentals = Rentals(settle_time=1)
    for number in range(5):
        made = record(f"c{number}", token=None, gpu_type_id=None, gpu_count=1, kind="spot", hourly=Decimal(1))
        rentals.add(made)
        rentals.unknown(f"t{number}", made)
    assert [each.cluster_id for each in rentals.records] == ["c2", "c3", "c4"]
    assert rentals.unsettled == ("t2", "t3", "t4")
    assert rentals in OPEN
    gone = [record(f"g{n}", token=None, gpu_type_id=None, gpu_count=1, kind="spot", hourly=None) for n in range(4)]
    for made in gone:
        rentals.add(made)
        rentals.seen(Cluster.model_construct(id=made.cluster_id, desired_status="EXITED"))
    assert [made.cluster_id in rentals.lost for made in gone] == [False, True, True, True]
    rentals.add(record("c2", token=None, gpu_type_id=None, gpu_count=1, kind="spot", hourly=None))
    rentals.warn(["c2"], "a test")
    rentals.warn(["c2"], "a test")  # once


def test_prices_that_are_not_known_are_said_so():
    """A sum of some is not the price of all."""
    known = record("a", token=None, gpu_type_id=None, gpu_count=1, kind="spot", hourly=Decimal("0.5"))
    unknown = record("b", token=None, gpu_type_id=None, gpu_count=1, kind="on_demand", hourly=Decimal(0))
    assert "at 0.50 USD per hour and 1 more at a price that is not known" in described([known, unknown])
    assert "at a price that is not known" in described([unknown])
    free = record("c", token=None, gpu_type_id=None, gpu_count=0, kind="on_demand", hourly=Decimal(0))
    assert free.usd_per_hour == 0


async def test_a_search_that_is_given_back_warns_of_nothing(client, emulator, caplog):
    """What acquire_many terminated itself is not reported as left."""
    emulator.world.set_minimum_bid(A40, "0.2")
    with anyio.move_on_after(0.3):
        await client.spot.acquire_many(
            SPEC, 60, bidding=BidPolicy(ceiling=0.4), timeout=60, mode="all_or_nothing", every=0.1
        )
    left = {each.id for each in await client.clusters.list() if each.image_name == "i"}
    warned = "".join(message for message in caplog.messages if "ended early" in message)
    assert all(each in warned or each in ids(client) for each in left)
