"""The questions by which a server is asked for its schema. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import REMOVE, Visitor, VisitorAction, get_introspection_query, parse, print_ast, visit

if TYPE_CHECKING:
    from graphql import FieldNode


# Levels of wrapping that are asked for where the depth of documents is limited; `[[T!]!]!` has five.
SHALLOW = 6


class _Shallow(Visitor):
    """Cuts off what an introspection asks of types that are wrapped many times."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def enter_field(self, node: FieldNode, *_: object) -> VisitorAction:
        if node.name.value == "ofType" and self._depth == SHALLOW:
            return REMOVE
        self._depth += node.name.value == "ofType"
        return None

    def leave_field(self, node: FieldNode, *_: object) -> None:
        self._depth -= node.name.value == "ofType"


# Newest first: older servers refuse what they do not know, and careful ones what is nested deeply.
INTROSPECTIONS = (
    get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    ),
    print_ast(
        visit(parse(get_introspection_query(directive_is_repeatable=True, input_value_deprecation=True)), _Shallow())
    ),
    print_ast(visit(parse(get_introspection_query()), _Shallow())),
)
