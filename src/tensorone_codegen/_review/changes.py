"""What differs between two schemas, also where graphql-core's own comparison is blind. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    OperationType,
    Undefined,
    ast_from_value,  # pyright: ignore[reportUnknownVariableType] - graphql-core leaves a parameter of it open
    is_introspection_type,
    is_specified_directive,
    print_ast,
)

from tensorone_codegen._schema import input_fields, output_fields, type_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from graphql import GraphQLArgument, GraphQLDirective, GraphQLField, GraphQLNamedType, GraphQLSchema, GraphQLType


T = TypeVar("T")


class Level(IntEnum):
    """How bad a change is, seen from the schema alone."""

    ADDITIVE = 1
    DEPRECATION = 2
    DANGEROUS = 3
    BREAKING = 4


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        level: How bad it is for those who use what it touches.
        coordinate: What it is about: `Type.field`, `Type.field(argument:)`, `Enum.VALUE`, `@directive`.
        text: What happened to it.
        touches: The coordinates whose users it concerns.
    """

    level: Level
    coordinate: str
    text: str
    touches: tuple[str, ...]


def left_out(coordinate: str) -> str:
    """The coordinate of those who may leave out an argument or a field of an input."""
    return f"{coordinate} left out"


def changes(old: GraphQLSchema, new: GraphQLSchema) -> list[Change]:
    """All differences, the worst first, then by coordinate."""
    found = [*_roots(old, new), *_types(old, new), *_directives(old, new)]
    return sorted(found, key=lambda change: (-change.level, change.coordinate, change.text))


def _pairs(old: Mapping[str, T], new: Mapping[str, T]) -> list[tuple[str, T, T]]:
    return [(name, old[name], new[name]) for name in sorted(old.keys() & new.keys())]


def _names(
    owner: str, old: Collection[str], new: Collection[str], levels: tuple[Level, Level], form: str = "{}.{}"
) -> Iterator[Change]:
    """Names that were removed and added; what has no users of its own concerns those of its owner."""
    removed, added = levels
    for name in sorted(set(old) - set(new)):
        coordinate = form.format(owner, name)
        touches = (owner, name) if "&" in form else (owner,) if " " in form else (coordinate,)
        yield Change(removed, coordinate, "was removed", touches)
    for name in sorted(set(new) - set(old)):
        touches = (owner, name) if "&" in form else (owner,)
        yield Change(added, form.format(owner, name), "was added", touches)


def _roots(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    for kind in OperationType:
        before, after = old.get_root_type(kind), new.get_root_type(kind)
        if before and (after is None or after.name != before.name):
            now = f"is now {after.name}" if after else "is gone"
            yield Change(
                Level.BREAKING, before.name, f"was the root of every {kind.value}, which {now}", (before.name,)
            )


def _types(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    before, after = _own_types(old), _own_types(new)
    yield from _names("", before, after, (Level.BREAKING, Level.ADDITIVE), "{}{}")
    for name in sorted(after.keys() - before.keys()):
        # Whoever selects an interface may be answered an object of a new type.
        known = sorted({each.name for each in _interfaces(after[name])} & before.keys())
        yield from (Change(Level.DANGEROUS, f"{name} & {each}", "was added", (each,)) for each in known)
    for name, was, now in _pairs(before, after):
        if type(was) is not type(now):
            yield Change(Level.BREAKING, name, f"was {_kind(was)} and is {_kind(now)}", (name,))
        else:
            yield from _type(name, was, now)


def _own_types(schema: GraphQLSchema) -> dict[str, GraphQLNamedType]:
    return {name: type_ for name, type_ in schema.type_map.items() if not is_introspection_type(type_)}


def _interfaces(type_: GraphQLNamedType) -> Collection[GraphQLInterfaceType]:
    return type_.interfaces if isinstance(type_, GraphQLObjectType) else ()


def _kind(type_: GraphQLNamedType) -> str:
    return type(type_).__name__.removeprefix("GraphQL").removesuffix("Type").lower()


def _type(name: str, was: Any, now: Any) -> Iterator[Change]:
    """What changed in a type that is still of its kind."""
    if isinstance(was, GraphQLEnumType):
        # A value that is gone is sent in vain; a new one may be answered.
        yield from _names(name, was.values, now.values, (Level.BREAKING, Level.DANGEROUS))
        for value, old, new in _pairs(was.values, now.values):
            yield from _deprecation(f"{name}.{value}", old, new)
    elif isinstance(was, GraphQLUnionType):
        before, after = ([member.name for member in union.types] for union in (was, now))
        yield from _names(name, before, after, (Level.BREAKING, Level.DANGEROUS), "{} = {}")
    elif isinstance(was, GraphQLScalarType):
        yield from _specification(name, was.specified_by_url, now.specified_by_url)
    elif isinstance(was, GraphQLInputObjectType):
        yield from _input(name, was, now)
    else:
        before, after = ([each.name for each in type_.interfaces] for type_ in (was, now))
        yield from _names(name, before, after, (Level.BREAKING, Level.DANGEROUS), "{} & {}")
        yield from _output(name, was, now)


def _specification(name: str, was: str | None, now: str | None) -> Iterator[Change]:
    if was != now:
        text = f"was specified by {was or 'nothing'} and is by {now or 'nothing'}"
        yield Change(Level.DANGEROUS if was else Level.ADDITIVE, name, text, (name,))


def _input(name: str, was: GraphQLInputObjectType, now: GraphQLInputObjectType) -> Iterator[Change]:
    before, after = input_fields(was), input_fields(now)
    yield from _names(name, before, after.keys() & before.keys(), (Level.BREAKING, Level.BREAKING))
    for added in sorted(after.keys() - before.keys()):
        yield _added(f"{name}.{added}", name, required=_is_required(after[added]))
    for field, old, new in _pairs(before, after):
        yield from _given(f"{name}.{field}", old, new)


def _added(coordinate: str, owner: str, *, required: bool) -> Change:
    if required:
        return Change(Level.BREAKING, coordinate, "was added and is required", (owner,))
    return Change(Level.DANGEROUS, coordinate, "was added and is optional", (owner,))


def _given(coordinate: str, was: Any, now: Any) -> Iterator[Change]:
    """What changed in an argument or a field of an input."""
    if str(was.type) != str(now.type):
        level = Level.ADDITIVE if _accepts(type_of(now), type_of(was)) else Level.BREAKING
        # What has become required concerns those too who do not give it.
        touched = (left_out(coordinate),) if _is_required(now) and not _is_required(was) else ()
        yield Change(level, coordinate, f"accepted {was.type} and accepts {now.type}", (coordinate, *touched))
    before, after = _default(was), _default(now)
    if before != after:
        yield Change(
            Level.DANGEROUS, coordinate, f"defaulted to {before} and defaults to {after}", (left_out(coordinate),)
        )
    yield from _deprecation(coordinate, was, now)


def _is_required(holder: Any) -> bool:
    return isinstance(holder.type, GraphQLNonNull) and holder.default_value is Undefined


def _default(holder: Any) -> str:
    node = None if holder.default_value is Undefined else ast_from_value(holder.default_value, holder.type)
    return print_ast(node) if node else "nothing"


def _output(name: str, was: GraphQLNamedType, now: GraphQLNamedType) -> Iterator[Change]:
    before, after = output_fields(was), output_fields(now)
    yield from _names(name, before, after, (Level.BREAKING, Level.ADDITIVE))
    for field, old, new in _pairs(before, after):
        coordinate, type_before, type_after = f"{name}.{field}", type_of(old), type_of(new)
        if str(type_before) != str(type_after):
            level = Level.ADDITIVE if _accepts(type_before, type_after) else Level.BREAKING
            yield Change(level, coordinate, f"was {type_before} and is {type_after}", (coordinate,))
        yield from _arguments(coordinate, old, new)
        yield from _deprecation(coordinate, old, new)


def _accepts(wider: GraphQLType, narrower: GraphQLType) -> bool:
    """Whether everything of one type is also of the other."""
    if isinstance(wider, GraphQLNonNull):
        return isinstance(narrower, GraphQLNonNull) and _accepts(_inner(wider), _inner(narrower))
    if isinstance(narrower, GraphQLNonNull):
        return _accepts(wider, _inner(narrower))
    both = (wider, narrower)
    if all(isinstance(type_, GraphQLList) for type_ in both):
        return _accepts(_inner(wider), _inner(narrower))
    return str(wider) == str(narrower)


def _inner(type_: Any) -> GraphQLType:
    inner: GraphQLType = type_.of_type
    return inner


def _arguments(
    coordinate: str, was: GraphQLField | GraphQLDirective, now: GraphQLField | GraphQLDirective
) -> Iterator[Change]:
    before: dict[str, GraphQLArgument] = was.args
    after: dict[str, GraphQLArgument] = now.args
    yield from _names(coordinate, before, after.keys() & before.keys(), (Level.BREAKING, Level.BREAKING), "{}({}:)")
    for added in sorted(after.keys() - before.keys()):
        yield _added(f"{coordinate}({added}:)", coordinate, required=_is_required(after[added]))
    for argument, old, new in _pairs(before, after):
        yield from _given(f"{coordinate}({argument}:)", old, new)


def _deprecation(coordinate: str, was: Any, now: Any) -> Iterator[Change]:
    before, after = was.deprecation_reason, now.deprecation_reason
    if before == after:
        return
    if after is None:
        yield Change(Level.ADDITIVE, coordinate, "is no longer deprecated", (coordinate,))
    else:
        said = "" if before is None else f" (it said: {before})"
        yield Change(Level.DEPRECATION, coordinate, f"is deprecated: {after}{said}", (coordinate,))


def _directives(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    before, after = _own_directives(old), _own_directives(new)
    yield from _names("@", before, after, (Level.BREAKING, Level.ADDITIVE), "{}{}")
    for name, was, now in _pairs(before, after):
        here, there = ([place.name for place in directive.locations] for directive in (was, now))
        yield from _names(f"@{name}", here, there, (Level.BREAKING, Level.ADDITIVE), "{} on {}")
        if was.is_repeatable and not now.is_repeatable:
            yield Change(Level.BREAKING, f"@{name}", "can no longer be repeated", (f"@{name}",))
        yield from _arguments(f"@{name}", was, now)


def _own_directives(schema: GraphQLSchema) -> dict[str, GraphQLDirective]:
    return {each.name: each for each in schema.directives if not is_specified_directive(each)}
