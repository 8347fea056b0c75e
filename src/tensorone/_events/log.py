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
    """Logs an event at a level that is enabled, with its attributes as fields of the record."""
    record = _record(level, str(event), traceback=event.TRACEBACK)
    fields = vars(record)
    fields[keys.EVENT] = event.NAME
    fields.update(common)
    fields.update(event.attributes)
    _handle(record)


def tell(words: str, *, traceback: bool = False) -> None:
    """Logs what is wrong with who listens: a hook, or OpenTelemetry. It is no event, since those would reach it too."""
    if logger.isEnabledFor(logging.ERROR):
        _handle(_record(logging.ERROR, words, traceback=traceback))


def _record(level: int, words: str, *, traceback: bool) -> logging.LogRecord:
    """Made here: `Logger.log` would look for the caller's line, at the cost of half a record."""
    about = (logger.name, level, __file__, 0, words, (), sys.exc_info() if traceback else None)
    try:
        return logging.getLogRecordFactory()(*about)
    except Exception:  # noqa: BLE001 - as in `_handle`
        record = logging.LogRecord(*about)
        _STDERR.handleError(record)
        return record


def _handle(record: logging.LogRecord) -> None:
    """A program's own handler or filter that raises costs no call its result: what it rented would be lost."""
    try:
        logger.handle(record)
    except Exception:  # noqa: BLE001 - a caller's code, in the middle of a call that may have rented
        _STDERR.handleError(record)


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
