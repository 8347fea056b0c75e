"""Imports and builds what calls will need before the first one.

An import in the middle of a call would hold up its event loop, and would fail where no file can be opened, perhaps
after a request was sent. ``from tensorone import TensorOne`` stays quick: all of this comes when a client is made.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from tensorone._generated import operations
from tensorone._graphql import batch, decoding

# The one prepares itself: what it needs hangs on the event loop and on what is installed. The other is a program.
ELSEWHERE = ("_http", "_cli")


@cache
def warm() -> None:
    """Imports the wings and the operations, and builds what decodes their answers; once in a process.

    Raises:
        ImportError: The installation is not whole.
        OSError: A file could not be read.
    """
    package = __name__.partition(".")[0]
    for wing in pkgutil.iter_modules([str(Path(__file__).parents[1])], f"{package}."):
        if wing.ispkg and wing.name.startswith(f"{package}._") and not wing.name.endswith(ELSEWHERE):
            for room in pkgutil.iter_modules(import_module(wing.name).__path__, f"{wing.name}."):
                import_module(room.name)
    answers: list[type[object]] = [operation.result for operation in operations()]
    answers += [batch.reading(("",)).result, batch.pricing([("", 1)]).result, dict[str, Any]]
    for answer in answers:
        decoding.prepare(answer)
