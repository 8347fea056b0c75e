"""A block for one use, which says so when it is entered again."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, TypeVar

from tensorone._errors import ConfigurationError

if TYPE_CHECKING:
    from types import TracebackType

T = TypeVar("T")


class Once(AbstractAsyncContextManager[T]):
    """A block that `contextlib.asynccontextmanager` made.

    Args:
        block: The block.
        made_by: What the user called for it.
    """

    def __init__(self, block: AbstractAsyncContextManager[T], *, made_by: str) -> None:
        self._block = block
        self._made_by = made_by
        self._entered = False

    async def __aenter__(self) -> T:
        if self._entered:
            raise ConfigurationError(f"this block was entered before: call {self._made_by} again for another one")
        self._entered = True
        return await self._block.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return await self._block.__aexit__(kind, error, traceback)
