"""OpenTelemetry as a program sets it up, for one test: spans and metrics in memory, and the globals put back."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace
from opentelemetry.metrics import _internal as metric_globals
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once

from tensorone._events import emitter, telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan


@dataclass
class Recorded:
    """What was exported."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """All spans that ended."""
        return self.exporter.get_finished_spans()

    def span(self, name: str) -> ReadableSpan:
        """The one span of that name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found

    @property
    def points(self) -> dict[str, list[Any]]:
        """The data points of each metric."""
        data = self.reader.get_metrics_data()
        if data is None:
            return {}
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        return {metric.name: list(metric.data.data_points) for scope in scopes for metric in scope.metrics}


@contextmanager
def fresh() -> Iterator[None]:
    """A process in which nobody has set up OpenTelemetry."""
    _forget()
    try:
        yield
    finally:
        _forget()


def _forget() -> None:
    trace._TRACER_PROVIDER, trace._TRACER_PROVIDER_SET_ONCE = None, Once()
    metric_globals._METER_PROVIDER, metric_globals._METER_PROVIDER_SET_ONCE = None, Once()
    metric_globals._PROXY_METER_PROVIDER = metric_globals._ProxyMeterProvider()
    telemetry._telemetry.cache_clear()
    emitter.PROCESS._telemetry = None


@contextmanager
def exporting() -> Iterator[Recorded]:
    """An SDK that exports into memory, set up now; inside `fresh`."""
    recorded = Recorded(InMemorySpanExporter(), InMemoryMetricReader())
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(recorded.exporter))
    trace.set_tracer_provider(provider)
    meters = MeterProvider([recorded.reader])
    metrics.set_meter_provider(meters)
    yield recorded
    meters.shutdown()
    provider.shutdown()


@contextmanager
def recording() -> Iterator[Recorded]:
    """A process that exports into memory from its beginning."""
    with fresh(), exporting() as recorded:
        yield recorded
