"""The faults that wait for requests, and the record of those that happened."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .fault import PASSING, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tensorone.emulator._graphql.documents import Chosen


@dataclass(frozen=True, slots=True)
class Hit:
    """A fault that happened, with `root_fields` and `operation_name` of its request; `at` in the world's seconds."""

    fault: Fault
    root_fields: tuple[str, ...]
    operation_name: str | None
    at: float


@dataclass(slots=True)
class _Armed:
    fault: Fault
    skipped: int = 0
    hits: int = 0


class Faults:
    """Faults to come, in the order they were added; safe to use from any thread.

    The first that matches a request decides how it ends; every `delay` and `listing_lag` that matches applies as well.

    Args:
        seed: Seed of the draws of probabilities.
        close_port: Refuses connections for a number of seconds, from now on.
        open_port: Accepts connections again; None if there is no port.
    """

    def __init__(
        self, seed: int, close_port: Callable[[float], None], open_port: Callable[[], None] | None = None
    ) -> None:
        self._close_port = close_port
        self._open_port = open_port
        self._seed = seed
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []
        self._hits: list[Hit] = []
        self._rng = _chance(seed)

    def add(self, *faults: Fault) -> None:
        """Arms faults. A `refuse` without further settings closes the port at once."""
        for fault in faults:
            if fault == Fault("refuse", seconds=fault.seconds):
                self._close_port(fault.duration)
            else:
                with self._lock:
                    self._armed.append(_Armed(fault))

    def clear(self, *, seed: int | None = None) -> None:
        """Disarms every fault, forgets the hits, restarts the draws of probabilities, and ends a `refuse`.

        Args:
            seed: Seed of the draws from now on; None keeps the present one.
        """
        with self._lock:
            self._seed = self._seed if seed is None else seed
            self._rng = _chance(self._seed)
            self._armed.clear()
            self._hits.clear()
        if self._open_port is not None:
            self._open_port()

    @property
    def pending(self) -> tuple[Fault, ...]:
        """The faults that may still happen."""
        with self._lock:
            return tuple(armed.fault for armed in self._armed)

    @property
    def hits(self) -> tuple[Hit, ...]:
        """The faults that happened so far, in order."""
        with self._lock:
            return tuple(self._hits)

    def for_request(self, chosen: Chosen, at: float) -> list[Fault]:
        """The faults of a request, now counted as hits: those it passes, then at most one that decides how it ends."""
        with self._lock:
            found: list[Fault] = []
            for armed in list(self._armed):
                decided = bool(found) and found[-1].kind not in PASSING
                if (not decided or armed.fault.kind in PASSING) and self._applies(armed, chosen):
                    found.append(armed.fault)
                    found.sort(key=lambda fault: fault.kind not in PASSING)
            self._hits += [Hit(fault, chosen.root_fields, chosen.name, at) for fault in found]
            return found

    strike = for_request  # its older name

    def _applies(self, armed: _Armed, chosen: Chosen) -> bool:
        fault = armed.fault
        if not fault.aims_at(chosen):
            return False
        if armed.skipped < fault.after:
            armed.skipped += 1
            return False
        if fault.probability is not None and self._rng.random() >= fault.probability:
            return False
        armed.hits += 1
        if armed.hits == fault.times:
            self._armed.remove(armed)
        return True


def _chance(seed: int) -> random.Random:
    return random.Random(f"faults/{seed}")  # noqa: S311 - chance, no secret
