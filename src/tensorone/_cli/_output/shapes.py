"""The shapes of JSON: one object per command, whose schemas are in docs/schemas. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping


class Failed(TypedDict):
    """Why a command, or one item of it, failed."""

    code: str
    message: str
    hint: str | None
    ids: list[str]
    token: str | None
    retryable: bool
    billing: str | None
    request_id: str | None


class Gpu(TypedDict):
    """The GPUs of a cluster."""

    type: str | None
    count: int | None
    utilization_percent: float | None


class PortDocument(TypedDict):
    """One port of a cluster; `reached` is null unless a connection was tried."""

    private: int | None
    public: int | None
    protocol: str | None
    ip: str | None
    public_ip: bool | None
    url: str | None
    reached: bool | None


class ClusterDocument(TypedDict):
    """One cluster; null is not known."""

    id: str
    name: str | None
    status: str
    ended_by: Literal["preemption", "user"] | None
    image: str | None
    gpu: Gpu
    kind: Literal["on_demand", "spot"] | None
    usd_per_hour: float | None
    volume_gb: float | None
    uptime_seconds: int | None
    machine_id: str | None
    ports: list[PortDocument]
    env: list[str]
    expires_at: str | None
    client_token: str | None
    error: Failed | None


class GpuTypeDocument(TypedDict):
    """One GPU type on the market; prices per GPU and hour."""

    id: str
    name: str | None
    memory_gb: int | None
    gpu_count: int
    spot_usd_per_hour: float | None
    fixed_usd_per_hour: float | None
    saving_percent: float | None
    problem: str | None


class AccountDocument(TypedDict):
    """The account; null is not known."""

    balance_usd: float | None
    usd_per_hour: float | None
    hours_left: float | None


class Answered(TypedDict):
    """What every answer has."""

    version: Literal[1]
    ok: bool
    error: Failed | None


class Clusters(Answered):
    """`ls`, `show`, `ports`, `deploy`, `spot`, `resume`, `stop`, `terminate`, `wait` and `reap`."""

    clusters: list[ClusterDocument]


class GpuTypes(Answered):
    """`gpus`."""

    gpu_types: list[GpuTypeDocument]


class AccountAnswer(Answered):
    """`account`."""

    account: AccountDocument | None
    clusters: list[ClusterDocument]


class Check(TypedDict):
    """One line of `doctor`."""

    name: str
    result: Literal["ok", "warn", "fail"]
    message: str


class Doctor(Answered):
    """`doctor`."""

    checks: list[Check]


class Change(TypedDict):
    """One line of `watch`: what changed, and the cluster as it is now; null where it is gone for good."""

    version: Literal[1]
    at: str
    change: Literal["appeared", "status", "up", "down", "ports", "gone"]
    id: str
    message: str
    cluster: ClusterDocument | None


class FleetEvent(TypedDict):
    """One line of `keep`."""

    version: Literal[1]
    at: str
    event: str
    id: str | None
    message: str


class TemplateDocument(TypedDict):
    """A template."""

    id: str | None
    name: str | None
    image: str | None


class Templates(Answered):
    """`template save` and `template delete`."""

    template: TemplateDocument | None


class EndpointDocument(TypedDict):
    """A serverless endpoint."""

    id: str
    name: str | None
    template_id: str | None
    gpu_pools: str | None
    workers_min: int | None
    workers_max: int | None


class Endpoints(Answered):
    """`endpoint list`, `endpoint save` and `endpoint delete`."""

    endpoints: list[EndpointDocument]


class ProfileDocument(TypedDict):
    """A profile, without its key."""

    name: str
    default: bool
    key_from: Literal["file", "key_command", "nowhere"]
    url: str | None


class ProfileAnswer(Answered):
    """`profile` and `login`."""

    profiles: list[ProfileDocument]


class Plain(Answered):
    """`ssh`, `emulator` and `demo`, where they fail before they begin; usage errors without a command."""


SHAPES: Mapping[str, type[Any]] = {
    "clusters": Clusters,
    "gpus": GpuTypes,
    "account": AccountAnswer,
    "doctor": Doctor,
    "watch": Change,
    "keep": FleetEvent,
    "template": Templates,
    "endpoint": Endpoints,
    "profile": ProfileAnswer,
    "plain": Plain,
}
"""By the name of the file in docs/schemas."""
