"""Small worlds and orders for tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tensorone.emulator import Boot, Host, Order, World
from tensorone.emulator._world.scenario import Scenario

A6000 = "NVIDIA RTX A6000"


def small_host(**changes: Any) -> Host:
    """A machine with two A6000 in a data centre."""
    values: dict[str, Any] = {"machine_id": "host", "gpu_type_id": A6000, "cloud": "SECURE", "gpus": 2}
    return Host(**(values | changes))


def order(**changes: Any) -> Order:
    """An on-demand order for one A6000."""
    values: dict[str, Any] = {"image_name": "image", "gpu_type_id": A6000}
    return Order(**(values | changes))


def spot(bid: str = "0.20", **changes: Any) -> Order:
    """A spot order for one A6000."""
    return order(bid=Decimal(bid), **changes)


def new_world(*hosts: Host, **scenario: Any) -> World:
    """An empty world whose time passes by `advance` alone; without hosts it has the default ones."""
    values: dict[str, Any] = {"boot": Boot(), "first_clusters": False, "hosts": hosts or None}
    return World(Scenario(**(values | scenario)), speed=0)
