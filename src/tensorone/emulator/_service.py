"""The GraphQL service without HTTP: what a request means, and what it is answered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ariadne import make_executable_schema
from graphql import GraphQLError, execute_sync

from ._documents import BadRequest, Chosen, Documents, formatted
from ._refusals import INTERNAL, Refusal, Wording, reword
from ._resolvers import Context, Right, bindables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._limits import Limits
    from ._world import World


@dataclass(frozen=True, slots=True)
class Call:
    """The body of a request, read."""

    text: str
    chosen: Chosen
    variables: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON of an answer."""

    status: int
    content: dict[str, Any]


class Service:
    """Answers calls against a world.

    Args:
        sdl: The schema.
        wording: How refusals speak of a cluster.
        limits: What a request may cost.
        introspection: Whether the schema may be asked for.
    """

    def __init__(self, sdl: str, *, wording: Wording, limits: Limits, introspection: bool) -> None:
        self._schema = make_executable_schema(sdl, *bindables())
        self._documents = Documents(self._schema, limits, introspection=introspection)
        self._wording: Wording = wording

    def read(self, body: bytes) -> Call:
        """What a body asks for.

        Raises:
            BadRequest: Nothing that could be answered.
        """
        try:
            content = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BadRequest("BAD_REQUEST", "The body is no JSON.") from error
        match content:
            case {"query": str(text)}:
                name, variables = content.get("operationName"), content.get("variables")
            case _:
                raise BadRequest("BAD_REQUEST", "The body must be an object with a query.")
        if not isinstance(name, str | None) or not isinstance(variables, dict | None):
            raise BadRequest("BAD_REQUEST", "operationName must be a string and variables an object.")
        return Call(text, self._documents.choose(text, name or None), variables or {})

    def answer(self, call: Call, world: World, rights: frozenset[Right] | None) -> Answer:
        """Carries a call out, all of it at one moment of the world."""
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
        if any(error.path is None for error in errors):  # variables that do not fit their types
            return refused(BadRequest("BAD_USER_INPUT", *errors))
        content: dict[str, Any] = {"errors": [self._entry(error) for error in errors]} if errors else {}
        return Answer(200, content | {"data": result.data})

    def _entry(self, error: GraphQLError) -> dict[str, Any]:
        """An entry of `errors` for a resolver that said no, or failed."""
        cause = error.original_error
        refusal = cause if isinstance(cause, Refusal) else Refusal(INTERNAL, "INTERNAL_SERVER_ERROR")
        entry = formatted(error, reword(refusal.code, self._wording))
        return entry | {"message": reword(refusal.message, self._wording), "path": error.path}


def refused(error: BadRequest) -> Answer:
    """The answer to a bad request."""
    return Answer(error.status, {"errors": [formatted(each, error.code) for each in error.errors]})
