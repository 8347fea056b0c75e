"""The nine published requests through the SDK, on both event loops and in both argument styles."""

import pytest
from published_requests import CALLS

from tensorone import Cluster, ClusterSpec, ClusterStatus, GpuType, PlacedCluster, PricedGpuType, TensorOne


@pytest.mark.parametrize("arguments", ["literals", "variables"])
def test_all_nine_answer_with_typed_data(run, emulator, arguments):
    """Each call sends one request, and the fields that the published requests select are filled."""

    async def main():
        async with TensorOne(emulator.api_key, url=emulator.url, arguments=arguments) as client:
            return {name: await call(client) for name, call in CALLS.items()}

    answers = run(main)
    images = {"deploy": "tensorflow", "rent": "pytorch", "resume": "tensorflow", "resume_spot": "pytorch"}
    for name, image in images.items():
        placed = answers[name]
        assert isinstance(placed, PlacedCluster)
        assert placed.desired_status is ClusterStatus.RUNNING
        assert placed.image_name == f"tensorone/{image}"
        assert placed.machine_id
        assert placed.machine.cluster_host_id.startswith(placed.id)
    assert "JUPYTER_PASSWORD=rn51hunbpgtltcpac3ol" in answers["deploy"].env
    assert answers["stop"].desired_status is ClusterStatus.EXITED
    listed = {cluster.id for cluster in answers["list_clusters"]}
    assert {"inzk6tzuz833h5", "riixlu8oclhp", answers["rent"].id} <= listed
    running = answers["get_cluster"]
    assert isinstance(running, Cluster)
    assert running.runtime.ports
    assert running.runtime.gpus[0].id.startswith("GPU-")
    assert running.runtime.container.cpu_percent is not None
    assert all(isinstance(gpu, GpuType) for gpu in answers["list_gpu_types"])
    priced = answers["get_gpu_type"]
    assert isinstance(priced, PricedGpuType)
    assert priced.memory_in_gb == 24
    assert 0 < priced.lowest_price.minimum_bid_price <= priced.lowest_price.uninterruptable_price
    assert sum(emulator.world.requests.values()) == 9


async def test_terminate_is_safe_to_repeat(client, emulator):
    """The cluster is deleted with its volume, and a second terminate raises no error."""
    await client.clusters.terminate("riixlu8oclhp")
    await client.clusters.terminate("riixlu8oclhp")
    assert "riixlu8oclhp" not in emulator.world.clusters


async def test_any_text_arrives_unchanged(client, emulator):
    """Quotes, newlines, braces, comments and emoji pass through HTTP unchanged."""
    text = 'a "quoted" \\ back\nline """ { } # $x … 😀 \u2028 end'
    spec = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40", name=text, docker_args=text, env={"TEXT": text})
    placed = await client.clusters.deploy(spec)
    order = emulator.world.clusters[placed.id].order
    assert (order.name, order.docker_args, dict(order.env)["TEXT"]) == (text, text, text)
    assert (await client.clusters.get(placed.id)).name == text
