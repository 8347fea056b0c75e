"""From a spec to the generated inputs: only what was given, so that the server's own defaults hold. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from . import _checks
from ._errors import InvalidArgument
from ._generated import (
    ClusterFindAndDeployOnDemandInput,
    ClusterRentInterruptableInput,
    EnvironmentVariableInput,
)
from ._markers import CLIENT_TOKEN, EXPIRES_AT

if TYPE_CHECKING:
    from ._specs import ClusterSpec

SAME_NAME = (
    "name",
    "cloud_type",
    "container_disk_in_gb",
    "volume_in_gb",
    "volume_mount_path",
    "min_vcpu_count",
    "min_memory_in_gb",
    "docker_args",
)


def on_demand(spec: ClusterSpec, gpu_type_id: str | None, markers: dict[str, str]) -> ClusterFindAndDeployOnDemandInput:
    """The input of a deployment on one of the spec's GPU types."""
    return ClusterFindAndDeployOnDemandInput(**_given(spec, gpu_type_id, markers))


def spot(
    spec: ClusterSpec, gpu_type_id: str | None, bid_per_gpu: float, markers: dict[str, str]
) -> ClusterRentInterruptableInput:
    """The input of a spot rental on one of the spec's GPU types."""
    return ClusterRentInterruptableInput(bid_per_gpu=bid_per_gpu, **_given(spec, gpu_type_id, markers))


def _given(spec: ClusterSpec, gpu_type_id: str | None, markers: dict[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {"image_name": spec.image_name, "gpu_count": spec.gpu_count}
    if gpu_type_id is not None:
        given["gpu_type_id"] = gpu_type_id
    given.update({name: value for name in SAME_NAME if (value := getattr(spec, name)) is not None})
    if spec.ports:
        given["ports"] = ",".join(spec.ports)
    given["env"] = [EnvironmentVariableInput(key=key, value=value) for key, value in {**spec.env, **markers}.items()]
    return given


def markers(token: str, expires_in: float | None) -> dict[str, str]:
    """The variables that let a later process recognise the cluster, and know when it is past its time."""
    found = {CLIENT_TOKEN: token}
    if expires_in is not None:
        deadline = datetime.now(UTC).timestamp() + _checks.seconds("expires_in", expires_in)
        found[EXPIRES_AT] = datetime.fromtimestamp(deadline, UTC).isoformat(timespec="seconds")
    return found


def bid(value: object) -> float:
    """A bid as the API takes it."""
    return float(_checks.dollars("bid_per_gpu", value))


def only_candidate(spec: ClusterSpec) -> str | None:
    """The single GPU type of a spec for a spot rental."""
    if spec.gpu_count == 0:
        raise InvalidArgument("gpu_count", "must be at least 1: there is no spot capacity without GPUs")
    first, *others = spec.candidates
    if others:
        raise InvalidArgument("gpu_type_ids", "a single bid is for a single GPU type; to try several use spot.acquire")
    return first
