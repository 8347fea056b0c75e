"""Values whose errors do not hold what was given: pydantic's own would show it, secrets included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .hidden import MASK

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import GetCoreSchemaHandler, ValidationError
    from pydantic_core import CoreSchema, InitErrorDetails


class Unshown:
    """A base for dataclasses with specs in them: what is refused of one may have values in `env`."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415 - some of these values are imported first, and cheap

        return core_schema.no_info_wrap_validator_function(_read, handler(source))


def _read(value: object, read: Callable[[object], object]) -> object:
    from pydantic import ValidationError  # noqa: PLC0415 - likewise

    try:
        return read(value)
    except ValidationError as error:
        raise _without_input(error) from None


def _without_input(error: ValidationError) -> ValidationError:
    from pydantic_core import PydanticCustomError  # noqa: PLC0415 - likewise

    lines: list[InitErrorDetails] = []
    for each in error.errors(include_url=False, include_input=False):
        name: Any = each["type"]  # no literal, as type checkers want it
        kind = PydanticCustomError(name, "{words}", {"words": each["msg"]})
        lines.append({"type": kind, "loc": each["loc"], "input": MASK})
    return type(error).from_exception_data(error.title, lines, hide_input=True)
