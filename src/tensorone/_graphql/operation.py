"""What the executor needs of a generated operation, ours or a user's own, by shape and not by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence


T_co = TypeVar("T_co", covariant=True)


class Slot(Protocol):
    """Place of one variable in a document."""

    @property
    def variable(self) -> str: ...
    @property
    def before(self) -> str: ...
    @property
    def default(self) -> str | None: ...


class Group(Protocol):
    """An argument list whose parentheses vanish with its last argument."""

    @property
    def pieces(self) -> Sequence[str | Slot | Group]: ...


class RootField(Protocol):
    """One field of the query or mutation root."""

    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def arguments(self) -> Sequence[str | Slot | Group]: ...
    @property
    def selection(self) -> Sequence[str | Slot | Group]: ...
    @property
    def nullable(self) -> bool: ...


class Operation(Protocol[T_co]):
    """A query or mutation with the type of its result."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Literal["query", "mutation"]: ...
    @property
    def document(self) -> str: ...
    @property
    def fields(self) -> Sequence[RootField]: ...
    @property
    def result(self) -> type[T_co]: ...
    @property
    def idempotent(self) -> bool: ...
