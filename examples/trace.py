"""A trace that explains a lost answer: the attempt, the search for what it did, and the adoption, under one span.

Run it with `python examples/trace.py`; it needs the extra `otel` and opentelemetry-sdk. It starts its own emulator,
which rents a cluster and never says so. A program sends its spans to a collector in place of the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.sdk.trace import Event, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import tensorone
from tensorone import ClusterSpec, TensorOne
from tensorone.emulator import Emulator, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.sdk.trace import ReadableSpan


def set_up() -> InMemorySpanExporter:
    """Keeps spans in memory; a program does the same with an exporter of its own, before or after it makes a client."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


async def lost_answer() -> None:
    """Deploys a cluster; the server rents it, and closes the connection."""
    async with Emulator(first_clusters=False) as emulator, TensorOne(emulator.api_key, url=emulator.url) as client:
        emulator.faults.add(Fault("close", operation="DeployCluster", commit=True))
        await client.clusters.deploy(ClusterSpec(image_name="tensorone/pytorch", gpu_type_id="NVIDIA A40"))


def lines(spans: Sequence[ReadableSpan], within: ReadableSpan | None = None, indent: str = "") -> Iterator[str]:
    """The spans as a tree, with their events, everything in the order in which it came."""
    inner = [span for span in spans if _parent(span) == (within and within.context and within.context.span_id)]
    found: list[tuple[int, ReadableSpan | Event]] = [(span.start_time or 0, span) for span in inner]
    found += [(event.timestamp, event) for event in (within.events if within else ())]
    for _, each in sorted(found, key=lambda pair: pair[0]):
        if isinstance(each, Event):
            yield f"{indent}+ {each.name}"
            continue
        took = ((each.end_time or 0) - (each.start_time or 0)) / 1e6
        outcome = (each.attributes or {}).get("tensorone.outcome")
        yield f"{indent + each.name:<40} {took:6.0f} ms  {outcome}"
        yield from lines(spans, each, f"{indent}  ")


def _parent(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


def main() -> None:
    """Prints the trace."""
    exporter = set_up()
    tensorone.run(lost_answer)
    for line in lines(exporter.get_finished_spans()):
        print(line)


if __name__ == "__main__":
    main()
