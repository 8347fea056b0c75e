"""Tables: aligned columns without lines, whole when piped."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.table import Table

COLOURS = {
    "up": "green",
    "ok": "green",
    "starting": "yellow",
    "warn": "yellow",
    "exited": "dim",
    "terminated": "dim",
    "preempted": "red",
    "fail": "red",
}


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table. A column whose name ends with `>` is aligned to the right, and one with `~` may be cut."""
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    lines = [tuple(row) for row in rows]
    for index, column in enumerate(columns):
        widest = max([len(column.rstrip(">~")), *(cell_len(row[index]) for row in lines)])
        kind = column[-1:] if column.endswith((">", "~")) else ""
        made.add_column(
            column.rstrip(">~"),
            justify="right" if kind == ">" else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=None if kind == "~" else widest,
        )
    for row in lines:
        made.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in row))
    return made
