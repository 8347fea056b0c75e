"""Amounts and durations as people write and read them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")


def seconds(text: str) -> float:
    """`90`, `90s`, `15m`, `8h` or `2d` in seconds.

    Raises:
        ValueError: It is nothing of that kind.
    """
    found = _DURATION.fullmatch(text.strip())
    if not found or not float(found[1]):
        raise ValueError(f"{text!r} is no time above 0: write 90s, 15m, 8h or 2d")
    return float(found[1]) * _UNITS[found[2] or "s"]


def ago(value: float | None) -> str:
    """A duration in its largest unit: `4 min`."""
    if value is None:
        return "-"
    for least, size, unit in ((2 * 86400, 86400, "d"), (2 * 3600, 3600, "h"), (60, 60, "min")):
        if value >= least:
            return f"{value / size:.0f} {unit}"
    return f"{value:.0f} s"


def dollars(value: Decimal | float | None, *, least: int = 2, most: int = 4) -> str:
    """A price with at least two decimals and no more than it has, up to four; `?` if it is not known."""
    if value is None:
        return "?"
    text = f"{value:.{most}f}"
    while text.endswith("0") and len(text) - text.index(".") - 1 > least:
        text = text[:-1]
    return text


def total(values: Sequence[float | None]) -> str:
    """What several cost together: `$0.73 an hour`, with a word about those that are not known."""
    known = [value for value in values if value is not None]
    if not known:
        return "a price that is not known"
    missing = len(values) - len(known)
    return f"${dollars(sum(known), most=2)} an hour" + (
        f" and {missing} more at a price that is not known" if missing else ""
    )


def several(count: int, noun: str) -> str:
    """`1 cluster`, `3 clusters`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(items: Sequence[str], most: int = 6) -> str:
    """`a, b and c`; beyond so many, how many more."""
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else "".join(items)


def moment(at: datetime | None) -> str | None:
    """A date of UTC as JSON has it."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
