"""Arguments as literals: what is rendered is what a GraphQL parser reads."""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pytest
from graphql import parse, value_from_ast_untyped
from graphql.language import FieldNode, OperationDefinitionNode
from hypothesis import given
from hypothesis import strategies as st
from tensorone_graphql.operation import Group, Operation, RootField, Slot

from tensorone import CloudType, InvalidArgument
from tensorone._graphql.arguments import body, document, literal, tree, values

NAMES = st.from_regex(r"[_A-Za-z][_0-9A-Za-z]{0,10}", fullmatch=True)
NUMBERS = st.integers(-(2**31), 2**31 - 1) | st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=("Cs",)))
NASTY = st.sampled_from(
    ['"', '"""', "\\", "\n\r\t", "{}", "#", "$x", "…", "\x00", "\x7f", "\ufeff", "\u2028", "😀", "a\\"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT | NASTY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
ECHO = Operation(
    name="Echo",
    kind="query",
    document="query Echo($v:String){echo(v:$v)}",
    fields=(RootField("echo", "echo", (Group((Slot("v", "v:"), Slot("w", " w:"))),), (), nullable=True),),
    result=dict,
    idempotent=True,
)


def arguments(text: str) -> dict[str, object]:
    """What a parser reads as the arguments of the first root field of a document."""
    definition = parse(text).definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    (field,) = definition.selection_set.selections
    assert isinstance(field, FieldNode)
    return {argument.name.value: value_from_ast_untyped(argument.value) for argument in field.arguments}


@given(VALUES)
def test_any_value_is_read_back_unchanged(value):
    """Text with quotes, braces, newlines, emoji and all else arrives as it was given."""
    assert arguments(document(ECHO, values({"v": value}))) == {"v": value}


@given(TEXT | NASTY)
def test_text_survives_the_json_around_the_document(text):
    """Both layers of escaping together lose nothing."""
    sent = json.loads(body(ECHO, values({"v": text}), "literals"))
    assert sent.keys() == {"query"}
    assert arguments(sent["query"]) == {"v": text}


def test_an_argument_list_without_arguments_vanishes():
    """Nothing given means no parentheses, which GraphQL would refuse empty."""
    assert document(ECHO, {}) == "query Echo{echo}"


def test_a_slot_falls_back_to_its_default_and_to_null_in_a_list():
    """An unset variable renders its default; without one it is null where something must stand."""
    pieces = ("(v:[", Slot("x"), "] w:", Slot("y", "", default="1"), ")")
    field = RootField("a", "echo", pieces, ("{id}",), nullable=False)
    operation = Operation("A", "query", "", (field,), dict, idempotent=True)
    assert document(operation, {}) == "query A{a:echo(v:[null] w:1){id}}"


def test_variables_are_sent_beside_the_document():
    """The standard style sends the generated document with typed values."""
    sent = json.loads(body(ECHO, values({"v": CloudType.SECURE}), "variables"))
    assert sent == {"query": ECHO.document, "operationName": "Echo", "variables": {"v": "SECURE"}}


def test_enums_are_bare_names():
    """An enum value is no string in GraphQL."""
    assert literal(tree(CloudType.ALL, "v")) == "ALL"


def test_decimals_and_dates_are_sent():
    """Amounts stay exact to what a float holds; dates are ISO 8601."""
    when = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    assert literal(tree({"bid": Decimal("0.205"), "at": when}, "v")) == '{bid:0.205 at:"2026-01-02T00:00:00+00:00"}'


@dataclass
class Strange:
    """A class that no schema knows."""

    x: int = 1


@pytest.mark.parametrize(
    ("value", "field", "words"),
    [
        ("half \ud800", "v", "surrogate"),
        (float("nan"), "v", "finite"),
        ({"bid": float("inf")}, "v.bid", "finite"),
        ([1, {"a": Strange()}], "v[1].a", "Strange"),
        ({"a b": 1}, "v", "'a b'"),
        ({1: 2}, "v", "1"),
        (b"bytes", "v", "bytes"),
    ],
)
def test_what_has_no_place_in_graphql_is_refused(value: Mapping[str, object], field, words):
    """The error names where the value stands and what is wrong with it."""
    with pytest.raises(InvalidArgument, match=words) as caught:
        values({"v": value})
    assert caught.value.field == field
