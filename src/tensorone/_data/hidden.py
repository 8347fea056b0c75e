"""Values that no repr shows: texts, bodies and mappings that may be secret, and what stands in their place."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Self, SupportsIndex, TypeVar, cast, overload

from .json import as_array, as_object

if TYPE_CHECKING:
    from collections.abc import Iterator

MASK = "***"

V = TypeVar("V")


class HiddenText(str):
    """A string that no repr shows, such as that of the locals of a traceback; printed, it is what it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{MASK}'"

    def __getitem__(self, index: SupportsIndex | slice) -> HiddenText:
        return HiddenText(super().__getitem__(index))  # rich cuts what is long before it shows it


def hidden(value: V) -> V:
    """The same, hidden if it is a text."""
    return cast("V", HiddenText(value)) if isinstance(value, str) else value


def hidden_inside(value: Any) -> Any:
    """Plain data with every text in it hidden, but those of a GraphQL enum."""
    if (items := as_array(value)) is not None:
        return [hidden_inside(each) for each in items]
    if (members := as_object(value)) is not None:
        return {name: hidden_inside(each) for name, each in members.items()}
    return value if isinstance(value, Enum) else hidden(value)


class HiddenBytes(bytes):
    """Likewise: the body of a request, which holds what the request is about."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"

    @overload
    def __getitem__(self, index: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> bytes: ...
    def __getitem__(self, index: SupportsIndex | slice) -> int | bytes:
        part = super().__getitem__(index)
        return HiddenBytes(part) if isinstance(part, bytes) else part


class HiddenMapping(Mapping[str, V]):
    """A frozen mapping; the repr shows names only and no pickle has values, since they are often secrets."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, V]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> V:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset((name, repr(value)) for name, value in self._values.items()))

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name!r}: '{MASK}'" for name in self._values) + "}"

    def written(self, context: object) -> dict[str, V | str]:
        """As pydantic writes it: with masks, unless the context asks for secrets."""
        asked = (as_object(context) or {}).get("secrets") is True
        return {name: value if asked else MASK for name, value in self._values.items()}

    def __reduce__(self) -> tuple[type[HiddenMapping[V]], tuple[dict[str, V]]]:
        if self._values:
            raise TypeError(
                f"the values of {', '.join(self._values)} are not pickled, since they may be secret; to keep them,"
                " write the spec with TypeAdapter(type(spec)).dump_json(spec, context={'secrets': True}), which"
                " validate_json reads"
            )
        return type(self), ({},)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> HiddenMapping[Any]:
        # This is how `dataclasses.asdict` copies it, and FastAPI and others make a dict of what that returns.
        return _Sealed(copy.deepcopy(self._values, memo))


class _Sealed(HiddenMapping[Any]):
    """A copy that shows masks in the place of values; a spec that it is given to has the values again."""

    __slots__ = ()

    def __getitem__(self, name: str) -> str:
        return MASK if name in self._values else self._values[name]


def opened(value: object) -> object:
    """A mapping with its values, if it is a copy that hides them; anything else as it is."""
    return HiddenMapping(value._values) if isinstance(value, _Sealed) else value  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - a mapping of ours


class Names(HiddenMapping[str]):
    """A frozen mapping of names to names, which are no secrets."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type[Names], tuple[dict[str, str]]]:
        return type(self), (dict(self),)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __repr__(self) -> str:
        return repr(dict(self))
