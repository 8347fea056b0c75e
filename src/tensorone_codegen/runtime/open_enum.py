"""Enums of a server that may know more values than this package."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self


class OpenEnum(StrEnum):
    """An enum that turns a value it does not know into a further member, always the same one."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        # Lets the enum find it again; it does not appear in iteration, which lists what the schema knows.
        known = cls._value2member_map_.setdefault(value, member)
        return known if isinstance(known, cls) else None

    @property
    def is_known(self) -> bool:
        """Whether the schema that this package was generated from has the value."""
        return self._name_ in type(self).__members__

    def __reduce_ex__(self, proto: object) -> tuple[type[Self], tuple[str]]:
        return type(self), (str(self.value),)

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return repr(self.value)
