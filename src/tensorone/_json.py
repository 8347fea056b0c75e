"""Looking into JSON data of unknown shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast


def as_object(value: object) -> Mapping[str, Any] | None:
    """The value if it is an object, else None."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None


def as_array(value: object) -> list[Any] | None:
    """The value if it is an array, else None."""
    if not isinstance(value, list):
        return None
    items: list[Any] = value
    return items
