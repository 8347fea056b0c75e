"""Whatever call fails, its error names that call first, and in `.operation` what was sent for it."""

from __future__ import annotations

import inspect
from operator import attrgetter

import pytest
from wires import graphql, refusal, scripted

from tensorone import (
    BidCeilingReached,
    BidPolicy,
    ClusterSpec,
    EndpointSpec,
    QueryError,
    RetryPolicy,
    SpendLimitReached,
    TemplateSpec,
    TensorOne,
    TensorOneError,
)
from tensorone._generated import operations
from tensorone._graphql.calls import renamed
from tensorone.emulator import Fault
from tensorone.fleet import FleetSpec, Look, Recover

A40 = "NVIDIA A40"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40)
FLEET = FleetSpec(name="f", slots={"s": "one"}, specs={"one": SPEC}, bidding=BidPolicy(ceiling=1))
ORDER = FLEET.order_of(Recover("abc", gone=False, number=0, origin="f--s"))
SEARCH = {"bidding": BidPolicy(ceiling=1), "timeout": 0.2, "every": 0.01}
WAIT = {"timeout": 0.2, "every": 0.01}
RENTING = {"DeployCluster", "ListClusters", "GetOnDemandPrice", "GetFixedPrices"}
BIDDING = {"GetGpuType", "GetGpuTypes", "RentSpotCluster", "ListClusters"}


async def _entered(block):
    async with block:
        raise AssertionError("the block must not begin")


async def _first(block):
    async with block as events:
        return [each async for each in events]


# Each call with what it may send.
CALLS = {
    "account.get": (lambda each: each(), {"GetAccount"}),
    "clusters.bills": (lambda each: each(), {"ListClusterCosts", "ListClusters"}),
    "clusters.deploy": (lambda each: each(SPEC, client_token="t"), RENTING),
    "clusters.ensure_running": (
        lambda each: each("abc", gpu_count=1, **WAIT),
        {"GetCluster", "ListClusters", "ResumeCluster"},
    ),
    "clusters.find": (lambda each: each("t"), {"ListClusters"}),
    "clusters.get": (lambda each: each("abc"), {"GetCluster"}),
    "clusters.get_many": (lambda each: each(["abc", "def"]), {"GetCluster", "GetClusters"}),
    "clusters.highest_price": (lambda each: each(SPEC), RENTING),
    "clusters.lease": (lambda each: _entered(each(SPEC, timeout=1, on_exit="stop")), RENTING),
    "clusters.list": (lambda each: each(), {"ListClusters"}),
    "clusters.reap": (lambda each: each(action="stop", dry_run=True), {"ListClusters"}),
    "clusters.resume": (lambda each: each("abc", gpu_count=1), {"ResumeCluster"}),
    "clusters.stop": (lambda each: each("abc"), {"StopCluster"}),
    "clusters.terminate": (lambda each: each("abc"), {"TerminateCluster"}),
    "clusters.wait_until": (lambda each: each("abc", lambda _: False, **WAIT), {"ListClusters", "GetCluster"}),
    "clusters.wait_until_running": (lambda each: each("abc", **WAIT), {"ListClusters", "GetCluster"}),
    "clusters.watch": (lambda each: _first(each(every=0.01)), {"ListClusters"}),
    "endpoints.delete": (lambda each: each("e"), {"DeleteEndpoint"}),
    "endpoints.list": (lambda each: each(), {"ListEndpoints"}),
    "endpoints.save": (
        lambda each: each(EndpointSpec(name="n", gpu_ids=["A"], template_id="t", workers_max=1)),
        {"SaveEndpoint"},
    ),
    "fleet.end": (lambda each: each("abc"), {"TerminateCluster"}),
    "fleet.look": (lambda each: each(FLEET, ["abc"]), {"ListClusters"}),
    "fleet.round": (lambda each: each(ORDER, look=Look(at=0.0)), {"ListClusters"}),
    "gpu_types.get": (lambda each: each(A40), {"GetGpuType"}),
    "gpu_types.list": (lambda each: each(), {"ListGpuTypes"}),
    "spot.acquire": (lambda each: each(SPEC, **SEARCH), BIDDING),
    "spot.acquire_many": (lambda each: each(SPEC, 2, mode="all_or_nothing", **SEARCH), BIDDING),
    "spot.keep_running": (
        lambda each: _first(each({"abc": SPEC}, bidding=BidPolicy(ceiling=1), every=0.001)),
        {"ListClusters"},
    ),
    "spot.lease": (
        lambda each: _entered(each(SPEC, bidding=BidPolicy(ceiling=1), timeout=0.2, every=0.01, on_exit="stop")),
        BIDDING,
    ),
    "spot.quote": (lambda each: each(A40), {"GetGpuType"}),
    "spot.quotes": (lambda each: each(), {"ListGpuTypes"}),
    "spot.recover": (lambda each: each("abc", SPEC, strategy="replace_same", **SEARCH), BIDDING | {"GetCluster"}),
    "spot.rent": (lambda each: each(SPEC, bid_per_gpu=1), {"RentSpotCluster"}),
    "spot.resume": (lambda each: each("abc", bid_per_gpu=1, gpu_count=1), {"ResumeSpotCluster"}),
    "templates.delete": (lambda each: each("n"), {"DeleteTemplate"}),
    "templates.save": (
        lambda each: each(TemplateSpec(name="n", image_name="i", container_disk_in_gb=1)),
        {"SaveTemplate"},
    ),
}
NAMESPACES = ("account", "clusters", "endpoints", "fleet", "gpu_types", "spot", "templates")
ALL_NULL = graphql({field.key: None for each in operations() for field in each.fields})
WITHOUT_A_NAME = ("cluster abc ", "Cluster abc ", "the clusters that carry")  # sentences about the cluster


def test_every_call_is_here():
    """A new one has to show its errors."""
    client = TensorOne("key")
    found = {
        f"{namespace}.{name}"
        for namespace in NAMESPACES
        for name, _ in inspect.getmembers(getattr(client, namespace), inspect.ismethod)
        if not name.startswith("_")
    }
    assert found == CALLS.keys()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "answer",
    [graphql(None, refusal("no")), graphql(None, refusal("unauthorized"), status=401), ALL_NULL],
    ids=["refused", "unauthorized", "null"],
)
async def test_the_call_and_its_operation(call, answer, open_client):
    """A refusal, a wrong key, and null in the place of everything."""
    make, sent = CALLS[call]
    async with scripted(answer) as server, open_client(server.url) as client:
        error = await _error(make(attrgetter(call)(client)))
    if error is None:  # some take null for "nothing there", or for done; a round's outcome has what passes
        assert answer == ALL_NULL or call == "fleet.round"
        return
    assert error.operation in sent
    assert str(error).startswith((f"{call}: ", f"{call} may have happened", *WITHOUT_A_NAME)), str(error)


async def _error(made):
    try:
        await made
    except TensorOneError as error:
        return error


@pytest.mark.parametrize("call", ["clusters.deploy", "clusters.resume", "spot.rent", "spot.acquire", "spot.resume"])
async def test_a_spending_limit(call, emulator):
    """It says what was called, what it would add, and what is committed already."""
    given = {
        "clusters.resume": {"cluster_id": "inzk6tzuz833h5", "gpu_count": 1},
        "spot.resume": {"cluster_id": "d62t7qg9n5vtan", "gpu_count": 1, "bid_per_gpu": 0.4},
        "spot.rent": {"spec": SPEC, "bid_per_gpu": 0.4},
        "spot.acquire": {"spec": SPEC, **SEARCH},
    }.get(call, {"spec": SPEC})
    async with TensorOne(emulator.api_key, url=emulator.url, max_hourly_spend=0.01) as limited:
        with pytest.raises(SpendLimitReached) as caught:
            await attrgetter(call)(limited)(**given)
    assert str(caught.value).startswith(f"{call}: ")
    said = "max_hourly_spend=0.01, of which 0 are committed; nothing was sent (end a cluster, or raise the limit)"
    assert str(caught.value).endswith(said)
    assert caught.value.operation


@pytest.mark.parametrize("failing", ["GetOnDemandPrice", "GetFixedPrices"])
async def test_prices_that_only_a_limit_needs(failing, emulator):
    """Their failure is the deployment's; nobody called them."""
    emulator.faults.add(Fault("bad_gateway", operation=failing, times=None))
    options = {"retry": RetryPolicy(attempts=1), "max_hourly_spend": 1}
    async with TensorOne(emulator.api_key, url=emulator.url, **options) as limited:
        with pytest.raises(TensorOneError, match=r"^clusters\.deploy: ") as caught:
            await limited.clusters.deploy(SPEC)
    assert caught.value.operation == failing


def test_a_replacement_is_searched_for_by_the_call_that_wanted_it(on):
    """Not by `spot.acquire`, which nobody called."""

    async def main(client, emulator):
        cluster = await client.spot.rent(SPEC, bid_per_gpu=0.3)
        emulator.world.preempt(cluster.id)
        emulator.world.set_minimum_bid(A40, "5")
        search = {"bidding": BidPolicy(ceiling=1), "timeout": 60, "strategy": "replace_cheapest"}
        with pytest.raises(BidCeilingReached, match=r"^spot\.recover: no bid won within ") as caught:
            await client.spot.recover(cluster.id, SPEC, **search)
        assert caught.value.operation == "RentSpotCluster"

    on(main)


def test_what_names_no_call_stays():
    """A sentence about a cluster, or about a field."""
    for words in ("cluster abc does not run", "gpu_type_id: there is none"):
        error = QueryError(words, operation="GetCluster")
        assert renamed(error, "clusters.lease") is error
    error = QueryError("clusters.deploy: no", operation="DeployCluster", data={"a": 1})
    error.__cause__ = OSError("reset")
    other = renamed(error, "clusters.lease")
    assert (str(other), str(error)) == ("clusters.lease: no", "clusters.deploy: no")
    assert (other.data, other.operation, other.__cause__) == ({"a": 1}, "DeployCluster", error.__cause__)
