"""Fleets beyond one process: values that can be stored and sent, and the pure `step` that decides.

None of it needs a client, and none holds the API key or an environment value. Every value is JSON by
pydantic: ``TypeAdapter(FleetSpec).dump_json(fleet)``; a `FleetState` also by `to_json` and `from_json`. Every value
pickles too, except one whose specs have `further` fields: `ClusterSpec` refuses that. What touches the network is
`client.fleet`: ``look``, ``round`` and ``end``. docs/fleets.md shows how they fit together.
"""

from __future__ import annotations

from tensorone._fleet._store.file_store import FileStore
from tensorone._fleet._store.store import JournalStore, Store
from tensorone._fleet.events import (
    BidMade,
    BudgetReached,
    End,
    GaveUp,
    Moved,
    Preempted,
    Recover,
    Recovered,
    StatusUnknown,
)
from tensorone._fleet.look import Look, Seen
from tensorone._fleet.member import LeftBehind, Member, Sent
from tensorone._fleet.observations import Pending, PollFailed, RecoveryFailed, RecoverySucceeded, RentalSent
from tensorone._fleet.spec import FleetSpec, Intent, Order
from tensorone._fleet.state import FleetSettings, FleetState
from tensorone._fleet.step import step

__all__ = [
    "BidMade",
    "BudgetReached",
    "End",
    "FileStore",
    "FleetSettings",
    "FleetSpec",
    "FleetState",
    "GaveUp",
    "Intent",
    "JournalStore",
    "LeftBehind",
    "Look",
    "Member",
    "Moved",
    "Order",
    "Pending",
    "PollFailed",
    "Preempted",
    "Recover",
    "Recovered",
    "RecoveryFailed",
    "RecoverySucceeded",
    "RentalSent",
    "Seen",
    "Sent",
    "StatusUnknown",
    "Store",
    "step",
]
