"""`Span`: a block that is one span for OpenTelemetry."""

from __future__ import annotations

from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from . import keys

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Self

    from .emitter import Emitter
    from .event import Attribute
    from .telemetry import Telemetry

P = ParamSpec("P")

T = TypeVar("T")


class Told(Protocol):
    """What has an emitter: the session of a client."""

    @property
    def events(self) -> Emitter: ...


S = TypeVar("S", bound=Told)


class Span:
    """The block of a call that makes several requests; a class, which costs less than a generator."""

    __slots__ = ("_attributes", "_begun", "_name", "_telemetry")

    def __init__(self, telemetry: Telemetry | None, name: str, attributes: Mapping[str, Attribute]) -> None:
        self._telemetry = telemetry
        self._name = name
        self._attributes = dict(attributes)

    def __enter__(self) -> Self:
        if self._telemetry is not None:
            self._begun = self._telemetry.begin(self._name, self._attributes, client=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if self._telemetry is not None:
            failed = kind.__name__ if isinstance(error, Exception) and kind is not None else None
            attributes = self._attributes | ({} if failed is None else {keys.ERROR: failed})
            self._telemetry.end(self._begun, attributes, error=failed)

    def add(self, **attributes: Attribute) -> None:
        """Adds attributes, by the names of `keys` in lower case, to what the span ends with."""
        if self._telemetry is not None:
            self._attributes |= {getattr(keys, key.upper()): value for key, value in attributes.items()}


NO_SPAN = Span(None, "", {})


def traced(
    name: str,
) -> Callable[
    [Callable[Concatenate[S, P], Coroutine[Any, Any, T]]], Callable[Concatenate[S, P], Coroutine[Any, Any, T]]
]:
    """Makes each call of a function of a session one span; costs nothing while nobody traces."""

    def decorate(
        function: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
    ) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
        async def spanned(session: S, /, *args: P.args, **keywords: P.kwargs) -> T:
            with session.events.span(name):
                return await function(session, *args, **keywords)

        def either(session: S, /, *args: P.args, **keywords: P.kwargs) -> Coroutine[Any, Any, T]:
            return (spanned if session.events.traces else function)(session, *args, **keywords)

        update_wrapper(either, function)
        return either

    return decorate
