"""What the generated client stands on: it describes operations, and an executor runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from .base_model import UNSET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .operation import Operation

T = TypeVar("T")


class Executor(Protocol):
    """Runs operations: transport, repeats, decoding and errors are its business."""

    async def execute(self, operation: Operation[T], variables: Mapping[str, object]) -> T:
        """Runs one operation with the variables that were given."""
        ...


class BaseClient:
    """Hands each operation to the executor."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def _execute(self, operation: Operation[T], variables: Mapping[str, object]) -> T:
        given = {name: value for name, value in variables.items() if value is not UNSET}
        return await self._executor.execute(operation, given)
