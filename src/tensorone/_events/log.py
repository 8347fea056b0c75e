"""The sink `logging`, under the name ``tensorone``, and ``TENSORONE_LOG``, which shows it on stderr."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from tensorone._errors import ConfigurationError

from . import keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .event import Attribute, Event

VARIABLE = "TENSORONE_LOG"
LEVELS = {"info": logging.INFO, "debug": logging.DEBUG}

# No NullHandler: it would also silence Python's last resort, by which a program that has configured no logging still
# sees warnings on stderr. Here they name machines that go on being billed.
logger = logging.getLogger("tensorone")


def write(event: Event, level: int, common: Mapping[str, Attribute]) -> None:
    """Logs an event at a level that is enabled, with its attributes as fields of the record.

    The record is made here: `Logger.log` would look for the caller's line, at the cost of half a record.
    """
    error = sys.exc_info() if event.TRACEBACK else None
    record = logging.getLogRecordFactory()(logger.name, level, __file__, 0, "%s", (event,), error)
    vars(record).update({keys.EVENT: event.NAME, **common, **event.attributes})
    logger.handle(record)


class _Stderr(logging.Handler):
    """Writes to whatever stderr is now, unless the program's own logging writes there too.

    The SDK's lines alone: an emulator in the same process logs below the same name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        shown = any(getattr(other, "stream", None) is sys.stderr for other in logging.getLogger().handlers)
        if record.name == logger.name and not shown:
            sys.stderr.write(self.format(record) + "\n")


_STDERR = _Stderr()


def show_as_configured() -> None:
    """Shows the log on stderr if ``TENSORONE_LOG`` says so; safe to repeat.

    Raises:
        ConfigurationError: The variable has another value than ``info`` or ``debug``.
    """
    wanted = os.environ.get(VARIABLE, "").strip()
    if not wanted:
        return
    level = LEVELS.get(wanted.lower())
    if level is None:
        raise ConfigurationError(f"{VARIABLE}={wanted!r} is unknown: use 'info' or 'debug', or leave it out")
    logger.setLevel(level)
    logger.addHandler(_STDERR)  # which is a no-op when it is there
