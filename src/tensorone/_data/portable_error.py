"""Exceptions that survive a pickle, and whose form in JSON pydantic reads and writes."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from . import error_form

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

E = TypeVar("E", bound=BaseException)


class AnyError:
    """How pydantic reads and writes an exception, a foreign one too: ``Annotated[Exception, AnyError]``."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> CoreSchema:
        return schema(Exception)


def rebuilt(cls: type[E], args: tuple[Any, ...], state: dict[str, Any], cause: BaseException | None) -> E:
    """An exception of these words and attributes; its constructor is not called."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    error.__cause__ = cause
    return error


def validated(cls: type[E], value: object) -> E:
    """An error as it is, or of the form that JSON holds.

    Raises:
        ValueError: It is neither, or an error of another type.
    """
    error = value if isinstance(value, BaseException) else _read(value)
    if not isinstance(error, cls):
        raise ValueError(f"must be a {cls.__name__}, not a {type(error).__name__}")  # noqa: TRY004 - for pydantic
    return error


def _read(form: object) -> BaseException:
    if not isinstance(form, Mapping):
        raise ValueError("is not an object")  # noqa: TRY004 - for pydantic

    def make(cls: type[BaseException], message: str, fields: dict[str, Any]) -> BaseException:
        return rebuilt(cls, (message,), fields | {"ledger": tuple(fields.get("ledger", ()))}, None)

    return error_form.read(cast("Mapping[str, Any]", form), make)


def schema(cls: type[BaseException]) -> CoreSchema:
    """How pydantic reads and writes an exception of this type."""
    from pydantic_core import core_schema  # noqa: PLC0415 - errors are imported first, and cheap

    write = core_schema.plain_serializer_function_ser_schema(error_form.written)
    return core_schema.no_info_plain_validator_function(partial(validated, cls), serialization=write)


def picklable(cause: BaseException | None) -> BaseException | None:
    """The cause itself if it can be pickled, else its text."""
    if cause is None:
        return None
    try:
        pickle.loads(pickle.dumps(cause))  # noqa: S301 - made one line above
    except Exception:  # noqa: BLE001 - any foreign exception may break in any way
        return RuntimeError(f"{type(cause).__name__}: {cause}")
    return cause
