"""Arguments that contradict each other, or are of the wrong kind, are refused before anything is sent."""

import enum
import pickle

import pytest
from pydantic import TypeAdapter, ValidationError
from wires import graphql, scripted

from tensorone import BidPolicy, ClusterSpec, InvalidArgument, NoCapacity, TensorOne, fan_out, stream_outcomes
from tensorone.emulator import Fault

A40 = "NVIDIA A40"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40, ports=["22/tcp"], env={"PASSWORD": "hunter2hunter2"})
SEVERAL = ["inzk6tzuz833h5", b"inzk6tzuz833h5", bytearray(b"x"), {"inzk6tzuz833h5": 1}, 3, None]


class Kind(enum.Enum):
    """An enum of the API."""

    GPU = "GPU"


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


async def test_a_catalogue_that_cannot_be_read_proves_nothing(client, emulator):
    """The lack of capacity stands, and names its operation; so it does for a type that exists."""
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
    assert adapter.validate_json(kept) == spec == adapter.validate_python(spec) == pickle.loads(pickle.dumps(spec))
    assert hash(adapter.validate_json(kept)) == hash(spec)
    with pytest.raises(ValidationError, match="mapping of its fields"):
        adapter.validate_python(3)
    assert adapter.json_schema()["type"] == "object"
    plain = ClusterSpec(image_name="i", gpu_type_id=A40)
    assert adapter.dump_python(plain) == {"image_name": "i", "gpu_type_id": A40, "gpu_count": 1}
