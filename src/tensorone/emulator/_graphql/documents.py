"""Parses and validates the documents of requests, within limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)

from .limits import Limits, operations, root_fields

KEPT = 512


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


PARSE_FAILED, VALIDATION_FAILED = "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"


class BadRequest(Exception):
    """A request refused as a whole: HTTP 400 with errors and no data."""

    def __init__(self, code: str, *errors: GraphQLError | str) -> None:
        super().__init__(code)
        self.code = code
        self.errors = [GraphQLError(error) if isinstance(error, str) else error for error in errors]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The operation that a request selects, with its root fields and their response keys."""

    name: str | None
    root_fields: tuple[str, ...]
    response_keys: tuple[str, ...]


class Documents:
    """Parses and validates documents against one schema; remembers the latest.

    Args:
        schema: The schema.
        limits: Upper bounds for their size.
        introspection: Whether introspection is valid.
    """

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, introspection: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._rules = [*specified_rules, *([] if introspection else [NoSchemaIntrospectionCustomRule])]
        self.parse = lru_cache(KEPT)(self._parse)
        self._valid: set[str] = set()

    def check(self, text: str) -> DocumentNode:
        """The parsed document, once it is validated.

        Raises:
            BadRequest: It has a syntax error, exceeds a limit, or is invalid.
        """
        document = self.parse(text)
        shape = _shape(text)
        if shape not in self._valid:
            if errors := validate(self._schema, document, self._rules):
                raise BadRequest(VALIDATION_FAILED, *errors)
            if len(self._valid) >= KEPT:
                self._valid.clear()
            self._valid.add(shape)
        return document

    def choose(self, text: str, name: str | None) -> Chosen:
        """The operation with the name; without a name the only one.

        Raises:
            BadRequest: The text cannot be parsed, or has no such operation.
        """
        document = self.parse(text)
        named = [each for each in operations(document) if name is None or _name(each) == name]
        if len(named) != 1:
            raise BadRequest("OPERATION_RESOLUTION_FAILURE", _unresolved(name))
        fields = list(root_fields(document, named[0]))
        keys = (field.alias or field.name for field in fields)
        return Chosen(_name(named[0]), tuple(field.name.value for field in fields), tuple(key.value for key in keys))

    def _parse(self, text: str) -> DocumentNode:
        try:
            document = parse(text, max_tokens=self._limits.tokens)
        except GraphQLSyntaxError as error:
            raise BadRequest(PARSE_FAILED, error) from error
        if excess := self._limits.excess(document):
            raise BadRequest(VALIDATION_FAILED, f"The document is too large: {excess}.")
        return document


def formatted(error: GraphQLError, code: str) -> dict[str, Any]:
    """An entry of `errors` as the service writes it: its GraphQL library quotes names with double quotes."""
    entry: dict[str, Any] = {"message": re.sub(r"'([^'\s]*)'", r'"\1"', error.message)}
    if error.locations:
        entry["locations"] = [location.formatted for location in error.locations]
    return entry | {"extensions": {"code": code}}


def _shape(text: str) -> str:
    """The text with its strings emptied: their content cannot make a document invalid, and validation is slow.

    A text with comments or block strings, which may contain quotes, is left as it is.
    """
    return text if "#" in text or '"""' in text else _STRING.sub('""', text)


def _name(operation: OperationDefinitionNode) -> str | None:
    return operation.name.value if operation.name else None


def _unresolved(name: str | None) -> str:
    if name is None:
        return "Must provide operation name if query contains multiple operations."
    return f'Unknown operation named "{name}".'
