"""Errors as JSON and back: plain data with the names of public types, and no environment value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TYPE, VALUE = "tensorone", "value"  # keys of a value of one of our own types

_PLAIN = (str, int, float, bool, type(None))


def written(error: BaseException) -> dict[str, Any]:
    """The error's type, words and fields, and its cause; of a foreign error its type and words alone."""
    if not callable(getattr(error, "to_json", None)):
        return {"type": type(error).__name__, "message": str(error)}
    form: dict[str, Any] = {"type": type(error).__name__, "message": str(error)}
    form["fields"] = {name: _plain(value) for name, value in error.__dict__.items()}
    if error.__cause__ is not None:
        form["cause"] = written(error.__cause__)
    return form


def read(form: Mapping[str, Any], make: Callable[[type, str, dict[str, Any]], BaseException]) -> BaseException:
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
    if isinstance(value, _PLAIN):
        return str.__str__(value) if isinstance(value, str) else value  # a member of an enum by its value
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    name = type(value).__name__
    if type(value).__module__.startswith(__name__.partition(".")[0]) and isinstance(value, _public(name)):
        from pydantic import TypeAdapter  # noqa: PLC0415 - errors are imported first, and cheap

        return {TYPE: name, VALUE: TypeAdapter(type(value)).dump_python(value, mode="json")}
    return str(value)


def _valued(value: Any) -> Any:
    """What `_plain` made of a field."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_valued(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    if value.keys() == {TYPE, VALUE}:
        from pydantic import TypeAdapter  # noqa: PLC0415 - errors are imported first, and cheap

        return TypeAdapter(_public(value[TYPE])).validate_python(value[VALUE])
    return {name: _valued(each) for name, each in value.items()}
