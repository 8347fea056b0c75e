"""A cluster for the length of a block."""

import anyio
import pytest

from tensorone import BidPolicy, ClusterSpec, ConfigurationError, InvalidArgument, OutcomeUnknown, WaitTimedOut
from tensorone.emulator import Boot, Fault

SPEC = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40")


def states(emulator) -> list[str]:
    """The states of the clusters that these tests rented and that still exist."""
    mine = [one for one in emulator.world.clusters.values() if one.order.image_name == SPEC.image_name]
    return [one.desired_status for one in mine if one.desired_status != "TERMINATED"]


def on_demand(client, **options):
    """A lease of an on-demand cluster."""
    return client.clusters.lease(SPEC, **{"timeout": 5, "on_exit": "terminate"} | options)


def spot(client, **options):
    """A lease of a spot cluster."""
    bidding = BidPolicy(ceiling=5)
    return client.spot.lease(SPEC, **{"timeout": 5, "on_exit": "terminate", "bidding": bidding} | options)


@pytest.fixture(params=[on_demand, spot])
def lease(request):
    """A lease of either kind."""
    return request.param


@pytest.mark.parametrize(("on_exit", "left"), [("terminate", []), ("stop", ["EXITED"])])
async def test_a_lease_runs_and_ends(client, emulator, lease, on_exit, left):
    """The cluster runs inside the block and is ended after it."""
    async with lease(client, on_exit=on_exit) as cluster:
        assert cluster.runtime is not None
        assert states(emulator) == ["RUNNING"]
    assert states(emulator) == left


async def test_a_lease_is_for_one_block(client, emulator, lease):
    """Entered again, it says so and rents nothing."""
    block = lease(client)
    async with block:
        with pytest.raises(ConfigurationError, match=r"lease again for another one"):
            await block.__aenter__()
    with pytest.raises(ConfigurationError, match="entered before"):
        async with block:
            raise AssertionError("the block must not begin")
    assert states(emulator) == []


async def test_an_error_ends_it_and_goes_on(client, emulator, lease):
    """An error in the block ends the cluster and is raised."""
    with pytest.raises(LookupError, match="mine"):
        async with lease(client):
            raise LookupError("mine")
    assert states(emulator) == []


async def test_cancellation_ends_it(client, emulator, lease):
    """Cancellation ends the cluster, since the exit is shielded."""
    with anyio.CancelScope() as scope:
        async with lease(client):
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert states(emulator) == []


async def test_one_that_does_not_start_is_ended(client, emulator, lease):
    """A cluster that does not start in time is ended."""
    emulator.world.boot = Boot(seconds=3600)
    with pytest.raises(WaitTimedOut):
        async with lease(client, timeout=0.2, port=80):
            raise AssertionError("the block must not begin")
    assert states(emulator) == []


async def test_an_end_that_fails_at_first_is_repeated(client, emulator):
    """A server that is down for a moment does not keep the machine alive."""
    async with on_demand(client):
        emulator.faults.add(Fault("bad_gateway", operation="clusterTerminate", times=5))
    assert states(emulator) == []


@pytest.mark.parametrize(("on_exit", "grace"), [("stop", -1.5), ("terminate", -1.5), ("terminate", -2.0)])
async def test_an_end_that_never_succeeds_is_reported(client, emulator, monkeypatch, on_exit, grace):
    """If the end never succeeds, the error names the cluster that may be billed, even without time for an attempt."""
    monkeypatch.setattr("tensorone._clusters.cleanup.GRACE", grace)
    with pytest.raises(OutcomeUnknown, match="may still run") as caught:
        async with on_demand(client, on_exit=on_exit) as cluster:
            emulator.faults.add(Fault("bad_gateway", times=None))
    assert cluster.id in caught.value.billing


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"on_exit": "leave"}, "on_exit"),
        ({"timeout": 0}, "timeout"),
        ({"port": 0}, "port"),
        ({"port": 99999}, "port"),
    ],
)
async def test_bad_input_is_named(client, emulator, lease, options, field):
    """Invalid input is refused by name before anything is rented."""
    with pytest.raises(InvalidArgument) as caught:
        async with lease(client, **options):
            raise AssertionError("the block must not begin")
    assert caught.value.field == field
    assert states(emulator) == []


def test_a_cluster_taken_away_while_it_starts_ends_the_lease(on):
    """A preemption during the start ends the lease at once, and the error has the last state."""

    async def main(client, emulator):
        emulator.world.boot = Boot(seconds=60)
        emulator.world.later(30, lambda: emulator.world.preempt(*emulator.world.clusters))
        with pytest.raises(WaitTimedOut, match="was stopped while it started") as caught:
            async with spot(client, timeout=900):
                raise AssertionError("the block must not begin")
        assert anyio.current_time() <= 36
        assert (caught.value.last_seen.desired_status, caught.value.billing) == ("EXITED", None)
        assert list(emulator.world.clusters) == []

    on(main)


def test_a_spot_lease_searches_as_acquire_does(on):
    """Candidates, order, fallback and hook are passed on to the search."""

    async def main(client, emulator):
        seen = []
        wanted = ClusterSpec(image_name="i", gpu_type_ids=["NVIDIA L40S", "NVIDIA A40"])
        options = {"bidding": BidPolicy(ceiling=0.4), "timeout": 600, "on_exit": "terminate", "every": 5.0}
        search = {"order": "lowest_price", "cloud_types": ["SECURE"], "expires_in": 60, "on_attempt": seen.append}
        async with client.spot.lease(wanted, **options, **search) as cluster:
            order = emulator.world.clusters[cluster.id].order
            assert (order.gpu_type_id, order.clouds) == ("NVIDIA A40", ("SECURE",))
        expensive = options | {"bidding": BidPolicy(ceiling=0.1)}
        auto = {"capacity": "auto", "on_demand_ceiling": 2, "on_demand_after": 10}
        async with client.spot.lease(wanted, **expensive, **auto) as cluster:
            assert not emulator.world.clusters[cluster.id].spot
        assert [attempt.answer for attempt in seen] == ["won"]

    on(main)
