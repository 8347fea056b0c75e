"""The saved form of a fleet's state, read back: text from a file is checked field by field. Pure."""

from __future__ import annotations

import json
import math
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from tensorone import _checks
from tensorone._errors import InvalidArgument
from tensorone._json import as_object

if TYPE_CHECKING:
    from collections.abc import Callable


VERSION = 2

READABLE = (1, VERSION)  # 1 had no GPU types, and nothing of what is waited for: both are then unknown

_PHASES = ("new", "booting", "up", "down", "recovering", "given_up")

_LIMITS = (None, "budget", "max_hourly_spend")


def read(text: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The fields of a fleet, and of each of its members.

    Raises:
        InvalidArgument: It is no saved state, of another version, or a field cannot be.
    """
    try:
        saved = as_object(json.loads(text))
    except (TypeError, ValueError) as error:
        raise InvalidArgument("state", "is no saved state of a fleet") from error
    if saved is None or "version" not in saved:
        raise InvalidArgument("state", "is no saved state of a fleet")
    if (version := saved["version"]) not in READABLE:
        raise InvalidArgument("state", f"was saved in format {version}, and this version reads {VERSION}")
    try:
        return _fields(dict(saved))
    except (AttributeError, KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise InvalidArgument("state", f"is no saved state of a fleet: {error}") from error


def _fields(saved: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    del saved["version"]
    members = [_checked(one, _MEMBER) for one in saved.pop("members")]
    for name in ("cluster_id", "origin"):
        if len({one[name] for one in members}) < len(members):
            raise InvalidArgument(name, "names a cluster twice")
    return _checked(saved, _FLEET), members


def _checked(saved: dict[str, Any], checks: dict[str, Callable[[str, Any], object]]) -> dict[str, Any]:
    return {name: checks[name](name, value) for name, value in saved.items()}


def _optional(check: Callable[[str, Any], object]) -> Callable[[str, Any], object]:
    return lambda name, value: None if value is None else check(name, value)


def _one_of(*known: object) -> Callable[[str, Any], object]:
    def check(name: str, value: object) -> object:
        if not any(value is each or (isinstance(each, str) and value == each) for each in known):
            raise InvalidArgument(name, f"cannot be {value!r}")
        return value

    return check


def _amount(name: str, value: object) -> Decimal:
    amount = Decimal(_checks.text(name, value))
    if not amount.is_finite() or amount < 0:
        raise InvalidArgument(name, f"cannot be {value}")
    return amount


def _count(name: str, value: object) -> int:
    return _checks.integer(name, value, least=0)


def _moment(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidArgument(name, f"cannot be {value!r}")
    return float(value)


_FLEET: dict[str, Callable[[str, Any], object]] = {
    "at": _optional(_moment),
    "spent": _amount,
    "held_by": _one_of(*_LIMITS),
}

_MEMBER: dict[str, Callable[[str, Any], object]] = {
    "cluster_id": lambda name, value: _checks.cluster_id(value, name),
    "origin": lambda name, value: _checks.cluster_id(value, name),
    "gpu_type_id": _optional(_checks.text),
    "gpu_count": _count,
    "bid_per_gpu": _optional(_amount),
    "phase": _one_of(*_PHASES),
    "billed": _one_of(True, False),
    "gone": _one_of(True, False),
    "misses": _count,
    "strikes": _count,
    "retry_at": _moment,
    "waiting_since": _optional(_moment),
    "limited": _one_of(True, False),
    "unknown_status": _optional(_checks.text),
    "recovered_at": _optional(_moment),
    "recoveries": _count,
}
