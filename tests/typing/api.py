"""What a user's type checker must accept, and what it must refuse; never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

from tensorone_graphql import LIST_CLUSTERS, CloudTypeEnum, EnvironmentVariableInput, ListClusters

from tensorone import (
    BidPolicy,
    Change,
    Cluster,
    ClusterSpec,
    ClusterState,
    ClusterStatus,
    Gone,
    GpuType,
    Listing,
    Outcome,
    PlacedCluster,
    PricedGpuType,
    RetryPolicy,
    SpotQuote,
    SpotRental,
    StatusChanged,
    TensorOne,
    fan_out,
    stream_outcomes,
)
from tensorone.fleet import FleetSpec, Look, Recover, step

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def accepted(client: TensorOne, ids: AsyncIterator[str]) -> None:
    """Everything that the README shows, with the types it promises."""
    spec = ClusterSpec(image_name="i", gpu_type_ids=["a", "b"], cloud_type="ALL", ports=("22/tcp",), env={"A": "1"})
    ClusterSpec(image_name="i", gpu_count=0, cloud_type=CloudTypeEnum.ALL)
    assert_type(await client.clusters.deploy(spec, client_token="t", expires_in=60), PlacedCluster)
    assert_type(await client.spot.rent(spec, bid_per_gpu=0.2), PlacedCluster)
    fleet = FleetSpec(name="n", slots={"w": "s"}, specs={"s": spec}, bidding=BidPolicy(ceiling=0.3), budget=50)
    state = fleet.start({"w": "id"})
    look = await client.fleet.look(fleet, state.cluster_ids, others=state.other_ids)
    assert_type(look, Look)
    state, actions = step(state, look, 0.0, fleet.settings)
    for action in actions:
        if isinstance(action, Recover):
            ended = await client.fleet.round(fleet.order_of(action), look=look, own_bids=state.own_bids)
            state, _ = step(state, ended, 0.0, fleet.settings)
    rental = await client.spot.acquire(spec, bidding=BidPolicy(ceiling=0.3), timeout=60)
    assert_type(rental, SpotRental)
    assert_type(rental.cluster, PlacedCluster)
    assert_type(await client.clusters.resume("id", gpu_count=1), PlacedCluster)
    assert_type(await client.spot.resume("id", bid_per_gpu=1, gpu_count=1), PlacedCluster)
    assert_type(await client.clusters.stop("id"), ClusterState)
    assert_type(await client.clusters.list(), Listing[Cluster])
    assert_type(await client.clusters.get_many(("a",)), Listing[Cluster | None])
    assert_type(await client.clusters.find("t"), Cluster | None)
    cluster = await client.clusters.wait_until("id", lambda seen: seen.runtime is not None, timeout=5)
    assert_type(cluster, Cluster)
    assert_type(cluster.desired_status, ClusterStatus)
    assert_type(cluster.image_name, str | None)
    assert_type(await client.gpu_types.list(), Listing[GpuType])
    assert_type(await client.gpu_types.get("id"), PricedGpuType)
    assert_type(await client.spot.quote("id", gpu_count=2), SpotQuote)
    assert_type(await client.execute(LIST_CLUSTERS), ListClusters)
    assert_type(await client.graphql.list_clusters(), ListClusters)
    assert_type(await fan_out(client.clusters.stop, ["a"]), Listing[Outcome[str, ClusterState]])
    assert_type((await fan_out(client.clusters.stop, ids, limit=3))[0].unwrap(), ClusterState)
    async with stream_outcomes(client.clusters.stop, ids, limit=3, stop_after_failures=2) as outcomes:
        async for outcome in outcomes:
            assert_type(outcome, Outcome[str, ClusterState])
    async with client.clusters.watch(["a"], every=2) as changes:
        async for change in changes:
            assert_type(change, Change)
            match change:
                case StatusChanged(cluster_id=cluster_id, after=after):
                    assert_type(cluster_id, str)
                    assert_type(after, ClusterStatus)
                case Gone(last_seen=last_seen):
                    assert_type(last_seen, Cluster | None)
                case _:
                    pass
    EnvironmentVariableInput(key="A", value="1")


async def refused(client: TensorOne) -> None:
    """Each line is an error; an ignore that is not needed is an error too."""
    ClusterSpec("i")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ClusterSpec(image_name="i", gpu_typ_id="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ClusterSpec(image_name="i", ports=[8888])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    TensorOne("key", auth="cookie")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    TensorOne("key", "url")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RetryPolicy(3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    EnvironmentVariableInput(key="A", valu="1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.clusters.resume("id", 1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.clusters.resume("id")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.spot.rent(ClusterSpec(image_name="i", gpu_count=0))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.spot.acquire(ClusterSpec(image_name="i", gpu_type_id="a"), bidding=0.3, timeout=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await client.clusters.wait_until_running("id")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.graphql.stop_cluster(clusterId="id")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.cluster.list()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
