"""The first clusters of an account: those that the published example requests name, in the states these need."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tensorone.emulator._market.cluster import Order

if TYPE_CHECKING:
    from .lifecycle import Lifecycle


_ON_DEMAND = Order(
    name="Tensor One Tensorflow",
    image_name="tensorone/tensorflow",
    gpu_type_id="NVIDIA RTX A6000",
    container_disk_in_gb=40,
    volume_in_gb=40,
    memory_in_gb=15,
    ports="8888/http",
    env=(("JUPYTER_PASSWORD", "rn51hunbpgtltcpac3ol"),),
)


_SPOT = replace(_ON_DEMAND, name="Tensor One Pytorch", image_name="tensorone/pytorch", bid=Decimal("0.2"))


_RUNNING = replace(_ON_DEMAND, ports="8888/http,22/tcp")


STOPPED = {"inzk6tzuz833h5": _ON_DEMAND, "d62t7qg9n5vtan": _SPOT}


RUNNING = {"riixlu8oclhp": _RUNNING, "ldl1dxirsim64n": replace(_RUNNING, gpu_type_id="NVIDIA GeForce RTX 3090")}


def add_first_clusters(lifecycle: Lifecycle) -> None:
    """Deploys the four, which are up at once, and stops two of them."""
    for cluster_id, order in (STOPPED | RUNNING).items():
        lifecycle.deploy(order, 0.0, cluster_id)
    for cluster_id in STOPPED:
        lifecycle.stop(cluster_id, 0.0)
