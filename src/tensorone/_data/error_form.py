"""Errors as JSON and back: plain data with the names of public types, and no environment value."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from .json import as_array, as_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TYPE, VALUE = "tensorone", "value"  # keys of a value of one of our own types

_NUMBERS = (int, float, bool, type(None))


def written(error: BaseException) -> dict[str, Any]:
    """The error's type, words and fields, and its cause; of a foreign error its type and words alone."""
    if not callable(getattr(error, "to_json", None)):
        return {"type": type(error).__name__, "message": str(error)}
    form: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
    form["fields"] = {name: _plain(value) for name, value in error.__dict__.items()}
    if error.__cause__ is not None:
        form["cause"] = written(error.__cause__)
    return form


def read(
    form: Mapping[str, Any], make: Callable[[type[BaseException], str, dict[str, Any]], BaseException]
) -> BaseException:
    """The error of a form; `make` creates one of ours. A foreign one becomes a `RuntimeError` with its type in words.

    Raises:
        ValueError: It is not the form of an error.
    """
    if not isinstance(form.get("type"), str) or not isinstance(form.get("message"), str):
        raise ValueError("is not the form of an error: it has no type and message")  # noqa: TRY004 - for pydantic
    if "fields" not in form:
        return RuntimeError(f"{form['type']}: {form['message']}")
    fields = {name: _valued(value) for name, value in form["fields"].items()}
    error = make(_public(form["type"]), form["message"], fields)
    if "cause" in form:
        error.__cause__ = read(form["cause"], make)
    return error


def _public(name: str) -> Any:
    """A public type; an error of a later version becomes one of the base."""
    package: Any = import_module(__name__.partition(".")[0])
    return getattr(package, name if name in package.__all__ else "TensorOneError")


def _plain(value: Any) -> Any:
    """A field as JSON has it."""
    if isinstance(value, str):
        return str.__str__(value)  # a member of an enum by its value
    if isinstance(value, _NUMBERS):
        return value
    if (entries := as_object(value)) is not None:
        return {str(name): _plain(each) for name, each in entries.items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in cast("tuple[object, ...]", value)]
    if (items := as_array(value)) is not None:
        return [_plain(each) for each in items]
    return _of_ours(value)


def _of_ours(value: object) -> Any:
    """A value of one of our own types under its name, and anything else as its words."""
    kind: Any = type(value)
    if kind.__module__.startswith(__name__.partition(".")[0]) and isinstance(value, _public(kind.__name__)):
        return {TYPE: kind.__name__, VALUE: _form(kind).dump_python(value, mode="json")}
    return str(value)


def _valued(value: Any) -> Any:
    """What `_plain` made of a field."""
    if (items := as_array(value)) is not None:
        return [_valued(each) for each in items]
    if (entries := as_object(value)) is None:
        return value
    if {*entries} == {TYPE, VALUE}:
        return _form(_public(entries[TYPE])).validate_python(entries[VALUE])
    return {name: _valued(each) for name, each in entries.items()}


def _form(kind: Any) -> Any:
    from pydantic import TypeAdapter  # noqa: PLC0415 - errors are imported first, and cheap

    return TypeAdapter(kind)
