"""The faults that wait for requests, and the record of those that struck."""

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
    """A fault that struck; `root_fields` and `operation_name` of the request, `at` in the world's seconds."""

    fault: Fault
    root_fields: tuple[str, ...]
    operation_name: str | None
    at: float


@dataclass(slots=True)
class _Armed:
    fault: Fault
    passed: int = 0
    struck: int = 0


class Faults:
    """Faults to come, in the order they were added; may be used from any thread.

    A request is struck by the first that aims at it, and by every `delay` and `listing_lag` that does.

    Args:
        seed: Of the draws of probabilities.
        close_port: Refuses connections for so many seconds, from now on.
        open_port: Accepts connections again.
    """

    def __init__(
        self, seed: int, close_port: Callable[[float], None], open_port: Callable[[], None] = lambda: None
    ) -> None:
        self._close_port = close_port
        self._open_port = open_port
        self._seed = seed
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []
        self._hits: list[Hit] = []
        self._rng = _chance(seed)

    def add(self, *faults: Fault) -> None:
        """Arms faults. A `refuse` that aims at nothing in particular closes the port at once."""
        for fault in faults:
            if fault == Fault("refuse", seconds=fault.seconds):
                self._close_port(fault.duration)
            else:
                with self._lock:
                    self._armed.append(_Armed(fault))

    def clear(self) -> None:
        """Disarms every fault, forgets the hits, restarts the draws of probabilities, and ends a `refuse`."""
        with self._lock:
            self._rng = _chance(self._seed)
            self._armed.clear()
            self._hits.clear()
        self._open_port()

    @property
    def pending(self) -> tuple[Fault, ...]:
        """The faults that may still strike."""
        with self._lock:
            return tuple(armed.fault for armed in self._armed)

    @property
    def hits(self) -> tuple[Hit, ...]:
        """What struck so far, in order."""
        with self._lock:
            return tuple(self._hits)

    def strike(self, chosen: Chosen, at: float) -> list[Fault]:
        """The faults a request meets: those it passes first, then at most one that decides how it ends."""
        with self._lock:
            struck: list[Fault] = []
            for armed in list(self._armed):
                decided = bool(struck) and struck[-1].kind not in PASSING
                if (not decided or armed.fault.kind in PASSING) and self._meets(armed, chosen):
                    struck.append(armed.fault)
                    struck.sort(key=lambda fault: fault.kind not in PASSING)
            self._hits += [Hit(fault, chosen.root_fields, chosen.name, at) for fault in struck]
            return struck

    def _meets(self, armed: _Armed, chosen: Chosen) -> bool:
        fault = armed.fault
        if not fault.aims_at(chosen):
            return False
        if armed.passed < fault.after:
            armed.passed += 1
            return False
        if fault.probability is not None and self._rng.random() >= fault.probability:
            return False
        armed.struck += 1
        if armed.struck == fault.times:
            self._armed.remove(armed)
        return True


def _chance(seed: int) -> random.Random:
    return random.Random(f"faults/{seed}")  # noqa: S311 - chance, no secret
