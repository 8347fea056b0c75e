"""`dataclass` for frozen values at a fifth of the time: a process makes a hundred such classes before its first call.

The standard library compiles six methods for each class. Here `__init__` alone is compiled. The others are shared by
all classes, and do what those of the standard library do.
"""

from __future__ import annotations

import dataclasses
import sys
from contextlib import contextmanager
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - what type checkers take it for
else:

    def dataclass(*, frozen: bool, slots: bool = False, kw_only: bool = False, repr: bool = True) -> Any:  # noqa: A002
        """A decorator with the arguments of the standard library's, for frozen classes."""
        if not frozen:
            raise TypeError("only frozen classes are made here: use the standard library's dataclass")
        return lambda cls: _made(cls, slots=slots, kw_only=kw_only, show=repr)


class _Made:
    """Stands for a default that is made for each instance, as signatures show it."""

    def __repr__(self) -> str:
        return "<factory>"


_MADE = _Made()


def _made(cls: Any, *, slots: bool, kw_only: bool, show: bool) -> Any:
    shared: dict[str, object] = {"__setattr__": _set, "__delattr__": _delete, "__eq__": _equal}
    shared |= {"__repr__": _shown} if show else {}
    shared |= {"__getstate__": _state, "__setstate__": _restore} if slots else {}
    own = cast("Mapping[str, object]", vars(cls))
    for name, method in shared.items():
        if name not in own:
            setattr(cls, name, method)
    if own.get("__hash__") is None:  # Python sets it to None in a class with an `__eq__`
        cls.__hash__ = _hash
    with _thawed(cls):
        made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)(cls)
    made.__dataclass_params__.frozen = True
    compared = [field.name for field in dataclasses.fields(made) if field.compare]
    made._compared = attrgetter(*compared) if compared else type  # noqa: SLF001 - what instances are compared by
    made.__init__ = _init(made)
    return made


@contextmanager
def _thawed(cls: Any) -> Generator[None]:
    """The library refuses to derive a class from a frozen one unless it freezes the class itself."""
    above = [base.__dataclass_params__ for base in cls.__mro__[1:] if "__dataclass_params__" in vars(base)]
    for params in above:
        params.frozen = False
    try:
        yield
    finally:
        for params in above:
            params.frozen = True


def _init(cls: Any) -> Any:
    """`__init__`, in the namespace of the class's module, where annotations are looked up."""
    given: dict[str, Any] = {"_set": object.__setattr__, "_MADE": _MADE}
    positional, keyword, body = ["self"], list[str](), list[str]()
    for field in dataclasses.fields(cls):
        name = field.name
        made = field.default_factory is not dataclasses.MISSING
        has_default = made or field.default is not dataclasses.MISSING
        given[f"_{name}"] = field.default_factory if made else field.default
        default = "=_MADE" if made else f"=_{name}" if has_default else ""
        (keyword if field.kw_only else positional).append(name + default)
        value = f"_{name}() if {name} is _MADE else {name}" if made else name
        body.append(f"  _set(self, {name!r}, {value})")
    body += ["  self.__post_init__()"] if hasattr(cls, "__post_init__") else []
    arguments = ", ".join(positional + (["*", *keyword] if keyword else []))
    source = [
        f"def make({', '.join(given)}):",
        f" def __init__({arguments}):",
        *(body or ["  pass"]),
        " return __init__",
    ]
    found: dict[str, Any] = {}
    exec("\n".join(source), sys.modules[cls.__module__].__dict__, found)  # noqa: S102 - of names alone, as the library does
    init = found["make"](**given)
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__annotations__ = {field.name: field.type for field in dataclasses.fields(cls)} | {"return": None}
    return init


def _frozen(self: Any, name: str) -> bool:
    """Whether an attribute is one of the class's, or the class is one of ours itself."""
    return "__dataclass_fields__" in vars(self.__class__) or name in self.__dataclass_fields__


def _set(self: Any, name: str, value: object) -> None:
    if _frozen(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _delete(self: Any, name: str) -> None:
    if _frozen(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
    object.__delattr__(self, name)


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self._compared(self) == self._compared(other)


def _hash(self: Any) -> int:
    return hash(self._compared(self))


@recursive_repr()
def _shown(self: Any) -> str:
    shown = [f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr]
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
