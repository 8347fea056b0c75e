"""From a spec to the generated inputs: only the given fields, so that the server's own defaults apply. Pure."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from tensorone import _checks
from tensorone._data.hidden import MASK, hidden_inside
from tensorone._errors import ConfigurationError, InvalidArgument
from tensorone._generated import (
    ClusterFindAndDeployOnDemandInput,
    ClusterRentInterruptableInput,
    EnvironmentVariableInput,
)
from tensorone._session.label import labelled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from decimal import Decimal

    from tensorone._generated import CloudType, GraphQLClient, PlacedCluster
    from tensorone._session.session import Session

    from .spec import ClusterSpec


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


class BillableRequest(NamedTuple):
    """A request that costs money: the operation's name, what sends it, and what it is for.

    Attributes:
        operation: The operation's name.
        send: Sends it.
        kind: What it rents or starts.
        gpu_type_id: The GPU type; None where that is not known.
        gpu_count: GPUs in the cluster.
        cloud_type: The cloud type; None where the server chooses.
    """

    operation: str
    send: Callable[[GraphQLClient], Awaitable[PlacedCluster | None]]
    kind: Literal["spot", "on_demand"]
    gpu_type_id: str | None
    gpu_count: int | None
    cloud_type: CloudType | None = None


def on_demand(spec: ClusterSpec, gpu_type_id: str | None, tags: dict[str, str]) -> ClusterFindAndDeployOnDemandInput:
    """The input of a deployment on one of the spec's GPU types."""
    return _Deploy(**_given(spec, gpu_type_id, tags))


def spot(
    spec: ClusterSpec, gpu_type_id: str | None, bid_per_gpu: float, tags: dict[str, str]
) -> ClusterRentInterruptableInput:
    """The input of a spot rental on one of the spec's GPU types."""
    return _Rent(bid_per_gpu=bid_per_gpu, **_given(spec, gpu_type_id, tags))


def about(  # noqa: PLR0913 - what one rental is
    session: Session,
    spec: ClusterSpec,
    gpu_type_id: str | None,
    tags: dict[str, str],
    *,
    kind: Literal["spot", "on_demand"],
    hourly: Decimal | None,
) -> dict[str, str]:
    """The variables that a rental carries: its tags, and its label where the client writes one."""
    return labelled(
        session,
        tags,
        gpu_type_id=gpu_type_id,
        gpu_count=spec.gpu_count,
        volume_in_gb=spec.volume_in_gb,
        kind=kind,
        hourly=hourly,
    )


class _Further(BaseModel):
    """Further fields, whose values no repr shows."""

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        further = self.model_extra or {}
        for name, value in super().__repr_args__():
            yield name, MASK if name in further else value


class _Deploy(_Further, ClusterFindAndDeployOnDemandInput):
    """With the further fields of a spec, which the generated input would refuse."""

    model_config = ConfigDict(extra="allow", defer_build=False)


class _Rent(_Further, ClusterRentInterruptableInput):
    """Likewise."""

    model_config = ConfigDict(extra="allow", defer_build=False)


def _given(spec: ClusterSpec, gpu_type_id: str | None, tags: dict[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {"image_name": spec.image_name, "gpu_count": spec.gpu_count}
    if gpu_type_id is not None:
        given["gpu_type_id"] = gpu_type_id
    given.update({name: value for name in SAME_NAME if (value := getattr(spec, name)) is not None})
    if spec.ports:
        given["ports"] = ",".join(spec.ports)
    env = {**spec.env, **_referenced(spec), **tags}
    given["env"] = [EnvironmentVariableInput(key=key, value=value) for key, value in env.items()]
    further: dict[str, Any] = hidden_inside(dict(spec.further))  # so that no error repeats it
    return given | further


def _referenced(spec: ClusterSpec) -> dict[str, str]:
    """The values that a spec refers to, from the environment of this process.

    Raises:
        ConfigurationError: A variable is not set here, or is no text; nothing was sent.
    """
    for name, source in spec.env_from.items():
        if source not in os.environ:
            raise ConfigurationError(
                f"env_from: {name} is taken from the variable {source}, which is not set in this process: set it where"
                " clusters are rented"
            )
        if any("\ud800" <= each <= "\udfff" for each in os.environ[source]):
            words = f"env_from: {name} is taken from the variable {source}, whose value is no text and cannot be sent"
            raise ConfigurationError(words)
    return {name: os.environ[source] for name, source in spec.env_from.items()}


def bid(value: object) -> float:
    """A bid as the API expects it."""
    return float(_checks.dollars("bid_per_gpu", value))


def only_candidate(spec: ClusterSpec) -> str | None:
    """The single GPU type of a spec for a spot rental."""
    if spec.gpu_count == 0:
        raise InvalidArgument("gpu_count", "must be at least 1: there is no spot capacity without GPUs")
    first, *others = spec.candidates
    if others:
        raise InvalidArgument("gpu_type_ids", "a single bid is for a single GPU type; to try several use spot.acquire")
    return first


def deploying(wanted: ClusterFindAndDeployOnDemandInput) -> BillableRequest:
    """The request of one deployment."""

    async def send(graphql: GraphQLClient) -> PlacedCluster | None:
        return (await graphql.deploy_cluster(wanted)).cluster_find_and_deploy_on_demand

    return BillableRequest(
        "DeployCluster", send, "on_demand", wanted.gpu_type_id or None, wanted.gpu_count, wanted.cloud_type or None
    )


def renting(wanted: ClusterRentInterruptableInput) -> BillableRequest:
    """The request of one spot rental."""

    async def send(graphql: GraphQLClient) -> PlacedCluster | None:
        return (await graphql.rent_spot_cluster(wanted)).cluster_rent_interruptable

    return BillableRequest("RentSpotCluster", send, "spot", wanted.gpu_type_id or None, wanted.gpu_count)


def resuming(cluster_id: str, gpu_count: int, gpu_type_id: str | None) -> BillableRequest:
    """The request of one on-demand resume."""

    async def send(graphql: GraphQLClient) -> PlacedCluster | None:
        return (await graphql.resume_cluster(cluster_id, gpu_count=gpu_count)).cluster_resume

    return BillableRequest("ResumeCluster", send, "on_demand", gpu_type_id, gpu_count)


def resuming_spot(cluster_id: str, gpu_count: int, bid_per_gpu: float) -> BillableRequest:
    """The request of one resume at a bid."""

    async def send(graphql: GraphQLClient) -> PlacedCluster | None:
        answer = await graphql.resume_spot_cluster(cluster_id, bid_per_gpu=bid_per_gpu, gpu_count=gpu_count)
        return answer.cluster_bid_resume

    return BillableRequest("ResumeSpotCluster", send, "spot", None, gpu_count)
