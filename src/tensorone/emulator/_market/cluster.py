"""Orders, and the clusters deployed for them: frozen records, which are replaced and never changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from .boot import Boot


Cloud = Literal["SECURE", "COMMUNITY"]


Status = Literal["RUNNING", "EXITED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The input of a deploy or rent, with defaults filled in.

    Attributes:
        clouds: Cloud types allowed.
        bid: US dollars per GPU and hour; None is an on-demand order, at the fixed price.
        further: Input fields of the schema that the emulator does not act on, by their names there.
    """

    image_name: str
    gpu_type_id: str | None = None
    gpu_count: int = 1
    clouds: tuple[Cloud, ...] = ("SECURE",)
    vcpus: int = 2
    memory_in_gb: int = 8
    container_disk_in_gb: int = 50
    volume_in_gb: int = 20
    volume_mount_path: str = "/workspace"
    ports: str = "8888/http,22/tcp"
    docker_args: str = ""
    name: str = ""
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    bid: Decimal | None = None
    further: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One cluster at one moment; times in seconds since the world began.

    Attributes:
        order: The order it was deployed for; `order.bid` is None for on-demand.
        gpu_count: GPUs attached by the latest start.
        price: US dollars per GPU and hour since the latest start: the fixed price, or the bid.
        listed_at: When `myself.clusters` first shows it.
        reads: Number of answers about it since the latest start.
        starts: Number of starts.
        preemptions: Number of times it was preempted.
    """

    id: str
    order: Order
    machine_id: str
    host_number: str
    gpu_count: int
    price: Decimal
    boot: Boot
    created_at: float
    started_at: float
    listed_at: float
    desired_status: Status = "RUNNING"
    status_change: str = "Rented by User"
    changed_at: float = 0.0
    reads: int = 0
    starts: int = 1
    preemptions: int = 0

    @property
    def spot(self) -> bool:
        """Whether it is a spot cluster, which may be preempted."""
        return self.order.bid is not None

    @property
    def running(self) -> bool:
        """Whether it has its GPUs and is billed for them."""
        return self.desired_status == "RUNNING"

    @property
    def env(self) -> dict[str, str]:
        """Its environment."""
        return dict(self.order.env)

    def up(self, now: float) -> bool:
        """Whether its container is up."""
        return self.running and self.boot.up(now - self.started_at, self.reads)

    def listening(self, now: float) -> bool:
        """Whether its ports are open."""
        return self.running and self.boot.listening(now - self.started_at, self.reads)
