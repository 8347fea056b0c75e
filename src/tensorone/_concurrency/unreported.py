"""What was made inside a call and has not reached its caller yet: reported if the call ends early, and never lost."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable


class Reportable(Protocol):
    """Something that would be lost with the call that made it."""

    def report(self, among: Iterable[Reportable], where: str) -> None:
        """Reports several of one kind at once, as lost in a call that ended early."""
        ...


class Unreported:
    """What was made in one scope."""

    __slots__ = ("made",)

    def __init__(self, made: list[Reportable] | None = None) -> None:
        self.made = made or []

    def report(self, where: str) -> None:
        """Reports all of it, once per kind."""
        made, self.made = self.made, []
        for first in {type(one): one for one in made}.values():
            first.report([one for one in made if type(one) is type(first)], where)

    def hand_on(self) -> None:
        """Whoever made the call has it: it belongs to the scope around that."""
        made, self.made = self.made, []
        for one in made:
            note(one)


_scope: ContextVar[Unreported | None] = ContextVar("tensorone_unreported", default=None)


def note(made: Reportable) -> None:
    """Something was made; without a scope its caller has it at once."""
    if (scope := _scope.get()) is not None:
        scope.made.append(made)


class collecting:  # noqa: N801 - used as a function is; a class costs less per item than a generator
    """Collects what is made inside the block."""

    __slots__ = ("_into", "_token")

    def __init__(self, into: Unreported) -> None:
        self._into = into

    def __enter__(self) -> None:
        self._token = _scope.set(self._into)

    def __exit__(self, *_: object) -> None:
        _scope.reset(self._token)
