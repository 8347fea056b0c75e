"""Tells of repeats and pauses: what the executor reports when an attempt failed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tensorone._errors import RateLimited

from .requests import Paused, Repeating

if TYPE_CHECKING:
    from collections.abc import Callable

    from .emitter import Emitter
    from .operation import Failed, Named

LONG_PAUSE = 1.0  # seconds from which on a pause is a warning; shorter ones are how the rate is found
WORDS = 300  # letters of a failure that an event repeats


def tell_pause(events: Emitter, seconds: float | None, *, waiting: int) -> None:
    """All calls wait, which the first of several requests refused together tells."""
    level = logging.WARNING if round(seconds or 0.0, 2) >= LONG_PAUSE else logging.INFO  # as it is shown
    events.emit_at(level, Paused, seconds=seconds, waiting=waiting)


def tell_repeat(  # noqa: PLR0913 - what one repeat is about
    events: Emitter,
    operation: Named,
    failed: Failed,
    *,
    call: str,
    redact: Callable[[str], str],
    attempt: int,
    attempts: int,
    wait: float | None,
) -> None:
    """A request is sent again; the server's words are redacted, which costs nothing while nobody listens.

    At DEBUG after a rate limit: its pause is one line, and every call that waits for it would say the same.
    """
    level = logging.DEBUG if failed.kind is RateLimited else Repeating.LEVEL
    if events.wants(level):
        events.emit_at(
            level,
            Repeating,
            call=call,
            operation=operation.name,
            operation_type=operation.kind,
            reason=redact(failed.words)[:WORDS],
            attempt=attempt,
            attempts=attempts,
            wait=wait,
            status_code=failed.details.get("status_code"),
            error_type=failed.kind.__name__,
        )
