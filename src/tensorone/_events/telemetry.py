"""The sink OpenTelemetry: its API, looked up once, and the instruments; nothing is imported where it is off."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from tensorone._version import __version__

from . import keys, log

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, Observation
    from opentelemetry.trace import Span, SpanKind

    from .event import Attribute, Event

NAME = "tensorone"
DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0)


class Payer(Protocol):
    """What adds up to the gauge of spending."""

    @property
    def usd_per_hour(self) -> float:
        """US dollars per hour, as far as known."""
        ...

    @property
    def common(self) -> Mapping[str, Attribute]:
        """The attributes of its client."""
        ...


class Telemetry:
    """The tracer and the instruments of this process.

    Both are of OpenTelemetry's API, which hands on to an SDK as soon as a program sets one up, before or after.
    """

    def __init__(self) -> None:
        from opentelemetry import context, metrics, trace  # noqa: PLC0415 - optional, and slow to import

        self._trace, self._context, self._metrics = trace, context, metrics
        self._tracer = trace.get_tracer(NAME, __version__)
        self._active, self._look_at = False, 0.0
        self._failed = False
        self.payers: WeakSet[Payer] = WeakSet()
        meter = metrics.get_meter(NAME, __version__)
        self.duration = meter.create_histogram(
            "tensorone.client.operation.duration",
            unit="s",
            description="Time of one operation, its repeats and pauses included",
            explicit_bucket_boundaries_advisory=DURATIONS,
        )
        self.attempts = meter.create_counter(
            "tensorone.client.attempts", unit="{request}", description="Requests that came to their end"
        )
        self.queued = meter.create_histogram(
            "tensorone.client.queue.duration",
            unit="s",
            description="Time that a request waited in the client's queue",
            explicit_bucket_boundaries_advisory=DURATIONS,
        )
        self.in_flight = meter.create_up_down_counter(
            "tensorone.client.in_flight", unit="{request}", description="Requests under way"
        )
        meter.create_observable_gauge(
            "tensorone.client.usd_per_hour",
            [self._spending],
            unit="USD/h",
            description="What the clusters in client.rented cost, as far as their prices are known",
        )

    @property
    def active(self) -> bool:
        """Whether a program has set up an SDK; once it has, it stays so. Without one, looked for once a second."""
        if not self._active and ("opentelemetry.sdk" in sys.modules or time.monotonic() >= self._look_at):
            # The API's own stand-ins are called proxies, and only some of them by a public name.
            providers = (self._trace.get_tracer_provider(), self._metrics.get_meter_provider())
            self._active = not all("Proxy" in type(each).__name__ for each in providers)
            self._look_at = time.monotonic() + 1.0
        return self._active

    @property
    def recording(self) -> bool:
        """Whether there is a span now to which an event can be added."""
        return self.active and self._trace.get_current_span().is_recording()

    def note(self, event: Event) -> None:
        """Adds an event to the current span, which says the outcome too where the event is one."""
        span = self._trace.get_current_span()
        with self.harmless():
            span.add_event(f"{NAME}.{event.NAME}", event.attributes)
            if event.OUTCOME is not None:
                span.set_attributes(event.attributes)

    def begin(self, name: str, attributes: Mapping[str, Attribute], *, client: bool) -> tuple[Span, object]:
        """A new span that is current from now on, and what ends that."""
        kind: SpanKind = self._trace.SpanKind.CLIENT if client else self._trace.SpanKind.INTERNAL
        span: Span = self._trace.INVALID_SPAN
        with self.harmless():
            span = self._tracer.start_span(name, kind=kind, attributes=attributes)
        context: Context = self._trace.set_span_in_context(span)
        return span, self._context.attach(context)

    def end(self, begun: tuple[Span, object], attributes: Mapping[str, Attribute], *, error: str | None) -> None:
        """Ends a span; `error` is what failed, as a description."""
        span, token = begun
        self._context.detach(token)  # type: ignore[arg-type]  # what `attach` gave
        with self.harmless():
            span.set_attributes(attributes)
            if error is not None:
                span.set_status(self._trace.StatusCode.ERROR, error)
            span.end()

    @contextmanager
    def harmless(self) -> Generator[None]:
        """What a program's own sampler or processor raises is logged once, and costs no call its result."""
        try:
            yield
        except Exception:  # noqa: BLE001 - a caller's code, in the middle of a call that may have rented
            if not self._failed:
                self._failed = True
                log.tell("OpenTelemetry failed; what else it raises is not logged", traceback=True)

    def _spending(self, _: CallbackOptions) -> Iterable[Observation]:
        sums: dict[tuple[tuple[str, Attribute], ...], float] = {}
        for payer in tuple(self.payers):
            common = tuple(payer.common.items())
            sums[common] = sums.get(common, 0.0) + payer.usd_per_hour
        return [self._metrics.Observation(amount, dict(common)) for common, amount in sums.items()]


@cache
def _telemetry() -> Telemetry | None:
    try:
        return Telemetry()
    except ImportError:
        return None


def telemetry() -> Telemetry | None:
    """OpenTelemetry; None where it is not installed or one of its own variables switches it off."""
    disabled = set(_names(os.environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "")))
    off = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return None if off or disabled & {NAME, "*"} else _telemetry()


def _names(listed: str) -> Iterator[str]:
    return (name.strip() for name in listed.split(","))


def of_metric(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """The attributes that have few values, of which alone a metric may be made."""
    return {key: value for key, value in attributes.items() if key in _FEW}


_FEW = frozenset(
    {keys.OPERATION, keys.OPERATION_TYPE, keys.ADDRESS, keys.PORT, keys.ERROR, keys.STATUS, keys.CALL, keys.OUTCOME}
)
