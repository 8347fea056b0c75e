"""The world's own time: real time at a chosen speed, plus skipped time; it never runs backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """Seconds since the world began.

    Args:
        source: Returns real time in seconds, from any origin.
        speed: Seconds of the world per real second; with 0, time passes by skipping alone.
    """

    def __init__(self, source: Callable[[], float], speed: float) -> None:
        if not speed >= 0:
            raise ValueError(f"speed must not be negative, got {speed}: time never runs backwards")
        self._source = source
        self._speed = speed
        self._origin = source()
        self._skipped = 0.0
        self._latest = 0.0

    def read(self) -> float:
        """The time now."""
        passed = (self._source() - self._origin) * self._speed + self._skipped
        self._latest = max(self._latest, passed)
        return self._latest

    def skip(self, seconds: float) -> None:
        """Moves forward at once."""
        if not seconds >= 0:
            raise ValueError(f"seconds must not be negative, got {seconds}: time never runs backwards")
        self._skipped += seconds
