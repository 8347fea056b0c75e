"""What several clusters are at: lines that move on a terminal, a line per change elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .terminal import console_for, terminal

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from rich.table import Table

MOST = 12  # lines that move; of more, the rest is counted


@dataclass(slots=True)
class _Item:
    cells: tuple[str, ...]
    state: str
    since: float
    moving: bool


class Progress:
    """The items of one command, in the order given."""

    def __init__(self) -> None:
        self._items: dict[str, _Item] = {}
        self._live = False

    def at(self, key: str, state: str, *cells: str, moving: bool = True) -> None:
        """An item came to a state; one that is `moving` goes on, and its time is counted."""
        before = self._items.get(key)
        same = before is not None and before.state == state and before.cells == (cells or before.cells)
        since = before.since if before is not None else time.monotonic()
        self._items[key] = _Item(cells or (before.cells if before else ()), state, since, moving)
        if not self._live and not same:
            self._say(self._items[key])

    def _say(self, item: _Item) -> None:
        shown = terminal()
        if not shown.json:
            shown.say("  ".join(("", *(cell for cell in item.cells if cell), item.state)))

    def __rich__(self) -> Table:
        """What is drawn several times a second."""
        from rich.table import Table

        made = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        first = sorted(self._items.values(), key=lambda item: not item.moving)[:MOST]
        width = max((len(item.cells) for item in first), default=0)
        for _ in range(width + 1):
            made.add_column(no_wrap=True, overflow="ellipsis")
        for item in (each for each in self._items.values() if each in first):
            spent = f" {time.monotonic() - item.since:.0f} s" if item.moving else ""
            made.add_row(
                *_padded([f"  {each}" if i == 0 else each for i, each in enumerate(item.cells)], width),
                item.state + spent,
            )
        if len(self._items) > len(first):
            made.add_row(f"  … {len(self._items) - len(first)} more")
        return made

    @contextmanager
    def drawn(self) -> Generator[None]:
        """Draws it while the block runs, and leaves the last state on the terminal."""
        shown = terminal()
        if not shown.attended or shown.json:
            yield
            return
        from rich.live import Live

        shown.talked = True
        self._live = True
        console = console_for(sys.stderr)
        with Live(self, console=console, refresh_per_second=8, redirect_stdout=False, redirect_stderr=False) as live:
            shown.moving = console
            try:
                yield
            finally:
                live.refresh()
                self._live, shown.moving = False, None


def _padded(cells: Sequence[str], width: int) -> list[str]:
    return [*cells, *[""] * (width - len(cells))]
