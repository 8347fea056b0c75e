"""An operation in a form that a server validates and cannot run. Pure.

A server validates a whole document and executes the one operation that `operationName` picks.
So our operation stands behind a harmless query, which comes first and is the one that is named;
should a server pick ours all the same, `@skip(if: true)` on its root fields leaves it nothing to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import print_ast

from ._samples import sample
from .runtime.operation import Group, Slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from graphql import GraphQLSchema, OperationDefinitionNode

    from .runtime.operation import Piece, RootField

HARMLESS = "query Probe{__typename}"


def text(schema: GraphQLSchema, node: OperationDefinitionNode, fields: Iterable[RootField]) -> str:
    """The harmless query, and behind it the operation with samples for its variables, which would do nothing."""
    types = {each.variable.name.value: print_ast(each.type) for each in node.variable_definitions}
    samples = {name: sample(schema, type_) for name, type_ in types.items()}
    name = node.name.value if node.name else ""
    # The name may be taken by ours.
    shown = f"{name}_" if name == "Probe" else name
    return f"{HARMLESS} {node.operation.value} {shown}{{{' '.join(_skipped(field, samples) for field in fields)}}}"


def _skipped(field: RootField, samples: Mapping[str, str]) -> str:
    alias = "" if field.key == field.name else f"{field.key}:"
    selection = _filled(field.selection, samples)
    # A directive can stand there only once.
    skip = "@include(if:false)" if "@skip" in selection.partition("{")[0] else "@skip(if:true)"
    return f"{alias}{field.name}{_filled(field.arguments, samples)} {skip}{selection}"


def _filled(pieces: Sequence[Piece], samples: Mapping[str, str]) -> str:
    return "".join(_piece(piece, samples) for piece in pieces)


def _piece(piece: Piece, samples: Mapping[str, str]) -> str:
    if isinstance(piece, Slot):
        return piece.before + samples[piece.variable]
    return f"({_filled(piece.pieces, samples)})" if isinstance(piece, Group) else piece
