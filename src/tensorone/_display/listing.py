"""A list of results that a notebook shows as a table."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["Listing"]

T = TypeVar("T")


class Listing(list[T]):
    """A list like any other, which a notebook shows as a small table.

    It equals a list of the same items. `rows` makes flat mappings of them for a DataFrame.
    """

    __slots__ = ()

    def rows(self) -> list[dict[str, object]]:
        """Each item as plain values by name, such as ``pandas.DataFrame(listing.rows())`` takes.

        Environment variables are names only, an error is its text, and what an object inside an item holds has the
        name of that object before it. An item that is None, such as a cluster that does not exist, has no values.

        Returns:
            One mapping per item, in their order.
        """
        from .rows import row  # noqa: PLC0415 - only who looks at a listing needs it

        return [row(each) for each in self]

    def _repr_html_(self) -> str:
        from .table import table  # noqa: PLC0415 - likewise

        return table(self)
