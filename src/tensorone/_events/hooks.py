"""`Hook`: a caller's function that gets what happens; nobody awaits what it returns."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Generic, ParamSpec

from tensorone import _checks
from tensorone._errors import InvalidArgument

from . import log

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")


def told(name: str, function: Callable[P, object] | None, *, takes: int = 1) -> Hook[P] | None:
    """A hook that may be missing; one that was made before stays itself.

    Args:
        name: The argument by which it was given, such as ``"on_event"``.
        function: What the caller gave.
        takes: With how many arguments it is called.

    Raises:
        InvalidArgument: It is no plain function of so many arguments.
    """
    if function is None or isinstance(function, Hook):
        return function
    check(name, function, takes=takes)
    return Hook(name, function)


def check(name: str, function: Callable[..., object] | None, *, takes: int) -> None:
    """Refuses what is no plain function of so many arguments: it would fail when something has happened.

    Raises:
        InvalidArgument: It is none, and not None either.
    """
    _checks.hook(name, function)
    try:
        if function is not None:
            signature(function).bind(*[None] * takes)
    except TypeError:
        words = f"must be a function of {takes} argument{'s' if takes > 1 else ''}"
        raise InvalidArgument(name, words) from None
    except ValueError:  # some of those written in C do not say
        pass


class Hook(Generic[P]):
    """Calls a function; if it returns a coroutine, that is closed, and an error is logged once."""

    def __init__(self, name: str, function: Callable[P, object]) -> None:
        self._name = name
        self._function = function
        self._told = False

    def __call__(self, *args: P.args, **keywords: P.kwargs) -> None:
        returned = self._function(*args, **keywords)
        if returned is not None and (what := _checks.unawaited(returned)) and not self._told:
            self._told = True
            words = f"{self._name} returned {what}, which nothing awaits: none of it was run; give it a plain function"
            log.tell(words)
