"""What a client tells while it works, as values: what `TensorOne(on_event=…)` is called with.

Each has one line of text for a person, ``str(event)``, and `attributes` under the keys that the log and OpenTelemetry
have too. docs/logs.md lists them.
"""

from __future__ import annotations

from tensorone._events.cleanup import Cleaned, Cleaning, Failure, Setback, Signalled
from tensorone._events.event import Event
from tensorone._events.loops import FleetChanged, Progress, RoundEnded, Tried
from tensorone._events.rentals import Adopted, Duplicate, Ended, LeftBehind, Lost, Rented, Resumed, Unknown
from tensorone._events.requests import Attempted, Paused, Repeating

__all__ = [
    "Adopted",
    "Attempted",
    "Cleaned",
    "Cleaning",
    "Duplicate",
    "Ended",
    "Event",
    "Failure",
    "FleetChanged",
    "LeftBehind",
    "Lost",
    "Paused",
    "Progress",
    "Rented",
    "Repeating",
    "Resumed",
    "RoundEnded",
    "Setback",
    "Signalled",
    "Tried",
    "Unknown",
]
