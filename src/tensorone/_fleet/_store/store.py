"""What a store of a fleet's state has to do. Pure."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["JournalStore", "Store"]


@runtime_checkable
class Store(Protocol):
    """What ``spot.keep_running(store=…)`` needs; `FileStore` is one."""

    def open(self) -> str | None:
        """Takes the state for this run alone, and reads it; None where there is none yet.

        Raises:
            ConfigurationError: Another run has it.
        """
        ...

    def save(self, text: str) -> None:
        """Writes the state, whole or not at all; called before anything that costs money is sent."""
        ...

    def close(self) -> None:
        """Gives it back."""
        ...


@runtime_checkable
class JournalStore(Store, Protocol):
    """A `Store` that need not write the whole state each time: `FileStore` is one.

    A store without `append` is called with the whole state, however little changed. One that has it gets the whole
    state first, and again after as much as that in changes. Its `open` returns what was saved last, followed by what
    was appended since, each on a line of its own.
    """

    def append(self, change: str) -> None:
        """Adds a line to what was saved last, whole or not at all; called as `save` is."""
        ...
