"""Arguments that contradict each other, or are of the wrong kind, are refused before anything is sent."""

import enum
from dataclasses import replace
from datetime import datetime

import anyio
import pytest
from pydantic import TypeAdapter, ValidationError
from wires import graphql, schema_without, scripted

from tensorone import (
    BidPolicy,
    Cluster,
    ClusterNotFound,
    ClusterSpec,
    InvalidArgument,
    NoCapacity,
    RetryPolicy,
    TensorOne,
    WaitTimedOut,
    fan_out,
    stream_outcomes,
)
from tensorone._clusters import lease
from tensorone.emulator import Boot, Emulator, Fault, MarketMove
from tensorone.fleet import FleetSettings

A40 = "NVIDIA A40"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40, ports=["22/tcp"], env={"PASSWORD": "hunter2hunter2"})
MODEL = Cluster.model_construct(id="a")
SEVERAL = [MODEL, "inzk6tzuz833h5", b"inzk6tzuz833h5", bytearray(b"x"), {"inzk6tzuz833h5": 1}, 3, None]


class Kind(enum.Enum):
    """An enum of the API."""

    GPU = "GPU"


async def _awaited(*_: object) -> bool:
    return True


@pytest.mark.parametrize("wrong", [_awaited, 3])
@pytest.mark.parametrize("hook", ["on_outcome", "on_progress"])
async def test_a_hook_that_nobody_could_call(client, emulator, hook, wrong):
    """A hook that would not be awaited, or called, is refused before anything is rented."""
    with pytest.raises(InvalidArgument, match=hook):
        await fan_out(client.clusters.deploy, [SPEC], **{hook: wrong})
    assert not emulator.world.requests


@pytest.mark.parametrize("wrong", [_awaited, True, None])
async def test_a_predicate_that_would_hold_at_once(client, emulator, wrong):
    """A coroutine function is no predicate: what it returns always counts as true."""
    with pytest.raises(InvalidArgument, match="predicate"):
        await client.clusters.wait_until("inzk6tzuz833h5", wrong, timeout=5)
    assert not emulator.world.requests


@pytest.mark.parametrize("wrong", [None, 0, "false"])
async def test_what_only_counts_as_true_or_false(client, emulator, wrong):
    """Where a word would do the contrary of what it says, only True and False are taken."""
    with pytest.raises(InvalidArgument, match="dry_run"):
        await client.clusters.reap(action="terminate", dry_run=wrong)
    with pytest.raises(InvalidArgument, match="allow_insecure_http"):
        TensorOne("key", url="http://gpu.example/graphql", allow_insecure_http=wrong)
    with pytest.raises(InvalidArgument, match="merge_reads"):
        TensorOne("key", merge_reads=wrong)
    with pytest.raises(InvalidArgument, match="allow_above_on_demand"):
        BidPolicy(ceiling=1, allow_above_on_demand=wrong)
    assert not emulator.world.requests


def test_a_value_in_the_place_of_a_name_is_not_shown():
    """Of `PASSWORD=…` in the place of a name, the message has the name alone."""
    with pytest.raises(InvalidArgument, match="'PASSWORD=…' is not a valid variable name") as caught:
        ClusterSpec(image_name="i", gpu_type_id=A40, env={"PASSWORD=hunter2hunter2": ""})
    assert "hunter2" not in repr(caught.value)


def test_a_client_whose_making_failed_can_be_shown():
    """A traceback with variables shows it instead of raising another error."""
    assert repr(TensorOne.__new__(TensorOne)) == "<TensorOne (not made)>"


@pytest.mark.parametrize("items", SEVERAL)
async def test_one_thing_in_the_place_of_several(client, emulator, items):
    """A string is not taken for its letters, nor a mapping for its keys; the cluster lives."""
    before = dict(emulator.world.requests)
    with pytest.raises(InvalidArgument, match="items"):
        await fan_out(client.clusters.terminate, items)
    with pytest.raises(InvalidArgument, match="items"):
        async with stream_outcomes(client.clusters.terminate, items):
            raise AssertionError("the block must not begin")
    with pytest.raises(InvalidArgument, match="cluster_ids"):
        await client.clusters.get_many(items)
    if items is not None:
        with pytest.raises(InvalidArgument, match="cluster_ids"):
            client.clusters.watch(items)
        with pytest.raises(InvalidArgument, match="gpu_type_ids"):
            await client.spot.quotes(items)
        with pytest.raises(InvalidArgument, match="gpu_type_ids"):
            ClusterSpec(image_name="i", gpu_type_ids=items)
    assert dict(emulator.world.requests) == before


async def test_what_is_no_function(client):
    """A coroutine was called already: it would run once, and for no item."""
    with pytest.raises(InvalidArgument, match="leave the parentheses out"):
        await fan_out(client.clusters.list(), [1])
    with pytest.raises(InvalidArgument, match="must be a function"):
        await fan_out("stop", [1])


async def test_a_cluster_in_the_place_of_its_id(client):
    """The error says which attribute to pass."""
    (cluster, *_) = await client.clusters.list()
    with pytest.raises(InvalidArgument, match=r"pass its \.id"):
        await client.clusters.stop(cluster)
    (outcome,) = await fan_out(client.clusters.stop, [cluster])
    assert isinstance(outcome.error, InvalidArgument)

    class Rental:
        cluster = "a"

    with pytest.raises(InvalidArgument, match=r"pass its \.cluster\.id"):
        await client.clusters.stop(Rental())


async def test_a_port_that_the_spec_leaves_shut(client, emulator):
    """It would be waited, and paid, for; a template may open it."""
    before = dict(emulator.world.requests)
    with pytest.raises(InvalidArgument, match="the spec opens 22/tcp only"):
        async with client.clusters.lease(SPEC, timeout=60, on_exit="terminate", port=8888):
            raise AssertionError("the block must not begin")
    with pytest.raises(InvalidArgument, match="port"):
        client.clusters.lease(SPEC, timeout=60, on_exit="terminate", port=70_000)
    with pytest.raises(InvalidArgument, match="min_gpu_count"):
        await client.clusters.ensure_running("inzk6tzuz833h5", gpu_count=1, min_gpu_count=2, timeout=1)
    assert dict(emulator.world.requests) == before
    templated = ClusterSpec(image_name="i", gpu_type_id=A40, ports=["22/tcp"], further={"templateId": "t"})
    client.clusters.lease(templated, timeout=60, on_exit="terminate", port=8888)


@pytest.mark.parametrize(
    ("wanted", "meant"), [("A40", A40), ("nvidia a40", A40), ("NVIDIA A4O", A40), ("RTX A6000", "NVIDIA RTX A6000")]
)
async def test_a_mistyped_gpu_type_is_no_lack_of_capacity(client, wanted, meant):
    """The catalogue knows the nearest name; waiting would find nothing."""
    spec = ClusterSpec(image_name="i", gpu_type_id=wanted)
    for call in (client.clusters.deploy(spec), client.spot.rent(spec, bid_per_gpu=9)):
        with pytest.raises(InvalidArgument, match=f"there is no GPU type '{wanted}': did you mean '{meant}'") as caught:
            await call
        assert caught.value.field == "gpu_type_id"
        assert not caught.value.retryable


async def test_a_catalogue_that_cannot_be_read_proves_nothing(open_client, emulator):
    """The lack of capacity stands, and names its operation; so it does for a type that exists."""
    async with open_client(emulator.url) as client:
        emulator.world.sell_out(A40)
        with pytest.raises(NoCapacity) as caught:
            await client.clusters.deploy(SPEC)
        assert caught.value.operation == "DeployCluster"
        emulator.faults.add(Fault("bad_gateway", operation="gpuTypes", times=None))
        with pytest.raises(NoCapacity):
            await client.clusters.deploy(ClusterSpec(image_name="i", gpu_type_id="a typo"))
        emulator.faults.clear()
        emulator.faults.add(Fault("bad_gateway", operation="gpuTypes", times=None, after=1))
        unknown = ClusterSpec(image_name="i", gpu_type_id="a typo")
        with pytest.raises(InvalidArgument, match="there is no GPU type 'a typo'"):
            await client.spot.acquire(unknown, bidding=BidPolicy(ceiling=1), timeout=5)
        emulator.faults.clear()
        with pytest.raises(InvalidArgument, match=r"client\.gpu_types\.list"):
            await client.clusters.deploy(ClusterSpec(image_name="i", gpu_type_id="zzzzzzzzzzzzzzzzzz"))


async def test_a_cloud_type_that_does_not_offer_the_gpu_type(client, emulator):
    """Waiting would find nothing there either; a lack of capacity where it is offered stays one."""
    (model,) = [each for each in emulator.world.gpu_models if each.secure_price is None][:1]
    spec = ClusterSpec(image_name="i", gpu_type_id=model.id, cloud_type="SECURE")
    words = f"{model.id}: offered in COMMUNITY only"
    for call in (client.clusters.deploy(spec), client.spot.rent(spec, bid_per_gpu=9)):
        with pytest.raises(InvalidArgument, match=words) as caught:
            await call
        assert (caught.value.field, caught.value.attempts) == ("cloud_type", 1)
        assert caught.value.operation in ("DeployCluster", "RentSpotCluster")
    emulator.world.sell_out(A40)
    for several in ([A40], [model.id, A40]):
        with pytest.raises(NoCapacity):
            await client.clusters.deploy(ClusterSpec(image_name="i", gpu_type_ids=several, cloud_type="SECURE"))
    emulator.faults.add(Fault("bad_gateway", operation="GetGpuType", times=None))
    async with TensorOne(emulator.api_key, url=emulator.url, retry=RetryPolicy(attempts=1)) as hasty:
        with pytest.raises(NoCapacity):  # what cannot be read proves nothing
            await hasty.clusters.deploy(spec)


async def test_a_search_where_the_gpu_type_is_not_offered(client, emulator):
    """It ends at once, with what is offered where; a candidate that is offered goes on being tried."""
    (model,) = [each for each in emulator.world.gpu_models if each.secure_price is None][:1]
    terms = {"bidding": BidPolicy(ceiling=99, allow_above_on_demand=True), "timeout": 60, "every": 0.1}
    alone = ClusterSpec(image_name="i", gpu_type_id=model.id, cloud_type="SECURE")
    calls = [
        client.spot.acquire(alone, **terms),
        client.spot.acquire_many(alone, 2, mode="all_or_nothing", **terms),
        client.spot.acquire(replace(alone, cloud_type=None), cloud_types=["SECURE"], **terms),
        client.spot.acquire(alone, capacity="auto", on_demand_ceiling=99, **terms),
        client.spot.recover("gone", alone, strategy="replace_same", **terms),
    ]
    for index, call in enumerate(calls):
        with pytest.raises(InvalidArgument, match=f"{model.id}: offered in COMMUNITY only") as caught:
            await call
        assert caught.value.field == ("cloud_types" if index == 2 else "cloud_type")
        assert caught.value.ledger
    emulator.world.set_minimum_bid(A40, "0.2")
    both = ClusterSpec(image_name="i", gpu_type_ids=[model.id, A40], cloud_type="SECURE")
    rental = await client.spot.acquire(both, **terms)
    assert rental.gpu_type_id == A40
    assert any("offered in COMMUNITY only" in each.reason for each in rental.attempts)


PLACED = {"id": "a", "desiredStatus": "RUNNING", "imageName": "i", "env": [], "machineId": None, "machine": None}


@pytest.mark.parametrize("style", ["literals", "variables"])
async def test_further_fields_are_sent(style):
    """In the API's own words, beside token and environment."""
    further = {
        "dataCenterId": "EU-RO-1",
        "supportPublicIp": True,
        "allowedCudaVersions": ["12.8"],
        "computeType": Kind.GPU,
    }
    spec = ClusterSpec(image_name="i", gpu_type_id=A40, further=further)
    async with (
        scripted(graphql({"clusterFindAndDeployOnDemand": PLACED})) as server,
        TensorOne("key", url=server.url, arguments=style) as client,
    ):
        await client.clusters.deploy(spec)
    words = str(server.requests[0])
    for each in ("dataCenterId", "EU-RO-1", "supportPublicIp", "12.8", "computeType", "TENSORONE_CLIENT_TOKEN"):
        assert each in words


@pytest.mark.parametrize(
    "wrong",
    [
        {"imageName": "x"},
        {"bidPerGpu": 1},
        {"gpuTypeIdList": []},
        {"env": []},
        {"a b": 1},
        {3: 1},
        {"x": {1, object()}},
        7,
    ],
)
def test_further_fields_that_cannot_be(wrong):
    """A name that the spec has a field for, no name, or what cannot be sent; the error names the field."""
    with pytest.raises(InvalidArgument, match="further"):
        ClusterSpec(image_name="i", gpu_type_id=A40, further=wrong)


def test_a_spec_is_written_with_masks():
    """Values of env and further fields are masked unless the context asks for them; a mask is not read back."""
    spec = ClusterSpec(image_name="i", gpu_type_id=A40, env={"PASSWORD": "hunter2hunter2"}, further={"x": "hunter3"})
    adapter = TypeAdapter(ClusterSpec)
    masked = adapter.dump_json(spec)
    assert b"hunter" not in masked + repr(spec).encode()
    assert b"PASSWORD" in masked
    with pytest.raises(ValidationError, match="was masked"):
        adapter.validate_json(masked)
    kept = adapter.dump_json(spec, context={"secrets": True})
    assert adapter.validate_json(kept) == spec == adapter.validate_python(spec)
    assert hash(adapter.validate_json(kept)) == hash(spec)
    with pytest.raises(ValidationError, match="mapping of its fields"):
        adapter.validate_python(3)
    assert adapter.json_schema()["type"] == "object"
    plain = ClusterSpec(image_name="i", gpu_type_id=A40)
    assert adapter.dump_python(plain) == {"image_name": "i", "gpu_type_id": A40, "gpu_count": 1}


BIDDING = BidPolicy(ceiling=1)
AUTO = {"bidding": BIDDING, "capacity": "auto", "on_demand_ceiling": 2, "on_demand_after": 60, "timeout": 60}
STOPPED_SPOT = "d62t7qg9n5vtan"
LATE = {"bidding": BIDDING, "timeout": 60, "wait_for_gpus": 60}


async def _entered(block):
    async with block:
        raise AssertionError("the block must not begin")


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda client: client.spot.acquire(SPEC, **AUTO), "on_demand_after"),
        (lambda client: client.spot.acquire_many(SPEC, 2, mode="best_effort", **AUTO), "on_demand_after"),
        (lambda client: _entered(client.spot.lease(SPEC, on_exit="terminate", **AUTO)), "on_demand_after"),
        (lambda client: client.spot.recover(STOPPED_SPOT, SPEC, strategy="replace_next", **LATE), "wait_for_gpus"),
        (lambda client: client.spot.recover(STOPPED_SPOT, SPEC, start_without_gpus=True, **LATE), "wait_for_gpus"),
        (
            lambda client: client.clusters.ensure_running(
                STOPPED_SPOT, gpu_count=1, timeout=60, wait_for_gpus=90, start_without_gpus=True
            ),
            "wait_for_gpus",
        ),
        (
            lambda client: _entered(client.clusters.lease(SPEC, timeout=60, expires_in=60, on_exit="terminate")),
            "expires_in",
        ),
        (lambda client: client.clusters.deploy(SPEC, expires_in=1e300), "expires_in"),
        (lambda client: client.spot.acquire(SPEC, bidding=BIDDING, timeout=60, expires_in=1e300), "expires_in"),
        (
            lambda client: client.clusters.ensure_running(STOPPED_SPOT, gpu_count=1, min_gpu_count="2", timeout=1),
            "min_gpu_count",
        ),
        (lambda client: client.clusters.ensure_running(STOPPED_SPOT, gpu_count="1", timeout=1), "gpu_count"),
        (
            lambda client: client.clusters.ensure_running(STOPPED_SPOT, gpu_count=1, min_gpu_count=0, timeout=1),
            "min_gpu_count",
        ),
        (
            lambda client: _entered(
                client.spot.keep_running({STOPPED_SPOT: SPEC}, bidding=BIDDING, backoff_initial=60, backoff_max=30)
            ),
            "backoff_initial",
        ),
    ],
)
async def test_what_could_never_come(call, field, client, emulator):
    """A fallback after the deadline, a lease that expires before it runs: refused, and nothing is sent."""
    with pytest.raises(InvalidArgument) as caught:
        await call(client)
    assert caught.value.field == field
    assert not sum(emulator.world.requests.values())


def test_waiting_for_gpus_alone_may_take_all_the_time(on):
    """Nothing would follow the wait; and a wait of one poll has an interval longer than itself."""

    async def main(client, emulator):
        cluster = await client.spot.rent(SPEC, bid_per_gpu=0.3)
        emulator.world.preempt(cluster.id)
        emulator.world.sell_out(A40)
        with pytest.raises(NoCapacity):
            await client.spot.recover(cluster.id, SPEC, bidding=BIDDING, timeout=30, wait_for_gpus=60)
        with pytest.raises(WaitTimedOut):
            await client.clusters.wait_until_running(cluster.id, timeout=3, every=5)

    on(main)


def test_a_cluster_expires_so_long_after_its_rental(on, monkeypatch):
    """A long search does not win a cluster that is expired already."""

    async def main(client, emulator):
        monkeypatch.setattr("time.time", anyio.current_time)
        emulator.world.set_minimum_bid(A40, "5")
        emulator.world.play([MarketMove(at=600, gpu_type_id=A40, minimum_bid="0.2")])
        rental = await client.spot.acquire(SPEC, bidding=BIDDING, timeout=3600, expires_in=60)
        (expires,) = [each for each in rental.cluster.env if each.startswith("TENSORONE_EXPIRES_AT=")]
        assert 0 <= datetime.fromisoformat(expires.partition("=")[2]).timestamp() - anyio.current_time() <= 60

    on(main)


def test_a_first_pause_longer_than_the_longest():
    """It would never be waited; where only the longest is given, and is short, the first is as short."""
    with pytest.raises(InvalidArgument, match="wait_max=1") as caught:
        RetryPolicy(wait_initial=2, wait_max=1)
    assert caught.value.field == "wait_initial"
    assert RetryPolicy(wait_max=0.1).wait_max == 0.1
    assert FleetSettings(ceiling=1, backoff_max=5).backoff_max == 5


async def test_a_port_that_the_cluster_leaves_shut(client, emulator):
    """A stopped cluster is not started for it, and a running one not waited for; the error names the ports it opens."""
    placed = await client.clusters.deploy(SPEC)
    for _ in range(2):
        with pytest.raises(InvalidArgument, match=f"cluster {placed.id} opens 22/tcp only") as caught:
            await client.clusters.ensure_running(placed.id, gpu_count=1, timeout=60, port=8888)
        assert caught.value.field == "port"
        await client.clusters.stop(placed.id)
    assert not emulator.world.requests["clusterResume"]
    assert (await client.clusters.ensure_running(placed.id, gpu_count=1, timeout=60, every=0.1, port=22)).runtime
    with pytest.raises(ClusterNotFound):
        await client.clusters.ensure_running("nobody", gpu_count=1, timeout=9, every=0.1, port=22)


async def test_a_running_cluster_that_leaves_the_port_shut(client, emulator):
    """It is asked once, at the second look, where the port is missing; a port that comes late is waited for."""
    emulator.world.boot = Boot(reads=1, port_reads=5)
    placed = await client.clusters.deploy(SPEC)
    with pytest.raises(InvalidArgument, match=f"cluster {placed.id} opens 22/tcp only") as caught:
        await client.clusters.wait_until_running(placed.id, timeout=60, port=8888, every=0.01)
    assert (caught.value.field, placed.id in caught.value.billing) == ("port", True)
    late = await client.clusters.deploy(SPEC)
    await client.clusters.wait_until_running(late.id, timeout=60, port=22, every=0.01)
    assert sum("GetClusterPorts" in line for line in emulator.access_log) == 2
    emulator.world.boot = Boot(reads=1, port_reads=5)
    placed = [await client.clusters.deploy(SPEC) for _ in range(4)]
    many = [each.id for each in placed] * 10
    waiting = await fan_out(
        lambda each: client.clusters.wait_until_running(each, timeout=60, port=22, every=0.01), many, limit=40
    )
    assert all(each.ok for each in waiting)
    assert len(emulator.access_log) < len(many)  # they share their requests, as all reads do
    emulator.world.boot = Boot()
    soon = await client.clusters.deploy(SPEC)
    before = emulator.world.requests["cluster"]
    await client.clusters.wait_until_running(soon.id, timeout=60, port=22, every=0.01)
    assert emulator.world.requests["cluster"] == before


async def test_a_lease_of_a_cluster_that_leaves_the_port_shut(client, emulator, monkeypatch):
    """Where the spec does not say, as with a template, the lease ends as soon as it is known, and the cluster too."""
    monkeypatch.setattr(lease, "EVERY", 0.01)
    monkeypatch.setattr(lease, "check_port", lambda *_: None)
    with pytest.raises(InvalidArgument, match="opens 22/tcp only") as caught:
        async with client.clusters.lease(SPEC, timeout=60, on_exit="terminate", port=8888):
            raise AssertionError("the block must not begin")
    assert (caught.value.billing, client.rented) == (None, ())


async def test_a_server_that_tells_no_ports_is_asked_once():
    """A read that fails proves nothing, and a field that is not there is not asked for again."""
    with Emulator(boot="at-once", schema=schema_without("Cluster.ports")) as emulator:
        async with TensorOne(emulator.api_key, url=emulator.url) as client:
            placed = await client.clusters.deploy(SPEC)
            emulator.faults.add(Fault("internal_error", operation="GetClusterPorts"))
            for _ in range(3):
                await client.clusters.ensure_running(placed.id, gpu_count=1, timeout=60, every=0.1, port=22)
            assert sum("GetClusterPorts" in line for line in emulator.access_log) == 2


async def test_what_is_no_operation(client, emulator):
    """A method that runs an operation is refused in the place of the generated constant."""
    with pytest.raises(InvalidArgument, match="LIST_CLUSTERS, not method"):
        await client.execute(client.clusters.list)
    assert not emulator.world.requests
