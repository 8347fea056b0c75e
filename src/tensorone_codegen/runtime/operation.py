"""Operations as data: what an executor needs to send one, and the type of what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slot:
    """Place of one variable in a document whose arguments are literals.

    Attributes:
        variable: Name of the variable, without the dollar sign.
        before: Text that stands before its value and vanishes with it when the variable is not set.
        default: Literal that takes its place when it is not set; None for nothing.
        type: Its type, if it can hold JSON: a key that no literal can hold goes as a variable of that type.
    """

    variable: str
    before: str = ""
    default: str | None = None
    type: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """An argument list: its parentheses vanish when nothing inside them is left."""

    pieces: tuple[str | Slot | Group, ...]


Piece = str | Slot | Group


@dataclass(frozen=True, slots=True)
class RootField:
    """One field of the query or mutation root.

    Attributes:
        key: Name under which it is answered: its alias, or its name.
        name: Its name in the schema.
        arguments: What stands behind the name.
        selection: What stands behind the arguments: directives and the selection, fragments expanded.
        nullable: Whether the schema allows null.
    """

    key: str
    name: str
    arguments: tuple[Piece, ...]
    selection: tuple[Piece, ...]
    nullable: bool


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """A query or mutation.

    Attributes:
        name: Its name.
        kind: Which of the two it is.
        document: Its text in standard form, with variables, fragments expanded.
        fields: The same in pieces, to put literals in the place of variables.
        result: Model of `data` in the answer.
        idempotent: Whether sending it twice is the same as sending it once.
        probe: A document in which a server validates the operation and cannot run it: `operationName` is "Probe".
    """

    name: str
    kind: Literal["query", "mutation"]
    document: str
    fields: tuple[RootField, ...]
    result: type[T]
    idempotent: bool
    probe: str = ""
