"""Which calls of the SDK run which operations."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from codegen.conftest import ROOT

import tensorone
from tensorone import BidPolicy, ClusterSpec, EndpointSpec, TemplateSpec, TensorOne
from tensorone_codegen._project import settings, sources
from tensorone_codegen._review import sdk_calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from tensorone.emulator import Emulator

SPEC = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40")
TEMPLATE = TemplateSpec(name="t", image_name="i", container_disk_in_gb=5)
WITHIN: Any = {"bidding": BidPolicy(ceiling=0.4), "timeout": 60}
NAMESPACES = {
    "clusters": tensorone.Clusters,
    "spot": tensorone.Spot,
    "gpu_types": tensorone.GpuTypes,
    "account": tensorone.Accounts,
    "templates": tensorone.Templates,
    "endpoints": tensorone.Endpoints,
    "fleet": tensorone.Fleets,
}


@pytest.fixture(scope="module")
def calls() -> dict[str, tuple[str, ...]]:
    """The calls that run each operation of the SDK."""
    project = sources.load(settings.read(ROOT))
    return sdk_calls.calls("tensorone_graphql", [node.name.value for node in project.operations if node.name])


def test_what_rents_and_ends_is_known(calls: dict[str, tuple[str, ...]]) -> None:
    """Through whatever helpers a call goes, its operations are found, and no others."""
    renting = {"spot.acquire", "spot.acquire_many", "spot.lease", "spot.recover", "spot.keep_running", "fleet.round"}
    starting = {"clusters.ensure_running", "spot.recover", "spot.keep_running", "fleet.round"}
    ending = {"clusters.deploy", "clusters.lease", "clusters.reap", "spot.rent", "fleet.end"} | renting
    expected = {
        "DeployCluster": {"clusters.deploy", "clusters.lease"} | renting,
        "RentSpotCluster": {"spot.rent"} | renting,
        "ResumeCluster": {"clusters.resume"} | starting,
        "ResumeSpotCluster": {"spot.resume"} | starting,
        "StopCluster": {"clusters.stop"} | ending,
        "TerminateCluster": {"clusters.terminate"} | ending,
        "GetFixedPrices": {"clusters.deploy", "clusters.ensure_running", "clusters.resume", "clusters.lease"}
        | {"clusters.highest_price"}
        | renting,
        "GetAccount": {"account.get"},
        "SaveTemplate": {"templates.save"},
        "DeleteTemplate": {"templates.delete"},
        "SaveEndpoint": {"endpoints.save"},
        "DeleteEndpoint": {"endpoints.delete"},
        "ListEndpoints": {"endpoints.list"},
        "ListGpuTypes": {"gpu_types.list", "gpu_types.get", "spot.quote", "spot.quotes", "spot.rent"}
        | {"clusters.deploy", "clusters.lease", "clusters.resume", "clusters.ensure_running", "clusters.highest_price"}
        | {"fleet.look"}  # through a room that it shares with calls that do
        | renting,
    }
    assert {name: set(calls[name]) for name in expected} == expected


def test_every_call_runs_something(calls: dict[str, tuple[str, ...]]) -> None:
    """No method of a namespace is overlooked."""
    methods = {
        f"{name}.{method}"
        for name, kind in NAMESPACES.items()
        for method, _ in inspect.getmembers(kind, inspect.isfunction)
        if not method.startswith("_")
    }
    assert {call for each in calls.values() for call in each} == methods


# Each call with what it needs; a lost answer leads further than these go.
CALLS: dict[str, Callable[[TensorOne, str, str], Any]] = {
    "clusters.deploy": lambda client, _, __: client.clusters.deploy(SPEC),
    "clusters.resume": lambda client, running, _: client.clusters.resume(running, gpu_count=1),
    "clusters.stop": lambda client, running, _: client.clusters.stop(running),
    "clusters.terminate": lambda client, running, _: client.clusters.terminate(running),
    "clusters.get": lambda client, running, _: client.clusters.get(running),
    "clusters.find": lambda client, _, __: client.clusters.find("token"),
    "clusters.wait_until_running": lambda client, running, _: client.clusters.wait_until_running(running, timeout=60),
    "clusters.ensure_running": lambda client, running, _: client.clusters.ensure_running(
        running, gpu_count=1, timeout=60
    ),
    "clusters.reap": lambda client, _, __: client.clusters.reap(action="stop", dry_run=False),
    "clusters.get_many": lambda client, running, _: client.clusters.get_many([running]),
    "clusters.list": lambda client, _, __: client.clusters.list(),
    "spot.quote": lambda client, _, __: client.spot.quote("NVIDIA A40"),
    "spot.quotes": lambda client, _, __: client.spot.quotes(),
    "spot.rent": lambda client, _, __: client.spot.rent(SPEC, bid_per_gpu=0.4),
    "spot.acquire": lambda client, _, __: client.spot.acquire(SPEC, **WITHIN),
    "spot.resume": lambda client, _, spot: client.spot.resume(spot, bid_per_gpu=0.4, gpu_count=1),
    "gpu_types.list": lambda client, _, __: client.gpu_types.list(),
    "gpu_types.get": lambda client, _, __: client.gpu_types.get("NVIDIA A40"),
    "account.get": lambda client, _, __: client.account.get(),
    "templates.save": lambda client, _, __: client.templates.save(TEMPLATE),
    "endpoints.list": lambda client, _, __: client.endpoints.list(),
}
# Operations that are sent for many at once, under another name.
BATCHES = {"GetClusters": "GetCluster", "GetGpuTypes": "GetGpuType"}


@pytest.mark.parametrize("limits", [{}, {"max_hourly_spend": 100}])
def test_what_a_call_sends_is_what_it_is_said_to_run(
    on: Callable[..., None], calls: dict[str, tuple[str, ...]], limits: dict[str, Any]
) -> None:
    """Against the emulator no call sends an operation that is not known to belong to it."""

    async def check(client: TensorOne, emulator: Emulator) -> None:
        running = (await client.clusters.deploy(SPEC)).id
        spot = (await client.spot.rent(SPEC, bid_per_gpu=0.4)).id
        await client.clusters.stop(spot)
        for call, send in CALLS.items():
            if call in {"clusters.resume", "clusters.ensure_running"}:
                if limits:
                    continue  # What a resume will cost is not known, so that it is not sent.
                emulator.world.stop(running)
            if call == "clusters.get":
                running = (await client.clusters.deploy(SPEC)).id
            begin = len(emulator.world.log)
            await send(client, running, spot)
            sent = {each.operation_name or "" for each in list(emulator.world.log)[begin:]}
            assert sent, call
            assert {name for name in sent if call not in calls[BATCHES.get(name, name)]} == set(), call

    on(check, **limits)


def test_saving_and_deleting(on: Callable[..., None], calls: dict[str, tuple[str, ...]]) -> None:
    """What needs another call before it."""

    async def check(client: TensorOne, emulator: Emulator) -> None:
        template = await client.templates.save(TEMPLATE)
        endpoint = await client.endpoints.save(
            EndpointSpec(name="e", gpu_ids=["A"], template_id=template.id, workers_max=0)
        )
        await client.endpoints.delete(endpoint.id)
        sent = [each.operation_name or "" for each in emulator.world.log]
        assert [calls[name] for name in sent] == [("templates.save",), ("endpoints.save",), ("endpoints.delete",)]

    on(check)


def test_of_other_packages_nothing_is_known() -> None:
    """Who calls the operations of somebody's own project stands nowhere."""
    assert sdk_calls.calls("fleet_graphql", ["ReadBill"]) == {}


def test_a_facade_that_is_being_written_is_no_obstacle() -> None:
    """Whoever is in the middle of a line gets a report all the same."""
    assert sdk_calls.calls_in({"_client.client": "class TensorOne("}, ["ReadBill"]) == {}
