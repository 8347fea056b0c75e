"""The log of requests, a line each; it never contains the key, a document or variables."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tensorone.emulator._graphql.documents import Chosen

    from .fault import Fault


logger = logging.getLogger("tensorone.emulator.requests")


class AccessEntry:
    """The line of one request, filled in while the request is handled.

    Attributes:
        status: HTTP status of the answer; None before it, and without one.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        self._operation = "-"
        self._faults = ""
        self._began = time.perf_counter()

    def note_operation(self, chosen: Chosen) -> None:
        """Notes the operation: its name, or its root fields where it has none."""
        self._operation = chosen.name or ",".join(dict.fromkeys(chosen.root_fields))

    def note_faults(self, faults: Sequence[Fault]) -> None:
        """Notes the faults of the request."""
        self._faults = "".join(f" fault={fault.kind}" for fault in faults)

    def write(self) -> str:
        """Logs the line at INFO, and returns it."""
        milliseconds = (time.perf_counter() - self._began) * 1000
        status = self.status or "no-answer"
        logger.info("%s %s %.1f ms%s", self._operation, status, milliseconds, self._faults)
        return f"{self._operation} {status} {milliseconds:.1f} ms{self._faults}"
