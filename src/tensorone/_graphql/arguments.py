"""Puts arguments into a request: as literals in the document, or as standard variables.

Literals are the default since they need no type name, and no public source attests one for this API.
Pure; what it renders is proved against a GraphQL parser by property tests.
"""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import BaseModel
from pydantic_core import to_json

from tensorone._checks import text
from tensorone._errors import InvalidArgument

if TYPE_CHECKING:
    from .operation import Group, Operation, RootField, Slot


_JSON = json.JSONEncoder(ensure_ascii=False).encode  # made once: dumps makes another each time

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")

Tree = Mapping[str, "Tree"] | list["Tree"] | str | int | float | bool | Enum | None


def values(variables: Mapping[str, object]) -> dict[str, Tree]:
    """The variables of one request, checked.

    Raises:
        InvalidArgument: A value has no place in GraphQL; nothing was sent.
    """
    return {name: tree(value, name) for name, value in variables.items()}


def body(operation: Operation[Any], values: Mapping[str, Tree], style: Literal["literals", "variables"]) -> bytes:
    """The JSON body of one request."""
    if style == "literals":
        return to_json({"query": document(operation, values)})
    return to_json({"query": operation.document, "operationName": operation.name, "variables": values})


def document(operation: Operation[Any], variables: Mapping[str, Tree]) -> str:
    """The document of one operation with its arguments as literals."""
    fields = " ".join([root_field(field, variables, alias=field.key) for field in operation.fields])
    return f"{operation.kind} {operation.name}{{{fields}}}"


def root_field(field: RootField, variables: Mapping[str, Tree], *, alias: str) -> str:
    """One root field with its arguments as literals, under the response key `alias`."""
    prefix = "" if alias == field.name else f"{alias}:"
    return prefix + field.name + pieces(field.arguments, variables) + pieces(field.selection, variables)


def pieces(parts: Sequence[str | Slot | Group], variables: Mapping[str, Tree]) -> str:
    """Arguments or a selection, with literals in the place of variables."""
    return "".join([part if isinstance(part, str) else _piece(part, variables) for part in parts])


def _piece(piece: Slot | Group, variables: Mapping[str, Tree]) -> str:
    inner = getattr(piece, "pieces", None)
    if inner is not None:
        rendered = pieces(inner, variables)
        return f"({rendered})" if rendered.strip() else ""
    return _slot(piece, variables)  # type: ignore[arg-type]  # a piece without pieces is a Slot


def _slot(slot: Slot, variables: Mapping[str, Tree]) -> str:
    if slot.variable in variables:
        return slot.before + literal(variables[slot.variable])
    if slot.default is not None:
        return slot.before + slot.default
    return "" if slot.before else "null"


def literal(value: Tree) -> str:
    """Renders a checked value as a GraphQL literal."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Mapping):
        return "{" + " ".join(f"{key}:{literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + " ".join(map(literal, value)) + "]"
    # JSON's escapes are a subset of GraphQL's, and so are its numbers, true, false and null.
    return _JSON(value)


def tree(value: object, name: str) -> Tree:
    """A value as plain mappings, lists and scalars, in the schema's names, holding only what was given.

    Raises:
        InvalidArgument: Something in it cannot be sent: NaN, an infinity, half a surrogate pair, an unknown type.
    """
    if isinstance(value, BaseModel):
        value = value.model_dump(by_alias=True, exclude_unset=True)
    if value is None or isinstance(value, Enum | bool):
        return value
    if isinstance(value, str):
        return text(name, value, empty=True)
    if isinstance(value, int | float | Decimal):
        return _number(value, name)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {_key(key, name): tree(item, f"{name}.{key}") for key, item in items}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [tree(item, f"{name}[{index}]") for index, item in enumerate(cast("Sequence[object]", value))]
    raise InvalidArgument(name, f"{type(value).__name__} cannot be sent")


def _number(value: float | Decimal, name: str) -> float:
    if not math.isfinite(value):
        raise InvalidArgument(name, f"must be finite, not {value}")
    return float(value) if isinstance(value, Decimal) else value


def _key(key: object, name: str) -> str:
    if isinstance(key, str) and _NAME.fullmatch(key):
        return key
    raise InvalidArgument(name, f"{key!r} cannot be a field name")
