"""The machines and their tenants: finite GPUs, vCPUs, memory and disk."""

from __future__ import annotations

import string
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from .catalogue import GPU_MODELS

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator, Sequence

    from .cluster import Cloud, Cluster, Order


Resource = Literal["gpus", "vcpus", "memory", "disk"]


HOSTS_PER_MODEL = 16


DATA_CENTERS = ("US-TX-1", "US-KS-2", "EU-RO-1", "EU-SE-1", "CA-MTL-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One machine, with GPUs of one type.

    Attributes:
        occupied: GPUs rented by other accounts on-demand, which nothing displaces.
    """

    machine_id: str
    gpu_type_id: str
    cloud: Cloud
    data_center_id: str = DATA_CENTERS[0]
    gpus: int = 8
    vcpus: int = 128
    memory_in_gb: int = 1024
    disk_in_gb: int = 32_000
    occupied: int = 0


def default_hosts(rng: random.Random) -> Iterator[Host]:
    """Sixteen machines for each GPU type and each cloud type that has it."""
    for model in GPU_MODELS:
        for cloud, price in (("SECURE", model.secure_price), ("COMMUNITY", model.community_price)):
            if price is not None:
                for _ in range(HOSTS_PER_MODEL):
                    yield Host(
                        machine_id=new_id(rng, 12),
                        gpu_type_id=model.id,
                        cloud="SECURE" if cloud == "SECURE" else "COMMUNITY",
                        data_center_id=rng.choice(DATA_CENTERS),
                    )


def new_id(rng: random.Random, length: int) -> str:
    """A random id of lower-case letters and digits, like those of the service."""
    return "".join(rng.choices(string.ascii_lowercase + string.digits, k=length))


class Fleet:
    """Every host with its tenants; a stopped tenant keeps only its volume there."""

    def __init__(self, hosts: Iterable[Host]) -> None:
        self._hosts = {host.machine_id: host for host in hosts}
        self._tenants: dict[str, dict[str, Cluster]] = {machine_id: {} for machine_id in self._hosts}
        self._ids: dict[tuple[str, Cloud], list[str]] = {}
        for host in self._hosts.values():
            self._ids.setdefault((host.gpu_type_id, host.cloud), []).append(host.machine_id)

    def __iter__(self) -> Iterator[Host]:
        return iter(self._hosts.values())

    def __getitem__(self, machine_id: str) -> Host:
        return self._hosts[machine_id]

    def of(self, gpu_type_id: str | None, cloud: Cloud) -> list[Host]:
        """The machines of one cloud type and GPU type; None is every GPU type."""
        if gpu_type_id is None:
            return [host for host in self if host.cloud == cloud]
        return [self._hosts[machine_id] for machine_id in self._ids.get((gpu_type_id, cloud), [])]

    def put(self, cluster: Cluster) -> None:
        """Adds a cluster to its machine, or replaces its record."""
        self._tenants[cluster.machine_id][cluster.id] = cluster

    def drop(self, cluster: Cluster) -> None:
        """Removes a cluster and its volume from its machine."""
        del self._tenants[cluster.machine_id][cluster.id]

    def occupy(self, machine_id: str, gpus: int) -> None:
        """Makes other accounts rent a number of GPUs of one machine."""
        free = self.free_gpus(machine_id) + self._hosts[machine_id].occupied
        if not 0 <= gpus <= free:
            raise ValueError(f"other accounts cannot rent {gpus} GPUs of {machine_id}: 0 to {free} are free")
        self._hosts[machine_id] = replace(self._hosts[machine_id], occupied=gpus)

    def lose(self, machine_id: str) -> None:
        """Removes a machine without tenants."""
        host = self._hosts.pop(machine_id)
        del self._tenants[machine_id]
        self._ids[host.gpu_type_id, host.cloud].remove(machine_id)

    def tenants(self, machine_id: str) -> Sequence[Cluster]:
        """The clusters on one machine, including stopped ones."""
        return tuple(self._tenants[machine_id].values())

    def free_gpus(self, machine_id: str) -> int:
        """GPUs of one machine that are not rented."""
        host = self._hosts[machine_id]
        return host.gpus - host.occupied - sum(each.gpu_count for each in self.tenants(machine_id) if each.running)


def shortage(host: Host, tenants: Iterable[Cluster], order: Order) -> Resource | None:
    """The first resource that a machine with these tenants lacks for an order; None if it has room."""
    gpus = host.gpus - host.occupied - order.gpu_count
    vcpus = host.vcpus - order.vcpus
    memory = host.memory_in_gb - order.memory_in_gb
    disk = host.disk_in_gb - order.container_disk_in_gb - order.volume_in_gb
    for each in tenants:
        disk -= each.order.volume_in_gb
        if each.running:
            gpus -= each.gpu_count
            vcpus -= each.order.vcpus
            memory -= each.order.memory_in_gb
            disk -= each.order.container_disk_in_gb
    left: tuple[tuple[Resource, int], ...] = (("gpus", gpus), ("vcpus", vcpus), ("memory", memory), ("disk", disk))
    return next((name for name, amount in left if amount < 0), None)
