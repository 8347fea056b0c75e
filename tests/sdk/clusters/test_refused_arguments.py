"""Values of a wrong kind: one error of ours that names the argument, before anything is sent."""

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from tensorone import (
    BidPolicy,
    ClusterSpec,
    EndpointSpec,
    InvalidArgument,
    Outcome,
    QueryError,
    ResumePolicy,
    SpendLimitReached,
    TemplateSpec,
    TensorOne,
    fan_out,
)
from tensorone.emulator import Fault
from tensorone.fleet import FileStore

A40 = "NVIDIA A40"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40, ports=["22/tcp"])
BIDDING = BidPolicy(ceiling=1)
CLUSTER = "inzk6tzuz833h5"
HUGE = 10**5000  # Python refuses to write it out
ITSELF: dict[str, object] = {}
ITSELF["again"] = ITSELF


@pytest.fixture
def keep(client):
    """Asks for a fleet of one cluster."""
    return lambda **given: client.spot.keep_running({CLUSTER: SPEC}, bidding=BIDDING, **given)


async def test_integers_of_thousands_of_digits(client, emulator):
    """They are as wrong as any other number that is too large, and are not written out."""
    for call, field in (
        (lambda: client.spot.rent(SPEC, bid_per_gpu=HUGE), "bid_per_gpu"),
        (lambda: client.clusters.resume(CLUSTER, gpu_count=HUGE), "gpu_count"),
        (lambda: client.clusters.deploy(SPEC, expires_in=HUGE), "expires_in"),
        (lambda: client.clusters.wait_until_running(CLUSTER, timeout=5, port=HUGE), "port"),
    ):
        with pytest.raises(InvalidArgument, match="an integer of so many digits") as caught:
            await call()
        assert caught.value.field == field
    with pytest.raises(InvalidArgument, match="requests_per_second"):
        TensorOne("key", requests_per_second=HUGE)
    assert not emulator.world.requests


async def test_a_port_by_its_number(client):
    """The message has the numbers that ports have."""
    for port in (0, 70_000):
        with pytest.raises(InvalidArgument, match=f"port: must be from 1 to 65535, not {port}"):
            await client.clusters.wait_until_running(CLUSTER, timeout=5, port=port)


async def test_whatever_has_the_id_in_it(client):
    """The error says where: in a record, an outcome, or an outcome of a search."""
    placed = await client.clusters.deploy(SPEC)
    (got,) = await fan_out(client.clusters.get, [placed.id])
    with pytest.raises(InvalidArgument, match=r"RentedCluster: pass its \.cluster_id"):
        await client.clusters.stop(client.rented[0])
    with pytest.raises(InvalidArgument, match=r"cluster_ids\[0\].*pass its \.cluster_id"):
        await client.clusters.get_many(client.rented)
    with pytest.raises(InvalidArgument, match=r"Outcome: pass its \.value\.id"):
        await client.clusters.stop(got)
    won = await client.spot.acquire(SPEC, bidding=BIDDING, timeout=9)
    with pytest.raises(InvalidArgument, match=r"pass its \.value\.cluster\.id"):
        await client.clusters.stop(Outcome(1, value=won))
    for wrong in (object(), SimpleNamespace(id=3)):
        with pytest.raises(InvalidArgument, match="must be a string, not"):
            await client.clusters.stop(wrong)


@pytest.mark.parametrize("wrong", [lambda: None, object])
async def test_hooks_of_the_wrong_number_of_arguments(client, emulator, keep, wrong):
    """They would fail when something has been rented; a built-in function that does not tell is believed."""
    for hook in ("on_outcome", "on_progress"):
        with pytest.raises(InvalidArgument, match=hook):
            await fan_out(client.clusters.deploy, [SPEC], **{hook: wrong})
    with pytest.raises(InvalidArgument, match="on_progress: must be a function of 2 arguments"):
        await fan_out(client.clusters.deploy, [SPEC], on_progress=lambda done: None)
    with pytest.raises(InvalidArgument, match=r"on_attempt: must be a function of 1 argument$"):
        await client.spot.acquire(SPEC, bidding=BIDDING, timeout=9, on_attempt=wrong)
    with pytest.raises(InvalidArgument, match="on_state"):
        keep(on_state=wrong)
    with pytest.raises(InvalidArgument, match="on_event"):
        TensorOne("key", on_event=wrong)
    assert not emulator.world.requests
    kept = {}
    assert len(await fan_out(client.clusters.get, ["nobody"], on_progress=kept.__setitem__)) == 1
    assert await fan_out(client.clusters.get, [], on_outcome=dict) == []  # a class that tells no signature


async def test_intervals_of_no_time(client):
    """At such an interval a clock cannot tell polls apart."""
    for every in (1e-320, 0.0009):
        with pytest.raises(InvalidArgument, match=r"every: must be at least 0\.001 s"):
            await client.clusters.wait_until(CLUSTER, bool, timeout=5, every=every)
        with pytest.raises(InvalidArgument, match="every"):
            client.clusters.watch(every=every)
        with pytest.raises(InvalidArgument, match="every"):
            await client.spot.acquire(SPEC, bidding=BIDDING, timeout=5, every=every)
        with pytest.raises(InvalidArgument, match="every"):
            await client.clusters.ensure_running(CLUSTER, gpu_count=1, timeout=5, every=every)


@pytest.mark.parametrize("wrong", [3, "nobody", ["nobody"], {"two words": 0.2}, {3: 0.2}])
async def test_bids_that_are_no_mapping(keep, wrong):
    """They map ids to what clusters were won for."""
    with pytest.raises(InvalidArgument, match="bids"):
        keep(bids=wrong)


async def test_a_path_in_the_place_of_a_store(keep, tmp_path):
    """A path can be opened too; the error says how to make a store of it."""
    for wrong in (tmp_path / "fleet.json", "fleet.json", 3):
        with pytest.raises(InvalidArgument, match=r"store: must be one, such as FileStore\('fleet\.json'\)"):
            keep(store=wrong)
    for wrong in (3, None, "", Path("/")):
        with pytest.raises(InvalidArgument, match="path: must name a file"):
            FileStore(wrong)


@pytest.mark.parametrize("wrong", [3, "LIST_CLUSTERS", ["LIST_CLUSTERS"], [None]])
async def test_what_is_no_operation_to_check(client, emulator, wrong):
    """Only generated operations can be checked."""
    with pytest.raises(InvalidArgument, match="operations"):
        await client.check_schema(wrong)
    assert not emulator.world.requests


def test_settings_of_a_client():
    """What a client would stumble over at its first request is refused when it is made."""
    for name, wrong in (
        ("retry", 3),
        ("label", "yes"),
        ("transport", httpx.HTTPTransport()),
        ("transport", "http"),
    ):
        with pytest.raises(InvalidArgument) as caught:
            TensorOne("key", **{name: wrong})
        assert caught.value.field == name


def test_the_file_of_profiles(tmp_path):
    """Its path may be text; another kind of thing is refused."""
    path = tmp_path / "profiles.toml"
    path.write_text('default = "one"\n[one]\napi_key = "a-key-of-one"\n')
    path.chmod(0o600)
    assert "open" in repr(TensorOne.from_profile(path=str(path)).open())
    with pytest.raises(InvalidArgument, match="path"):
        TensorOne.from_profile(path=3)
    with pytest.raises(InvalidArgument, match="name"):
        TensorOne.from_profile([], path=path)


def test_fields_of_specs_and_policies():
    """Each names its field, whatever was given."""
    template = {"name": "t", "image_name": "i", "container_disk_in_gb": 5}
    endpoint = {"name": "e", "gpu_ids": ["AMPERE_48"], "template_id": "t", "workers_max": 1}
    for kind, given, wrong in (
        (ClusterSpec, {"image_name": "i", "gpu_type_id": A40}, {"env": ""}),
        (ClusterSpec, {"image_name": "i", "gpu_type_id": A40}, {"env": [("NAME", "value")]}),
        (ClusterSpec, {"image_name": "i", "gpu_type_id": A40}, {"env_from": []}),
        (ClusterSpec, {"image_name": "i", "gpu_type_id": A40}, {"further": {"a": ITSELF}}),
        (TemplateSpec, template, {"is_serverless": "no"}),
        (TemplateSpec, template, {"readme": 3}),
        (TemplateSpec, template, {"container_registry_auth_id": " "}),
        (EndpointSpec, endpoint, {"gpu_ids": 3}),
        (EndpointSpec, endpoint, {"locations": {"US": 1}}),
        (EndpointSpec, endpoint, {"network_volume_id": 3}),
        (BidPolicy, {"ceiling": 1}, {"margin": Decimal("sNaN")}),
        (BidPolicy, {"ceiling": 1}, {"margin": False}),
        (ResumePolicy, {}, {"bidding": 0.35}),
    ):
        kind(**given)
        with pytest.raises(InvalidArgument) as caught:
            kind(**{**given, **wrong})
        assert caught.value.field.partition("[")[0] in wrong
    assert TemplateSpec(**template, readme="", container_registry_auth_id="r").readme == ""
    assert EndpointSpec(**endpoint, network_volume_id="").network_volume_id == ""
    assert BidPolicy(ceiling=1, margin=0).margin == 0


async def test_mistyped_types_where_they_only_have_a_price(client, emulator):
    """A price that nobody quotes is no lack of capacity where the type does not exist."""
    placed = await client.clusters.deploy(SPEC)
    await client.clusters.stop(placed.id)
    limited, asked = client.limited(max_hourly_spend=5), "there is no GPU type 'A40': did you mean 'NVIDIA A40'"
    for call in (
        lambda: limited.clusters.resume(placed.id, gpu_count=1, gpu_type_id="A40"),
        lambda: limited.clusters.ensure_running(placed.id, gpu_count=1, timeout=9, gpu_type_id="A40"),
        lambda: client.clusters.ensure_running(placed.id, gpu_count=1, timeout=9, gpu_type_id="A40", bidding=BIDDING),
        lambda: client.clusters.highest_price(ClusterSpec(image_name="i", gpu_type_id="A40")),
    ):
        with pytest.raises(InvalidArgument, match=asked) as caught:
            await call()
        assert not caught.value.retryable
    for call in (client.spot.quote, client.gpu_types.get):
        with pytest.raises(QueryError, match=asked):
            await call("A40")
    assert not emulator.world.requests["clusterResume"]


async def test_types_that_exist_and_are_not_to_be_had(client, emulator):
    """The error stays what it is; nor does one that a read of prices ends with become another."""
    placed = await client.clusters.deploy(SPEC)
    await client.clusters.stop(placed.id)
    for host in emulator.world.hosts:
        emulator.world.sell_out(host.gpu_type_id)
    limited = client.limited(max_hourly_spend=5)
    with pytest.raises(Exception, match="none is free now") as caught:
        await limited.clusters.resume(placed.id, gpu_count=1, gpu_type_id=A40)
    assert caught.value.retryable
    with pytest.raises(Exception, match="none is free now"):
        await client.clusters.highest_price(SPEC)
    with pytest.raises(SpendLimitReached):
        await limited.clusters.ensure_running(placed.id, gpu_count=1, timeout=9, gpu_type_id=A40)
    for fault in (
        Fault("graphql_error", operation="gpuTypes", message="Unauthorized", code="UNAUTHENTICATED"),
        Fault("graphql_error", operation="gpuTypes", message="no prices today"),
    ):
        emulator.faults.add(fault)
        with pytest.raises(QueryError) as caught:
            await client.clusters.ensure_running(placed.id, gpu_count=1, timeout=9, gpu_type_id=A40, bidding=BIDDING)
        assert not isinstance(caught.value, InvalidArgument)
