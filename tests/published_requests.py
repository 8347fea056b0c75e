"""The nine published example requests, and the same nine calls through the SDK."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tensorone import ClusterSpec, TensorOne

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PUBLISHED: dict[str, str] = json.loads(Path(__file__).with_name("published").joinpath("requests.json").read_text())

TENSORFLOW = ClusterSpec(
    cloud_type="ALL",
    gpu_count=1,
    volume_in_gb=40,
    container_disk_in_gb=40,
    min_vcpu_count=2,
    min_memory_in_gb=15,
    gpu_type_id="NVIDIA RTX A6000",
    name="Tensor One Tensorflow",
    image_name="tensorone/tensorflow",
    docker_args="",
    ports=["8888/http"],
    volume_mount_path="/workspace",
    env={"JUPYTER_PASSWORD": "rn51hunbpgtltcpac3ol"},
)
PYTORCH = ClusterSpec(
    cloud_type="SECURE",
    gpu_count=1,
    volume_in_gb=40,
    container_disk_in_gb=40,
    min_vcpu_count=2,
    min_memory_in_gb=15,
    gpu_type_id="NVIDIA RTX A6000",
    name="Tensor One Pytorch",
    image_name="tensorone/pytorch",
    docker_args="",
    ports=["8888/http"],
    volume_mount_path="/workspace",
    env={"JUPYTER_PASSWORD": "vunw9ybnzqwpia2795p2"},
)

CALLS: dict[str, Callable[[TensorOne], Awaitable[Any]]] = {
    "deploy": lambda client: client.clusters.deploy(TENSORFLOW),
    "rent": lambda client: client.spot.rent(PYTORCH, bid_per_gpu=0.2),
    "resume": lambda client: client.clusters.resume("inzk6tzuz833h5", gpu_count=1),
    "resume_spot": lambda client: client.spot.resume("d62t7qg9n5vtan", bid_per_gpu=0.2, gpu_count=1),
    "stop": lambda client: client.clusters.stop("riixlu8oclhp"),
    "list_clusters": lambda client: client.clusters.list(),
    "get_cluster": lambda client: client.clusters.get("ldl1dxirsim64n"),
    "list_gpu_types": lambda client: client.gpu_types.list(),
    "get_gpu_type": lambda client: client.gpu_types.get("NVIDIA GeForce RTX 3090"),
}
