"""One result as a flat mapping: plain values for a DataFrame, and short texts for a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import singledispatch
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel

from tensorone._generated import Cluster, PlacedCluster

if TYPE_CHECKING:
    from tensorone._generated import Port, Runtime

Row = dict[str, object]

PLAIN = (str, int, float, bool)
MINUTE, HOUR, DAY = 60, 3600, 86400


@singledispatch
def row(item: object) -> Row:
    """The plain values of a result, by name; those of an object inside it after its name and an underscore."""
    return _flat(item, "")


@singledispatch
def cells(item: object) -> dict[str, str]:
    """What a table shows of a result: a text under each heading. Its class may say so in a method `_cells_`."""
    own = getattr(item, "_cells_", None)
    if own is not None:
        return {name: text(value) for name, value in own().items()}
    return {name.replace("_", " "): text(value) for name, value in row(item).items()}


@row.register
def _(item: None) -> Row:
    del item  # a cluster that does not exist, among others that do
    return {}


@row.register
def _(item: PlacedCluster) -> Row:
    return {**_flat(item, ""), "env": _names(item)}


@row.register
def _(item: Cluster) -> Row:
    runtime = item.runtime
    gpus = (runtime and runtime.gpus) or []
    loads = [gpu.gpu_util_percent for gpu in gpus if gpu.gpu_util_percent is not None]
    return {
        "id": item.id,
        "name": item.name,
        "status": _plain(item.desired_status),
        "image_name": item.image_name,
        "uptime_seconds": runtime and runtime.uptime_in_seconds,
        "gpu_count": len(gpus) if runtime and runtime.gpus is not None else None,
        "gpu_utilization_percent": sum(loads) / len(loads) if loads else None,
        "ports": _ports(runtime),
        "machine_id": item.machine_id,
        "env": _names(item),
    }


@cells.register
def _(item: Cluster) -> dict[str, str]:
    shown = row(item)
    load, count = shown["gpu_utilization_percent"], shown["gpu_count"]
    uptime = None if item.runtime is None else item.runtime.uptime_in_seconds
    return {
        "id": item.id,
        "name": text(item.name),
        "status": text(shown["status"]),
        "up": "" if uptime is None else duration(uptime),
        "GPUs": text(count) + ("" if load is None else f" at {load:.0f}%"),
        "ports": text(shown["ports"]),
    }


def text(value: object) -> str:
    """A plain value for people: nothing for None, at most four digits after the point."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else _words(value)


def duration(seconds: int) -> str:
    """Seconds in the largest unit that fits: "41 s", "3 min", "5 h", "2 days"."""
    passed = max(seconds, 0)
    for least, unit, name in ((2 * DAY, DAY, "days"), (2 * HOUR, HOUR, "h"), (MINUTE, MINUTE, "min")):
        if passed >= least:
            return f"{passed // unit} {name}"
    return f"{passed} s"


def _names(placed: PlacedCluster) -> str:
    return ", ".join(each.partition("=")[0] for each in placed.env or ())


def _ports(runtime: Runtime | None) -> str | None:
    return ", ".join(map(_port, runtime.ports)) if runtime and runtime.ports is not None else None


def _port(port: Port) -> str:
    inside = f"{text(port.private_port)}/{text(port.type)}"
    return f"{inside} at {port.ip}:{port.public_port}" if port.is_ip_public else inside


def _words(value: object) -> str:
    """What an object says of itself; its class where it cannot, since a caller's items may be anything."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - one item must not hide the others
        return f"<{type(value).__name__}>"


def _flat(item: object, prefix: str, around: tuple[object, ...] = ()) -> Row:
    flat: Row = {}
    around = (*around, item)
    for name, value in _fields(item):
        if isinstance(value, PlacedCluster):
            flat.update({f"{prefix}{name}_{inner}": each for inner, each in row(value).items()})
        elif isinstance(value, BaseModel) or is_dataclass(value):
            itself = any(value is each for each in around)  # in which it would have no end
            flat.update({prefix + name: "…"} if itself else _flat(value, f"{prefix}{name}_", around))
        else:
            flat[prefix + name] = _plain(value)
    return flat


def _fields(item: object) -> Iterator[tuple[str, Any]]:
    if isinstance(item, BaseModel):  # dumped field by field, since a dump masks what is secret
        masked = item.model_dump()
        yield from ((name, getattr(item, name) if isinstance(masked[name], dict) else masked[name]) for name in masked)
    elif is_dataclass(item):
        yield from ((field.name, getattr(item, field.name)) for field in fields(item) if field.repr)
    else:
        yield "value", item


def _plain(value: object) -> object:
    if isinstance(value, str):
        return str.__str__(value)  # an enum's value
    if value is None or isinstance(value, PLAIN):
        return value
    if isinstance(value, bytes):
        return _words(value)
    if isinstance(value, Sequence):
        return _joined(cast("Sequence[object]", value))
    if isinstance(value, Mapping):  # names, since values may be secret
        return ", ".join(map(_words, cast("Mapping[object, object]", value)))
    return f"{type(value).__name__}: {_words(value)}" if isinstance(value, Exception) else _words(value)


def _joined(values: Sequence[object]) -> str:
    try:
        return ", ".join(text(_plain(each)) for each in values)
    except RecursionError:  # a list inside itself
        return "…"
