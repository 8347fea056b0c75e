"""`Emitter`: hands the events of one client to whoever listens, and makes none where nobody does."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ParamSpec, cast
from weakref import WeakSet

from . import keys, log
from .hooks import told
from .operation import SeenOperation
from .spans import NO_SPAN, Span
from .telemetry import telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

    from .event import Attribute, Event
    from .operation import Named
    from .telemetry import Payer, Telemetry

P = ParamSpec("P")


class Emitter:
    """The three sinks of one client: the log, the hook `on_event`, and OpenTelemetry.

    Args:
        on_event: The hook.
        place: Host and port of the service; without it, OpenTelemetry is not looked for.

    Attributes:
        common: The attributes of everything that this client tells: the server.
    """

    def __init__(self, on_event: Callable[[Event], object] | None = None, *, place: str = "") -> None:
        host, _, port = place.rpartition(":")
        self.common: dict[str, Attribute] = {keys.ADDRESS: host, keys.PORT: int(port)} if place else {}
        self._telemetry: Telemetry | None = None
        if place:
            self._telemetry = PROCESS._telemetry = telemetry()
        self._hook = told("on_event", on_event)
        self._hook_failed = False
        if on_event is not None:
            LISTENING.add(self)

    def close(self) -> None:
        """What belongs to no client is not told here any more."""
        LISTENING.discard(self)

    def wants(self, level: int) -> bool:
        """Whether anybody listens to an event of this level now."""
        return (
            self._hook is not None
            or log.logger.isEnabledFor(level)
            or (self._telemetry is not None and self._telemetry.recording)
        )

    def emit(self, kind: Callable[P, Event], /, *args: P.args, **fields: P.kwargs) -> None:
        """Makes an event and hands it on, if anybody listens."""
        self._emit(cast("type[Event]", kind).LEVEL, kind, args, fields)

    def emit_at(self, level: int, kind: Callable[P, Event], /, *args: P.args, **fields: P.kwargs) -> None:
        """The same at another level than the event's own."""
        self._emit(level, kind, args, fields)

    def _emit(self, level: int, kind: Callable[..., Event], args: tuple[Any, ...], fields: dict[str, Any]) -> None:
        if self.wants(level):
            event = kind(*args, **fields)
            self.deliver(event, level)
            self.call_hook(event)

    def span(self, name: str, **attributes: Attribute | None) -> Span:
        """A block that is one span for OpenTelemetry, such as a call of several requests; nothing where it is off.

        Args:
            name: Its name, such as ``"clusters.deploy"``.
            attributes: By the names of `keys`, in lower case; None is left out.
        """
        if self._telemetry is None or not self._telemetry.active:
            return NO_SPAN
        known = {getattr(keys, key.upper()): value for key, value in attributes.items() if value is not None}
        return Span(self._telemetry, name, {keys.CALL: name, **self.common, **known})

    @property
    def traces(self) -> bool:
        """Whether blocks become spans now."""
        return self._telemetry is not None and self._telemetry.active

    def operation(self, operation: Named, call: Callable[[str], str], *, attempts: int = 0) -> SeenOperation | None:
        """What observes one operation; None where nobody wants to know of single attempts."""
        found = self._telemetry if self._telemetry is not None and self._telemetry.active else None
        each = self._hook is not None or log.logger.isEnabledFor(logging.DEBUG)
        if not (each or found):
            return None
        return SeenOperation(self, found, operation, call(operation.name), told=each, attempts=attempts)

    def pays(self, payer: Payer) -> None:
        """Something adds to what is spent per hour."""
        if self._telemetry is not None:
            self._telemetry.payers.add(payer)

    def deliver(self, event: Event, level: int) -> None:
        """To the log and the current span."""
        if log.logger.isEnabledFor(level):
            log.write(event, level, self.common)
        if self._telemetry is not None and self._telemetry.recording and event.NAME != "attempt":
            self._telemetry.note(event)

    def call_hook(self, event: Event) -> None:
        """Calls the hook; what it raises is logged once, and costs nothing else."""
        if self._hook is None:
            return
        try:
            self._hook(event)
        except Exception:  # noqa: BLE001 - a caller's code, in the middle of a call that may have rented
            if not self._hook_failed:
                self._hook_failed = True
                log.tell("on_event failed; what else it raises is not logged", traceback=True)


LISTENING: WeakSet[Emitter] = WeakSet()
"""The clients with a hook, which is also told what belongs to no client."""

PROCESS = Emitter()
"""For what belongs to no client; `emit_everywhere` also tells the hook of every open client."""


def wanted_everywhere(level: int) -> bool:
    """Whether anybody listens to what belongs to no client."""
    return bool(LISTENING) or PROCESS.wants(level)


def emit_everywhere(level: int, kind: Callable[P, Event], /, *args: P.args, **fields: P.kwargs) -> None:
    """Hands on what belongs to no client: to the log once, and to the hook of every client that is open."""
    if wanted_everywhere(level):
        event = kind(*args, **fields)
        PROCESS.deliver(event, level)
        for each in tuple(LISTENING):
            each.call_hook(event)
