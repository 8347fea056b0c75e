"""Values for the variables of an operation, to ask a server whether it knows every field and enum value. Pure.

Each input object is written out with all its fields in one place alone, the one that is nested least: inputs that
refer to each other would otherwise grow without bound. Each enum shows its further values in one place too, one in
every turn; the turns after the first hold nothing else but what must be given.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, TypeAlias

from graphql import GraphQLEnumType, GraphQLInputObjectType, is_required_input_field

from tensorone_codegen._schema import input_fields, named_type, type_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import GraphQLNamedType, GraphQLSchema


# The type that holds a field, and the field; nothing and the name for a variable.
Place: TypeAlias = tuple[str, str]


# Input objects that one operation asks about: those that are nested least. A schema may have thousands within reach.
MOST_INPUTS = 100


_SCALARS = {"Int": "0", "Float": "0.5", "Boolean": "false", "String": '""', "ID": '""'}


class Samples:
    """Literals for some variables.

    Args:
        schema: What knows their types.
        types: The variables, with their types as they are written.
    """

    def __init__(self, schema: GraphQLSchema, types: Mapping[str, str]) -> None:
        self._schema = schema
        self._types = types
        self._homes = _homes(schema, types)
        self._ways: dict[int, set[Place]] = defaultdict(set)
        for name, place in self._homes.items():
            for turn in range(1, self._values(name, place)):
                self._ways[turn] |= self._way(place)

    def turns(self) -> Iterator[tuple[dict[str, str], set[str]]]:
        """After the first turn the others: the literals, and the variables that show something new."""
        for turn, way in sorted(self._ways.items()):
            yield self.literals(turn), {name for owner, name in way if not owner}

    def literals(self, turn: int = 0) -> dict[str, str]:
        """A literal for each variable."""
        return {name: self._literal(("", name), type_, turn) for name, type_ in self._types.items()}

    def _values(self, name: str, place: Place) -> int:
        """How many turns a type needs; a list shows all values at once."""
        named = self._schema.type_map[name]
        return len(named.values) if isinstance(named, GraphQLEnumType) and "[" not in self._written(place) else 1

    def _written(self, place: Place) -> str:
        owner, name = place
        return str(type_of(input_fields(self._schema.type_map[owner])[name])) if owner else self._types[name]

    def _way(self, place: Place) -> set[Place]:
        """The places from a variable to one inside it."""
        return {place} | (self._way(self._homes[place[0]]) if place[0] else set())

    def _literal(self, place: Place, type_: str, turn: int, *, whole: bool = True) -> str:
        name, lists = type_.strip("[]!"), type_.count("[")
        if name in _SCALARS:
            inner = _SCALARS[name]
        elif whole and self._homes.get(name) == place and (turn == 0 or place in self._ways[turn]):
            inner = self._shown(name, turn, listed=lists > 0)
        else:
            inner = self._least(name, given=type_.endswith("!"), listed=lists > 0)
        return "[" * lists + inner + "]" * lists

    def _shown(self, name: str, turn: int, *, listed: bool) -> str:
        """All that there is to ask about a type, in the one place where it is asked."""
        named = self._schema.type_map[name]
        if isinstance(named, GraphQLEnumType):
            return " ".join(named.values) if listed else list(named.values)[turn]
        return self._object(named, turn, whole=True)

    def _least(self, name: str, *, given: bool, listed: bool) -> str:
        """The least that a type accepts."""
        named = self._schema.type_map[name]
        if isinstance(named, GraphQLEnumType):
            return next(iter(named.values))
        if listed or not given:
            return "" if listed else "null"
        if isinstance(named, GraphQLInputObjectType):
            return self._object(named, 1, whole=False)
        # A scalar of the server's own, of which any literal may be the wrong one.
        return '""'

    def _object(self, named: GraphQLNamedType, turn: int, *, whole: bool) -> str:
        fields = (
            f"{name}:{self._literal((named.name, name), str(type_of(field)), turn, whole=whole)}"
            for name, field in input_fields(named).items()
            if turn == 0 or is_required_input_field(field) or (whole and (named.name, name) in self._ways[turn])
        )
        return "{" + " ".join(fields) + "}"


def _homes(schema: GraphQLSchema, types: Mapping[str, str]) -> dict[str, Place]:
    """For each input object and enum, the place that is nested least."""
    homes: dict[str, Place] = {}
    inputs = 0
    waiting = deque[tuple[Place, "GraphQLNamedType | None"]](
        (("", name), schema.type_map.get(type_.strip("[]!"))) for name, type_ in types.items()
    )
    while waiting:
        place, type_ = waiting.popleft()
        if isinstance(type_, GraphQLEnumType | GraphQLInputObjectType) and type_.name not in homes:
            inputs += isinstance(type_, GraphQLInputObjectType)
            if inputs > MOST_INPUTS:
                break
            homes[type_.name] = place
            waiting.extend(((type_.name, name), named_type(field)) for name, field in input_fields(type_).items())
    return homes
