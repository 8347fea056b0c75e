"""A value for every type, to ask a server whether it knows every field of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import GraphQLEnumType

from ._schema import input_fields, type_of

if TYPE_CHECKING:
    from graphql import GraphQLSchema

_SCALARS = {"Int": "0", "Float": "0.5", "Boolean": "false", "String": '""', "ID": '""'}


def sample(schema: GraphQLSchema, type_: str, within: frozenset[str] = frozenset()) -> str:
    """A literal of a type as it is written; input objects hold all their fields, but nothing like themselves."""
    bare = type_.removesuffix("!")
    if bare.startswith("["):
        return f"[{sample(schema, bare[1:-1], within)}]"
    if bare in _SCALARS:
        return _SCALARS[bare]
    named = schema.type_map[bare]
    if isinstance(named, GraphQLEnumType):
        return next(iter(named.values))
    fields = {name: str(type_of(field)) for name, field in input_fields(named).items()}
    if fields:
        inner = within | {bare}
        each = (
            f"{name}:{sample(schema, field, inner)}"
            for name, field in fields.items()
            if field.strip("[]!") not in inner
        )
        return "{" + " ".join(each) + "}"
    # A scalar of the server's own, of which any literal may be the wrong one.
    return '""' if type_.endswith("!") else "null"
