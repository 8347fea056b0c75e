"""A frozen sequence that shares what did not change: to replace one row copies a few dozen references. Pure.

A fleet's state is replaced at each outcome. Were its members a tuple, a thousand outcomes of a thousand members would
copy a million of them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast, get_args, overload

from pydantic_core import core_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Self

    from pydantic import GetCoreSchemaHandler


class Row(Protocol):
    """What has a key."""

    @property
    def key(self) -> str:
        """What it is found by."""
        ...


R = TypeVar("R", bound=Row)

BITS = 4
WIDTH = 1 << BITS  # rows or blocks in one block: what one replacement copies at each level

Block = tuple[Any, ...]


class Rows(Sequence[R], Generic[R]):
    """Rows in order, found by position and by key."""

    __slots__ = ("_length", "_levels", "_places", "_root")

    def __init__(self, rows: Iterable[R] = ()) -> None:
        blocks: list[Any] = list(rows)
        self._places = {row.key: place for place, row in enumerate(blocks)}
        self._length, self._levels = len(blocks), 0
        while len(blocks) > WIDTH:
            blocks = [tuple(blocks[start : start + WIDTH]) for start in range(0, len(blocks), WIDTH)]
            self._levels += 1
        self._root: Block = tuple(blocks)

    def find(self, key: str) -> int | None:
        """The position of the row with a key."""
        place = self._places.get(key)
        if place is not None and place < self._length and self[place].key == key:
            return place
        # Versions of one sequence share the positions: another one may have put the key elsewhere since.
        return next((place for place, row in enumerate(self) if row.key == key), None) if place is not None else None

    def with_row(self, place: int, row: R) -> Self:
        """The same with another row at a position, or one more at the end."""
        if place == self._length == WIDTH << (BITS * self._levels):
            return self._like((self._root, _branch(self._levels, row)), self._levels + 1, place, row)
        return self._like(_replaced(self._root, self._levels, place, row), self._levels, place, row)

    def with_key(self, row: R) -> Self:
        """The same with a row in the place of the one with its key, or at the end."""
        place = self.find(row.key)
        return self.with_row(self._length if place is None else place, row)

    def without(self, key: str) -> Self:
        """The same without the row with a key; costs a copy where there is one."""
        return self if self.find(key) is None else type(self)(row for row in self if row.key != key)

    def differing(self, before: Self) -> Iterator[tuple[R | None, R | None]]:
        """The rows that are not the very same as before at their positions, after those before; None where one ends.

        Blocks that both share are not looked into: what one replacement changed is found by a few dozen comparisons.
        """
        levels = max(self._levels, before._levels)
        return _differing(before._lifted(levels), self._lifted(levels), levels)

    def _lifted(self, levels: int) -> Block:
        root = self._root
        for _ in range(self._levels, levels):
            root = (root,)
        return root

    def _like(self, root: Block, levels: int, place: int, row: R) -> Self:
        made = copy.copy(self)
        made._root, made._levels = root, levels  # noqa: SLF001 - one of its own kind
        made._length = max(self._length, place + 1)  # noqa: SLF001 - likewise
        self._places[row.key] = place
        return made

    @overload
    def __getitem__(self, place: int) -> R: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[R, ...]: ...
    def __getitem__(self, place: int | slice) -> R | tuple[R, ...]:
        if isinstance(place, slice):
            return tuple(self)[place]
        if not -self._length <= place < self._length:
            raise IndexError(place)
        block, place = self._root, place % self._length
        for level in range(self._levels, 0, -1):
            block = block[place >> (BITS * level) & (WIDTH - 1)]
        return cast("R", block[place & (WIDTH - 1)])

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[R]:
        return _leaves(self._root, self._levels)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rows | tuple):
            return NotImplemented
        return tuple(self) == tuple(cast("tuple[object, ...]", other))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))

    def __copy__(self) -> Self:
        made = object.__new__(type(self))
        for name in Rows.__slots__:
            setattr(made, name, getattr(self, name))
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (tuple(self),)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        (item,) = get_args(source) or get_args(cls.__dict__["__orig_bases__"][0])
        listed = core_schema.list_schema(handler.generate_schema(item), strict=False)
        read = core_schema.no_info_after_validator_function(cls, listed)
        return core_schema.json_or_python_schema(
            json_schema=read,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), read]),
            serialization=core_schema.plain_serializer_function_ser_schema(list, return_schema=listed),
        )


def _leaves(block: Block, level: int) -> Iterator[Any]:
    if level == 0:
        yield from block
        return
    for each in block:
        yield from _leaves(each, level - 1)


def _differing(old: Block, new: Block, level: int) -> Iterator[tuple[Any, Any]]:
    for before, after in zip_longest(old, new):
        if before is after:
            continue
        if level == 0:
            yield before, after
        else:
            yield from _differing(before or (), after or (), level - 1)


def _replaced(block: Block, level: int, place: int, row: object) -> Block:
    """A block with one row replaced, or one more."""
    at = place >> (BITS * level) & (WIDTH - 1)
    if level == 0:
        new = row
    elif at == len(block):
        new = _branch(level - 1, row)
    else:
        new = _replaced(block[at], level - 1, place, row)
    return (*block[:at], new, *block[at + 1 :])


def _branch(level: int, row: object) -> Block:
    """The first row of a new block."""
    block = (row,)
    for _ in range(level):
        block = (block,)
    return block
