"""What takes long with a large schema says so on stderr: a spinner on a terminal where rich is there, else a line."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from graphql import GraphQLSchema

LARGE = 300  # types from which on a step may take over a second


@contextmanager
def told(step: str, schema: GraphQLSchema) -> Generator[None]:
    """A block that is a step of generating from that schema."""
    if len(schema.type_map) < LARGE:
        yield
    elif sys.stderr.isatty() and find_spec("rich"):
        from rich.console import Console  # noqa: PLC0415 - only a person waits for it
        from rich.live import Live  # noqa: PLC0415
        from rich.spinner import Spinner  # noqa: PLC0415

        spinner, console = Spinner("dots", step), Console(stderr=True)
        with Live(spinner, console=console, transient=True, redirect_stdout=False, redirect_stderr=False):
            yield
    else:
        print(f"{step} …", file=sys.stderr, flush=True)  # noqa: T201 - likewise
        yield
