"""Puts arguments into a request: as literals in the document, or as standard variables.

Literals are the default since they need no type name, and no public source attests one for this API.
Pure; what it renders is proved against a GraphQL parser by property tests.
"""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import BaseModel, TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError
from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from tensorone._checks import text
from tensorone._errors import InvalidArgument

if TYPE_CHECKING:
    from .operation import Group, Operation, RootField, Slot


_JSON = json.JSONEncoder(ensure_ascii=False).encode  # made once: dumps makes another each time

# By the identity of an operation's fields, which are kept with them: a hash of them would cost more than it saves.
_ESCAPED: dict[int, tuple[Sequence[RootField], str, list[bytes | Slot | Group]]] = {}

_MOST_ESCAPED = 256

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")


Tree = Mapping[str, "Tree"] | list["Tree"] | str | int | float | bool | Decimal | Enum | None


def values(variables: Mapping[str, object]) -> dict[str, Tree]:
    """The variables of one request, checked.

    Raises:
        InvalidArgument: A value has no place in GraphQL; nothing was sent.
    """
    return {name: as_tree(value, name) for name, value in variables.items()}


def body(operation: Operation[Any], values: Mapping[str, Tree], style: Literal["literals", "variables"]) -> bytes:
    """The JSON body of one request."""
    if style == "variables":
        return _in_variables(operation.document, operation.name, values)
    beyond = {name for name, value in values.items() if _has_other_keys(value)}
    types = _types(operation.fields, beyond) if beyond else {}
    if not types:
        return _in_literals(operation, values)
    return _in_variables(document(operation, values, types), operation.name, {name: values[name] for name in types})


def _in_literals(operation: Operation[Any], values: Mapping[str, Tree]) -> bytes:
    """The document as JSON; what is the same in each request was escaped once.

    Characters are escaped one by one, so that a text can be escaped in parts.
    """
    known = _ESCAPED.get(id(operation.fields))
    if known is None or known[1] != operation.name:
        known = operation.fields, operation.name, _escaped_parts(operation)
        if len(known[2]) > 1:  # else it is put together at run time, and sent once
            if len(_ESCAPED) >= _MOST_ESCAPED:
                _ESCAPED.clear()
            _ESCAPED[id(operation.fields)] = known
    return b"".join([part if isinstance(part, bytes) else _escaped(_piece(part, values)) for part in known[2]])


def _escaped_parts(operation: Operation[Any]) -> list[bytes | Slot | Group]:
    """What a body consists of: text between the places of arguments, as JSON has it."""
    parts: list[bytes | Slot | Group] = []
    before, text = b'{"query":"', f"{operation.kind} {operation.name}{{"
    for index, field in enumerate(operation.fields):
        text += (" " if index else "") + _name(field, field.key)
        for piece in _flat((*field.arguments, *field.selection)):
            if isinstance(piece, str):
                text += piece
            else:
                parts += (before + _escaped(text), piece)
                before, text = b"", ""
    return [*parts, before + _escaped(text + "}") + b'"}']


def _flat(pieces: Sequence[str | Slot | Group]) -> Iterator[str | Slot | Group]:
    """The same without groups that never are empty, since they hold a text of their own."""
    for piece in pieces:
        inner: Sequence[str | Slot | Group] = getattr(piece, "pieces", ())
        if any(isinstance(each, str) and each.strip() for each in inner):
            yield "("
            yield from _flat(inner)
            yield ")"
        else:
            yield piece


def _escaped(text: str) -> bytes:
    return to_json(text)[1:-1]


def _in_variables(document: str, name: str, values: Mapping[str, Tree]) -> bytes:
    parts = {"query": _JSON(document), "operationName": _JSON(name), "variables": _json(values)}
    return ("{" + ",".join(f'"{key}":{part}' for key, part in parts.items()) + "}").encode()


def _json(value: Tree) -> str:
    """A checked value as JSON; a Decimal digit by digit, which a float would round."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_JSON(key)}:{_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, Enum):
        return _JSON(value.value)
    return str(value) if isinstance(value, Decimal) else _JSON(value)


def _has_other_keys(value: Tree) -> bool:
    """Whether a key somewhere is not a GraphQL name, as in JSON it may be; a literal cannot hold that."""
    if isinstance(value, Mapping):
        return any(not _NAME.fullmatch(key) or _has_other_keys(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_has_other_keys, value))


def _types(fields: Sequence[RootField], names: Container[str]) -> dict[str, str]:
    """The types of some variables, as far as the operation has them: those that can hold JSON."""
    waiting: list[Any] = [piece for field in fields for piece in (*field.arguments, *field.selection)]
    found: dict[str, str] = {}
    while waiting:
        piece = waiting.pop()
        waiting += getattr(piece, "pieces", ())
        # Packages that were generated by an older version have no types.
        if getattr(piece, "type", None) and piece.variable in names:
            found[piece.variable] = piece.type
    return found


def document(
    operation: Operation[Any], variables: Mapping[str, Tree], types: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The document of one operation with its arguments as literals, but for those variables that have a type here."""
    variables = {**variables, **{name: _Variable(name) for name in types}}
    fields = " ".join([root_field(field, variables, alias=field.key) for field in operation.fields])
    declared = " ".join(f"${name}:{type_}" for name, type_ in sorted(types.items()))
    head = f"{operation.kind} {operation.name}" + (f"({declared})" if declared else "")
    return f"{head}{{{fields}}}"


class _Variable(str):
    """The name of a variable that is sent beside the document."""

    __slots__ = ()


def root_field(field: RootField, variables: Mapping[str, Tree], *, alias: str) -> str:
    """One root field with its arguments as literals, under the response key `alias`."""
    return _name(field, alias) + pieces(field.arguments, variables) + pieces(field.selection, variables)


def _name(field: RootField, alias: str) -> str:
    return field.name if alias == field.name else f"{alias}:{field.name}"


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
        return slot.before + literal(variables[slot.variable], slot.variable)
    if slot.default is not None:
        return slot.before + slot.default
    return "" if slot.before else "null"


def literal(value: Tree, name: str = "argument") -> str:
    """Renders a checked value as a GraphQL literal.

    Raises:
        InvalidArgument: A key is not a GraphQL name.
    """
    if isinstance(value, _Variable):
        return f"${value}"
    if isinstance(value, Enum):
        return _member(value, name)
    if isinstance(value, Mapping):
        return "{" + " ".join(f"{_field(key, name)}:{literal(item, name)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + " ".join([literal(item, name) for item in value]) + "]"
    if isinstance(value, Decimal):
        return str(value)
    # JSON's escapes are a subset of GraphQL's, and so are its numbers, true, false and null.
    return _JSON(value)


def _member(value: Enum, name: str) -> str:
    """A member of an enum: bare if it is a name; what else a class of the user's own holds is no enum of GraphQL."""
    held = value.value
    bare = isinstance(held, str) and _NAME.fullmatch(held) and held not in ("true", "false", "null")
    return held if bare else literal(tree(held, name), name)


def _field(key: str, name: str) -> str:
    if _NAME.fullmatch(key):
        return key
    advice = "send it as a variable, with TensorOne(arguments='variables')"
    raise InvalidArgument(name, f"has the key {key!r}, which is not a name and so not for a GraphQL literal: {advice}")


def as_tree(value: object, name: str) -> Tree:
    """What a caller gave, as `tree` makes it; also refused is what contains itself."""
    try:
        return tree(value, name)
    except RecursionError:
        raise InvalidArgument(name, "is nested too deeply, or contains itself") from None


def tree(value: object, name: str, *, typed: bool = False) -> Tree:
    """A value as plain mappings, lists and scalars, in the schema's names, holding only what was given.

    Args:
        value: What was given.
        name: Where it stands.
        typed: Whether a model has validated it, so that bytes and classes of the user's own are what is meant.

    Raises:
        InvalidArgument: Something in it cannot be sent: NaN, an infinity, half a surrogate pair, an unknown type.
    """
    if isinstance(value, str) and not isinstance(value, Enum):  # what most arguments are
        return text(name, value, empty=True)
    if isinstance(value, BaseModel):
        # What a model masks when it is shown must be sent all the same.
        return tree(value.model_dump(by_alias=True, exclude_unset=True, context={"secrets": True}), name, typed=True)
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {_key(key, name): tree(item, f"{name}.{key}", typed=typed) for key, item in items}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        listed = enumerate(cast("Sequence[object]", value))
        return [tree(item, f"{name}[{index}]", typed=typed) for index, item in listed]
    return _scalar(value, name, typed=typed)


def _scalar(value: object, name: str, *, typed: bool) -> Tree:
    if value is None or isinstance(value, Enum | bool):
        return value
    if isinstance(value, int | float | Decimal):
        return _finite(value, name)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return tree(_serialized(value, name, typed=typed), name)


def _serialized(value: object, name: str, *, typed: bool) -> Any:
    """What pydantic makes of a value of any other type that it knows: UUID, timedelta, URL, address, path."""
    secret = getattr(value, "get_secret_value", None)
    if secret is not None:
        return secret()
    try:
        if typed or (not isinstance(value, bytes | bytearray) and not is_dataclass(value)):
            return to_jsonable_python(value, fallback=_by_type)
    except (PydanticSerializationError, PydanticSchemaGenerationError, UnicodeDecodeError):
        pass
    raise InvalidArgument(name, f"{type(value).__name__} cannot be sent: convert it first")


def _by_type(value: object) -> Any:
    """A path, or a class that defines itself how it is written."""
    adapter: TypeAdapter[object] = TypeAdapter(type(value))
    return adapter.dump_python(value, mode="json")


def _finite(value: float | Decimal, name: str) -> float | Decimal:
    if not math.isfinite(value):
        raise InvalidArgument(name, f"must be finite, not {value}")
    return value


def _key(key: object, name: str) -> str:
    if isinstance(key, str):
        return text(name, key, empty=True)
    raise InvalidArgument(name, f"{key!r} cannot be a field name")
