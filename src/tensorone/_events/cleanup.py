"""Events of clean-up, and of what goes wrong on the way without ending a call. Pure."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar

from tensorone._data.dataclass import dataclass

from . import keys
from .event import Event, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Cleaned", "Cleaning", "Failure", "Setback", "Signalled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signalled(Event):
    """A signal ends the program: `tensorone.run` cancels and cleans up, or leaves at once.

    Attributes:
        signal: Its name, such as ``"SIGTERM"``.
        text: What follows from it.
    """

    NAME: ClassVar[str] = "signal"
    LEVEL: ClassVar[int] = logging.WARNING

    signal: str
    text: str

    def __str__(self) -> str:
        return f"{self.signal}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning(Event):
    """Calls that bill were cancelled after their requests began to leave: what they did is found out and undone.

    Attributes:
        calls: What was cancelled, such as ``"a rental with the client token …"``.
        within: Seconds that this may take.
    """

    NAME: ClassVar[str] = "cleaning"
    LEVEL: ClassVar[int] = logging.WARNING

    calls: tuple[str, ...]
    within: float

    def __str__(self) -> str:
        count = len(self.calls)
        what = self.calls[0] if count == 1 else f"{count} calls: {', '.join(self.calls)}"
        return f"cancelled: finding out what became of {what}, up to {seconds(self.within)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned(Event):
    """What became of one cancelled call, or, once all of them are settled, what is left.

    Attributes:
        call: Which one, as in `Cleaning`; None for all of them.
        text: What became of it.
        cluster_id: The cluster that it had rented or started, if any.
        left: What may still run.
    """

    NAME: ClassVar[str] = "cleaned"
    LEVEL: ClassVar[int] = logging.WARNING
    KEYS: ClassVar[Mapping[str, str]] = {"cluster_id": keys.CLUSTER}

    call: str | None
    text: str
    cluster_id: str | None = None
    left: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Setback(Event):
    """Something failed that does not end a call: a poll, a search for a lost rental, an end that is tried again.

    Attributes:
        text: What, and the error's own words.
        cluster_id: The cluster it was about, if one.
        error_type: The class of the error.
    """

    NAME: ClassVar[str] = "setback"
    LEVEL: ClassVar[int] = logging.WARNING
    KEYS: ClassVar[Mapping[str, str]] = {"cluster_id": keys.CLUSTER, "error_type": keys.ERROR}

    text: str
    cluster_id: str | None = None
    error_type: str | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Event):
    """An exception that nobody else would see: of a hook, or while a program ends. Its traceback is logged.

    Attributes:
        text: Where it came up.
    """

    NAME: ClassVar[str] = "failure"
    LEVEL: ClassVar[int] = logging.ERROR
    TRACEBACK: ClassVar[bool] = True

    text: str

    def __str__(self) -> str:
        return self.text
