"""Values of public types that pydantic writes with the name of their type, and reads by it."""

from __future__ import annotations

import dataclasses
import importlib
from functools import cache
from typing import TYPE_CHECKING, Any

from .json import as_object

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import CoreSchema

PACKAGE = "tensorone"


class AnyPublic:
    """How pydantic reads and writes a value whose type is known by name alone: ``Annotated[object, AnyPublic]``.

    What is no value of a public type is written and read as it is.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415 - events are imported first, and cheap

        return core_schema.no_info_plain_validator_function(
            _read, serialization=core_schema.plain_serializer_function_ser_schema(_written)
        )


def _public(name: object) -> type[Any] | None:
    """A public value class by its name; None where there is none."""
    package = importlib.import_module(PACKAGE)
    found = getattr(package, name, None) if isinstance(name, str) and name in package.__all__ else None
    return found if isinstance(found, type) and dataclasses.is_dataclass(found) else None


@cache
def _form(name: str) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - likewise

    return TypeAdapter(getattr(importlib.import_module(PACKAGE), name))


def _written(value: object) -> object:
    kind = type(value)
    if _public(kind.__name__) is not kind:
        return value
    return {"type": kind.__name__, **_form(kind.__name__).dump_python(value, mode="json")}


def _read(value: object) -> object:
    given = as_object(value)
    kind = None if given is None else _public(given.get("type"))
    if given is None or kind is None:
        return value
    return _form(kind.__name__).validate_python({name: each for name, each in given.items() if name != "type"})
