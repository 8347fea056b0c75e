"""An operation in a form that a server validates and cannot run. Pure.

A server validates a whole document and executes the one operation that `operationName` picks.
So our operation stands behind a harmless query, which comes first and is the one that is named;
should a server pick ours all the same, `@skip(if: true)` on its root fields leaves it nothing to do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from graphql import print_ast

from tensorone._graphql.probing import HARMLESS
from tensorone_codegen._schema import is_composite, root_name
from tensorone_codegen.runtime.operation import Group, Slot

from .samples import Samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from graphql import GraphQLSchema, OperationDefinitionNode

    from tensorone_codegen.runtime.operation import Piece, RootField


def text(schema: GraphQLSchema, node: OperationDefinitionNode, fields: Sequence[RootField]) -> str:
    """The harmless query, and behind it the operation with samples for its variables, which would do nothing."""
    samples = Samples(schema, {each.variable.name.value: print_ast(each.type) for each in node.variable_definitions})
    root = schema.type_map[root_name(schema, node)]
    composite = {field.name for field in fields if is_composite(root, field.name)}
    first = samples.literals()
    asked = [*(_skipped(field, first) for field in fields), *_again(fields, samples, composite)]
    name = node.name.value if node.name else ""
    # Our operation may have the same name.
    shown = f"{name}_" if name == "Probe" else name
    return f"{HARMLESS} {node.operation.value} {shown}{{{' '.join(asked)}}}"


def _again(fields: Sequence[RootField], samples: Samples, composite: set[str]) -> Iterator[str]:
    """The root fields again for each further value of an enum that they carry, under other keys."""
    taken = {field.key for field in fields}
    for number, (literals, changing) in enumerate(samples.turns(), 1):
        for field in fields:
            selected = changing & set(_variables(field.selection))
            if not selected and not changing & set(_variables(field.arguments)):
                continue
            alias = f"{field.key}_{number}"
            while alias in taken:
                alias += "_"
            taken.add(alias)
            # What is selected was asked before.
            short = ("{__typename}",) if field.name in composite else ()
            selection = field.selection if selected else short
            yield _skipped(replace(field, key=alias, selection=selection), literals)


def _variables(pieces: Sequence[Piece]) -> Iterator[str]:
    for piece in pieces:
        if isinstance(piece, Slot):
            yield piece.variable
        elif isinstance(piece, Group):
            yield from _variables(piece.pieces)


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
