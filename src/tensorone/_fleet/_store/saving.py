"""Where one run of a fleet writes its state: to its store, whole at first and then what changed, and to its hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tensorone import _checks
from tensorone._errors import InvalidArgument
from tensorone._events import hooks
from tensorone._fleet.changes import between
from tensorone._fleet.state import check_writer

from .store import JournalStore, Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tensorone._fleet.state import FleetState

LEAST = 1 << 16  # characters of changes after which a state is written whole again, however small it is


class Saving:
    """The places of one run's state.

    Args:
        store: Where it is kept; one that appends gets the changes, any other the whole state each time.
        read: Reads what was saved last, to find whether another run has taken over.
        on_state: Called with the whole state each time.
    """

    def __init__(
        self,
        store: Store | None,
        read: Callable[[], str | None] | None,
        on_state: Callable[[str], object] | None,
    ) -> None:
        hooks.check("on_state", on_state, takes=1)
        self._store = None if store is None else _checked(store)
        self._journal = store if isinstance(store, JournalStore) else None
        self._read = read
        self._on_state = on_state
        self._stored: FleetState | None = None
        self._room = 0

    @property
    def exclusive(self) -> bool:
        """Whether no other run can keep the same fleet without being noticed."""
        return self._store is not None or self._read is not None

    def open(self, restored: Callable[[str | None], FleetState]) -> FleetState | None:
        """The state to begin with, as the store has it; None where there is no store.

        Raises:
            TensorOneError: It cannot be had, or not be read; the store is closed again.
        """
        if self._store is None:
            return None
        saved, self._stored = _checks.answer("store.open", self._store.open), None
        try:
            return restored(saved)
        except BaseException as error:
            self._store.close()
            if isinstance(error, InvalidArgument) and error.field == "state":  # of which the caller gave none
                raise InvalidArgument("store", f"{self._store!r} cannot be used: its {error}") from error
            raise

    def save(self, state: FleetState) -> None:
        """Writes it; on return it is where the store and the hook keep it.

        Raises:
            ConfigurationError: Another run has taken over.
            Exception: What the store or the hook raises.
        """
        check_writer(state, None if self._read is None else self._read())
        if self._store is not None:
            self._write(self._store, state)
        if self._on_state is not None:
            _checks.answer("on_state", self._on_state, state.to_json())

    def close(self) -> None:
        """Gives the store back."""
        if self._store is not None:
            self._store.close()

    def _write(self, store: Store, state: FleetState) -> None:
        """Appends what changed; the whole state once that is twice as long, so that it adds no more than half to it."""
        before, self._stored = self._stored, None  # after a failure nobody knows what is there
        change = between(before, state) if self._journal and before is not None and self._room > 0 else None
        if self._journal is None or change is None:
            text = state.to_json()
            _checks.answer("store.save", store.save, text)
            self._room = max(LEAST, 2 * len(text))
        else:
            line = change.to_json()
            _checks.answer("store.append", self._journal.append, line)
            self._room -= len(line)
        self._stored = state


def _checked(store: Any) -> Store:
    """A path has `open`, too, and so has the class of a store."""
    if isinstance(store, type) or not isinstance(store, Store):
        given = getattr(store, "__name__", type(store).__name__)
        raise InvalidArgument("store", f"must be one, such as FileStore('fleet.json'), not {given}")
    return store
