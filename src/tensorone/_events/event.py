"""`Event`: what all events have in common. Pure."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar

from tensorone._data.dataclass import dataclass

from . import keys

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Event"]

Attribute = str | int | float | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that a client did, saw or waits for; ``str(event)`` is one line for a person.

    No event holds the API key, a value of an environment, a document or its variables.

    Attributes:
        NAME: Its name in logs and traces.
        LEVEL: The level at which it is logged, as `logging` counts.
    """

    NAME: ClassVar[str] = "event"
    LEVEL: ClassVar[int] = logging.INFO
    TRACEBACK: ClassVar[bool] = False  # whether the exception being handled is logged with it
    KEYS: ClassVar[Mapping[str, str]] = {}  # the attribute of each field that has one
    OUTCOME: ClassVar[str | None] = None  # what the call came to by it, which its span then says too

    @property
    def attributes(self) -> dict[str, Attribute]:
        """What is known, under the keys that logs, spans and metrics share; what is not known is left out."""
        known: dict[str, Attribute] = {} if self.OUTCOME is None else {keys.OUTCOME: self.OUTCOME}
        for field, key in self.KEYS.items():
            if (value := getattr(self, field)) is not None:
                known[key] = value
        return known


def seconds(amount: float) -> str:
    """A duration as a person reads it."""
    if amount < 0.9995:  # noqa: PLR2004 - what rounds to less than a second
        return f"{amount * 1000:.0f} ms"
    return f"{amount:.1f} s".replace(".0 s", " s")


def short(token: str) -> str:
    """The beginning of a token, and its number among those of one call; the attributes have all of it."""
    if len(token) <= 12:  # noqa: PLR2004 - read as a whole
        return token
    head, dash, number = token.rpartition("-")
    return f"{token[:6]}…{dash}{number}" if head and number.isdigit() else f"{token[:6]}…"
