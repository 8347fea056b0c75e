"""What a user writes, for type checkers alone: every name must be known without this tree."""

from tensorone import (
    BidPolicy,
    Cluster,
    ClusterSpec,
    ClusterState,
    Outcome,
    PlacedCluster,
    SpotRental,
    TensorOne,
    fan_out,
    run,
)


async def main(image: str) -> list[str]:
    spec = ClusterSpec(image_name=image, gpu_type_ids=["NVIDIA A40"], ports=["8888/http"])
    async with TensorOne(max_hourly_spend=5) as client:
        placed: PlacedCluster = await client.clusters.deploy(spec)
        cluster: Cluster = await client.clusters.wait_until_running(placed.id, timeout=600, port=8888)
        rental: SpotRental = await client.spot.acquire(spec, bidding=BidPolicy(ceiling=0.35), timeout=600)
        outcomes = await fan_out(client.clusters.stop, [cluster.id, rental.cluster.id])
        first: Outcome[str, ClusterState] = outcomes[0]
        return [first.item, *(each.cluster_id for each in client.rented)]


if __name__ == "__main__":
    run(main, "tensorone/pytorch")
