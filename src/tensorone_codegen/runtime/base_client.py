"""The base of the generated client, which describes operations; an executor runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from .base_model import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .operation import Operation

T = TypeVar("T")


class Executor(Protocol):
    """Runs operations: it does the transport, retries, decoding and errors."""

    async def execute(self, operation: Operation[T], variables: Mapping[str, object]) -> T:
        """Runs one operation with the variables that were given."""
        ...


class BaseClient:
    """Hands each operation to the executor."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def _serialized(self, function: Callable[[Any], object], value: object) -> object:
        """A value, or each in a list, through the function of its scalar; null and UNSET stay as they are."""
        if value is None or value is UNSET:
            return value
        if isinstance(value, list):
            return [self._serialized(function, each) for each in cast("list[object]", value)]
        return function(value)

    async def _execute(self, operation: Operation[T], variables: Mapping[str, object]) -> T:
        given = {name: value for name, value in variables.items() if value is not UNSET}
        return await self._executor.execute(operation, given)
