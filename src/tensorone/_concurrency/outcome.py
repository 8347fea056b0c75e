"""What became of one item among many."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar, cast

from tensorone._data.dataclass import dataclass
from tensorone._data.portable_error import AnyError
from tensorone._errors import TensorOneError

__all__ = ["NotStarted", "Outcome"]

T = TypeVar("T")

R = TypeVar("R")


class NotStarted(TensorOneError):
    """An item was left alone, because as many others had failed as were allowed to; nothing was sent for it."""

    __module__ = "tensorone"  # as the other errors

    _retryable = True


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T, R]):
    """What became of one item.

    Attributes:
        item: The item.
        value: What the operation returned, or None.
        error: What it raised, or None; `NotStarted` where it was not called. JSON keeps one of ours whole, and of a
            foreign one the type and the words.
    """

    item: T
    value: R | None = None
    error: Annotated[Exception, AnyError] | None = None

    @property
    def ok(self) -> bool:
        """Whether the operation returned."""
        return self.error is None

    def unwrap(self) -> R:
        """The value; raises the error if there is one."""
        if self.error is not None:
            raise self.error
        return cast("R", self.value)

    def _cells_(self) -> dict[str, object]:
        """What a table shows: of a value with an id the id, of an error its name and text."""
        error = self.error and f"{type(self.error).__name__}: {self.error}"
        return {"item": self.item, "ok": self.ok, "value": getattr(self.value, "id", self.value), "error": error}
