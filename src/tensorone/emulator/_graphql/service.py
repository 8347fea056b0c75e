"""Reads the bodies of requests, and executes them against a world."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from functools import lru_cache
from types import NoneType
from typing import TYPE_CHECKING, Any, cast

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    execute_sync,  # pyright: ignore[reportUnknownVariableType] - graphql-core types `middleware` as a bare tuple
    get_named_type,
    is_enum_type,
)

from tensorone.emulator._refusals import INTERNAL, Refusal, Wording, reword

from .answers import Answer, refused
from .documents import BadRequest, Chosen, Documents, formatted
from .resolvers import Context, Right, bindables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tensorone.emulator._world.world import World

    from .limits import Limits


_logger = logging.getLogger("tensorone.emulator")


# Members of a request's body, and their types.
_BODY: dict[str, tuple[type, ...]] = {
    "query": (str,),
    "operationName": (str, NoneType),
    "variables": (dict, NoneType),
    "extensions": (dict, NoneType),
}


@dataclass(frozen=True, slots=True)
class Call:
    """The parsed body of a request."""

    text: str
    chosen: Chosen
    variables: Mapping[str, Any] = field(repr=False)


class Service:
    """Answers calls against a world.

    Args:
        sdl: The schema.
        wording: What refusals call a cluster.
        limits: Upper bounds for the size of a request.
        introspection: Whether introspection queries are answered.

    Attributes:
        enum_fields: Names of the fields whose values are enum values.
        root_fields: Names of the queries and the mutations.
    """

    def __init__(self, sdl: str, *, wording: Wording, limits: Limits, introspection: bool) -> None:
        self._schema = _executable(sdl)
        self._documents = Documents(self._schema, limits, introspection=introspection)
        self._wording: Wording = wording
        self.enum_fields = frozenset(_enum_fields(self._schema))
        roots = (self._schema.query_type, self._schema.mutation_type)
        self.root_fields = frozenset(name for root in roots if root is not None for name in root.fields)

    def read(self, body: bytes) -> Call:
        """Parses a body.

        Raises:
            BadRequest: It is not a GraphQL request.
        """
        try:
            content: Any = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BadRequest("BAD_REQUEST", "The body is not valid JSON.") from error
        if not isinstance(content, dict):
            raise BadRequest("BAD_REQUEST", "The body must be an object.")
        fields = cast("dict[str, Any]", content)
        for name, kinds in _BODY.items():
            if not isinstance(fields.get(name), kinds):
                raise BadRequest("BAD_REQUEST", f"{name} is missing or of the wrong type.")
        chosen = self._documents.choose(fields["query"], fields.get("operationName") or None)
        return Call(fields["query"], chosen, fields.get("variables") or {})

    def answer(self, call: Call, world: World, rights: frozenset[Right] | None) -> Answer:
        """Executes a call, all of it at one moment of the world."""
        try:
            document = self._documents.check(call.text)
        except BadRequest as error:
            return refused(error)
        with world.moment():
            result = execute_sync(
                self._schema,
                document,
                context_value=Context(world, rights),
                variable_values=dict(call.variables),
                operation_name=call.chosen.name,
            )
        errors = result.errors or []
        if any(error.path is None for error in errors):  # variables of the wrong types
            return refused(BadRequest("BAD_USER_INPUT", *errors))
        content: dict[str, Any] = {"errors": [self._entry(error) for error in errors]} if errors else {}
        return Answer(200, content | {"data": result.data})

    def _entry(self, error: GraphQLError) -> dict[str, Any]:
        """An entry of `errors` for a resolver that refused or failed."""
        refusal = error.original_error
        if not isinstance(refusal, Refusal):
            _logger.error("a resolver failed: this is a bug of the emulator", exc_info=refusal)
            refusal = Refusal(INTERNAL, "INTERNAL_SERVER_ERROR")
        entry = formatted(error, reword(refusal.code, self._wording))
        return entry | {"message": reword(refusal.message, self._wording), "path": error.path}


@lru_cache(8)
def _executable(sdl: str) -> GraphQLSchema:
    """The schema with its resolvers; emulators share it, since resolvers receive their world with each request.

    Not by ariadne's `make_executable_schema`: it patches enums for Python values, and with graphql-core 3.2.14 its
    patch refuses every enum that comes in a variable.
    """
    schema = build_schema(sdl)
    for bindable in bindables(schema):
        bindable.bind_to_schema(schema)
    return schema


def _enum_fields(schema: GraphQLSchema) -> Iterator[str]:
    for each in schema.type_map.values():
        if isinstance(each, GraphQLObjectType) and not each.name.startswith("__"):
            yield from (name for name, field in each.fields.items() if is_enum_type(get_named_type(field.type)))
