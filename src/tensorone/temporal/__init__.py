"""Fleets that Temporal keeps: any number of workers, each of which may die at any moment.

A workflow per 500 slots decides with the pure `tensorone.fleet.step`; its activities are the calls of `client.fleet`.
Neither the API key nor an environment value is in what Temporal stores. Needs the extra ``temporal``, and a Temporal
server of your own: ``pip install "tensorone[temporal]"``. It runs on asyncio only, since temporalio does.
docs/fleets.md shows how it is used.

Stands on what a user may use: `tensorone`, `tensorone.fleet` and `client.fleet`.
"""

from __future__ import annotations

try:
    from ._plugin import TensorOnePlugin
except ImportError as error:
    raise ImportError('tensorone.temporal needs temporalio: pip install "tensorone[temporal]"') from error

from ._durable_fleet import DurableFleet
from ._events import FleetEvents
from ._failures import original_error
from ._values import FleetStatus
from ._worker import fleet_worker

__all__ = ["DurableFleet", "FleetEvents", "FleetStatus", "TensorOnePlugin", "fleet_worker", "original_error"]
