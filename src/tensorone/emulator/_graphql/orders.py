"""Converts the input of a deploy or rent to an order, with the sibling API's defaults."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tensorone.emulator._market.cluster import Cloud, Order
from tensorone.emulator._refusals import INTERNAL, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping


_CLOUDS: dict[str, tuple[Cloud, ...]] = {
    "ALL": ("SECURE", "COMMUNITY"),
    "SECURE": ("SECURE",),
    "COMMUNITY": ("COMMUNITY",),
}


# Input field -> attribute of the order that holds the same value.
_PLAIN = {
    "gpuTypeId": "gpu_type_id",
    "gpuCount": "gpu_count",
    "name": "name",
    "dockerArgs": "docker_args",
    "ports": "ports",
    "volumeInGb": "volume_in_gb",
    "volumeMountPath": "volume_mount_path",
    "containerDiskInGb": "container_disk_in_gb",
}


# Input fields whose value is converted.
_CONVERTED = {"imageName", "cloudType", "minVcpuCount", "minMemoryInGb", "env", "bidPerGpu"}


VCPUS_PER_GPU, MEMORY_PER_GPU = 2, 8


_PORTS = re.compile(r"(\d{1,5}/(http|tcp|udp)(,\d{1,5}/(http|tcp|udp))*)?")


MAX_PORT = 65_535


MOST_DOLLARS = 1e6


def order(fields: Mapping[str, Any]) -> Order:
    """The order of an input; null counts as left out, and fields without a meaning here become `further`.

    Raises:
        Refusal: No machine could run it: it has no image, a negative size or malformed ports.
    """
    given = {key: value for key, value in fields.items() if value is not None}
    plain = {attribute: given[key] for key, attribute in _PLAIN.items() if key in given}
    result = Order(image_name=given.get("imageName", ""), **plain)
    gpus = max(1, result.gpu_count)
    result = replace(
        result,
        clouds=_CLOUDS[given.get("cloudType", "SECURE")],
        vcpus=given.get("minVcpuCount", VCPUS_PER_GPU * gpus),
        memory_in_gb=given.get("minMemoryInGb", MEMORY_PER_GPU * gpus),
        env=tuple((entry["key"], entry["value"]) for entry in given.get("env", []) if entry is not None),
        bid=dollars(given["bidPerGpu"]) if "bidPerGpu" in given else None,
        further={key: value for key, value in given.items() if key not in _PLAIN and key not in _CONVERTED},
    )
    if not _possible(result):
        raise Refusal(INTERNAL, "INTERNAL_SERVER_ERROR")
    return result


def dollars(amount: float) -> Decimal:
    """A GraphQL number as a decimal.

    Raises:
        Refusal: It is infinite, or far beyond any price.
    """
    if not abs(amount) < MOST_DOLLARS:
        raise Refusal(INTERNAL, "INTERNAL_SERVER_ERROR")
    return Decimal(str(amount))


def _possible(order: Order) -> bool:
    sizes = (order.gpu_count, order.vcpus, order.memory_in_gb, order.container_disk_in_gb, order.volume_in_gb)
    numbers = [int(number) for number in re.findall(r"\d+", order.ports)]
    return (
        (order.image_name != "" or "templateId" in order.further)
        and min(sizes) >= 0
        and (order.gpu_count == 0 or order.gpu_type_id is not None)
        and _PORTS.fullmatch(order.ports) is not None
        and all(0 < number <= MAX_PORT for number in numbers)
    )
