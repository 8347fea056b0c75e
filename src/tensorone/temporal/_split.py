"""How a fleet is divided over shards, and put together again. Pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tensorone import InvalidArgument

from ._values import FleetStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tensorone.fleet import FleetSpec

SHARD = 500  # slots: a look of them is less than 64 KiB, and a core decides for twenty such shards with ease

LIMITS = ("budget", "max_hourly_spend")


def split(fleet: FleetSpec, held: Sequence[Collection[str]], *, size: int = SHARD) -> list[FleetSpec]:
    """The parts of a fleet: a slot stays in its shard, and new ones go to the first shard with room.

    Each part has its share of the limits on spending.

    Args:
        fleet: The whole.
        held: The slots that each shard has now.
        size: Slots of a shard at most.
    """
    kept = [[slot for slot in one if slot in fleet.slots] for one in held]
    known = {slot for one in kept for slot in one}
    for slot in fleet.slots:
        if slot in known:
            continue
        if (room := next((one for one in kept if len(one) < size), None)) is None:
            kept.append(room := [])
        room.append(slot)
    return [_part(fleet, one) for one in kept]


def _part(fleet: FleetSpec, slots: Collection[str]) -> FleetSpec:
    limits = {name: getattr(fleet, name) for name in LIMITS}
    shares: Any = {
        name: Decimal(limit) * len(slots) / len(fleet.slots) for name, limit in limits.items() if limit and slots
    }
    return replace(fleet, slots={slot: fleet.slots[slot] for slot in slots}, **shares)


def joined(parts: Sequence[FleetSpec]) -> FleetSpec:
    """The fleet of which these are the parts."""
    slots = {slot: name for one in parts for slot, name in one.slots.items()}
    filled = [one for one in parts if one.slots] or list(parts)
    limits: Any = {name: _sum([getattr(one, name) for one in filled]) for name in LIMITS}
    return replace(parts[0], slots=slots, **limits)


def _sum(limits: Sequence[Decimal | float | None]) -> Decimal | None:
    given = [Decimal(each) for each in limits if each is not None]
    return sum(given, Decimal(0)) if given else None


def resized(fleet: FleetSpec, count: int, spec: str | None) -> FleetSpec:
    """The fleet with so many slots: the last ones go, and new ones are called ``w0``, ``w1`` and so on.

    Raises:
        InvalidArgument: It is not said of which spec new slots are to be.
    """
    slots: dict[str, str] = dict(list(fleet.slots.items())[:count])
    if len(slots) < count and spec is None:
        if len(fleet.specs) > 1:
            raise InvalidArgument("spec", f"name the spec of the new slots, one of {', '.join(sorted(fleet.specs))}")
        spec = next(iter(fleet.specs))
    number = 0
    while len(slots) < count:
        slots.setdefault(f"w{number}", str(spec))
        number += 1
    return replace(fleet, slots=slots)


def together(parts: Sequence[FleetStatus]) -> FleetStatus:
    """The status of the fleet of which these are the parts."""
    names = "asked", "running", "booting", "down", "given_up", "leaving", "left_behind"
    clusters: dict[str, str] = {}
    for each in parts:
        clusters.update(each.clusters)
    looks = [each.looked_at for each in parts if each.asked]
    return FleetStatus(
        **{name: sum(getattr(each, name) for each in parts) for name in names},
        spent=sum((each.spent for each in parts), Decimal(0)),
        rate=sum((each.rate for each in parts), Decimal(0)),
        clusters=clusters,
        looked_at=_least(looks),
        trouble=next((each.trouble for each in parts if each.trouble), None),
    )


def _least(looks: Sequence[float | None]) -> float | None:
    known = [each for each in looks if each is not None]
    return min(known) if known and len(known) == len(looks) else None
