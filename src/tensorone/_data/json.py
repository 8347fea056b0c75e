"""Looking into JSON data of unknown shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard


def as_object(value: object) -> Mapping[str, Any] | None:
    """The value if it is an object, else None."""
    return value if _is_object(value) else None


def as_array(value: object) -> list[Any] | None:
    """The value if it is an array, else None."""
    return value if _is_array(value) else None


def _is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _is_array(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
