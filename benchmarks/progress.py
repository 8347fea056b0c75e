"""How far something is, on stderr: a bar on a terminal where rich is installed, otherwise a line now and then."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINES = 10  # at most, where there is no bar


@contextmanager
def shown(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yields what is to be called with how many are done; tables go to stdout, after the block."""
    if not (sys.stderr.isatty() and find_spec("rich")):
        yield _lines(what, total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    ) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def _lines(what: str, total: int) -> Callable[[int], None]:
    told = 0

    def tell(done: int) -> None:
        nonlocal told
        if (part := done * min(LINES, total) // total) > told:
            told = part
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)

    return tell
