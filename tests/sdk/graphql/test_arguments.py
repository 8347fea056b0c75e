"""Arguments as literals: what is rendered is what a GraphQL parser reads."""

import datetime
import ipaddress
import json
import pathlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum

import pytest
from graphql import parse, value_from_ast_untyped
from graphql.language import FieldNode, OperationDefinitionNode
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, SecretStr
from tensorone_graphql.operation import Group, Operation, RootField, Slot

from tensorone import CloudType, InvalidArgument
from tensorone._graphql.arguments import _ESCAPED, body, document, literal, tree, values

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


TWO_FIELDS = replace(
    ECHO,
    fields=(
        RootField(
            key="é",
            name="first",
            arguments=(Group(pieces=('x:"\\n" ', Slot(variable="a", before="a:", default=None))),),
            selection=("{id ", Slot(variable="b", before="b:", default="7"), "}"),
            nullable=True,
        ),
        RootField(key="second", name="second", arguments=(), selection=("{id}",), nullable=True),
    ),
)


def arguments(text: str) -> dict[str, object]:
    """What a parser reads as the arguments of the first root field of a document."""
    definition = parse(text).definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    (field,) = definition.selection_set.selections
    assert isinstance(field, FieldNode)
    return {argument.name.value: value_from_ast_untyped(argument.value) for argument in field.arguments}


@settings(max_examples=50)
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


@given(st.dictionaries(st.sampled_from(["a", "b"]), VALUES))
def test_a_body_is_its_document_as_json(given_values):
    """However many of its parts were escaped beforehand."""
    sent = values(given_values)
    for operation in (TWO_FIELDS, replace(TWO_FIELDS, name="Other"), replace(ECHO, fields=())):
        assert json.loads(body(operation, sent, "literals")) == {"query": document(operation, sent)}


def test_what_was_escaped_is_kept_for_so_many_operations():
    """A program that makes operations without end does not grow."""
    for number in range(300):
        made = replace(ECHO, name=f"N{number}", fields=tuple(replace(field) for field in ECHO.fields))
        assert json.loads(body(made, {"v": 1}, "literals")) == {"query": document(made, {"v": 1})}
        assert len(_ESCAPED) <= 256
    assert _ESCAPED


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
    """Amounts arrive digit by digit, in both styles; dates are ISO 8601."""
    when = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    given = values({"v": {"bid": Decimal("90071992547409.931"), "at": when}})
    text = '{bid:90071992547409.931 at:"2026-01-02T00:00:00+00:00"}'
    assert literal(given["v"]) == text
    assert b'"variables":{"v":{"bid":90071992547409.931,"at":"2026-01-02T00:00:00+00:00"}}' in body(
        ECHO, given, "variables"
    )


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_any_decimal_is_read_back_unchanged(value):
    """Large, small, negative or in powers of ten: both styles keep all digits."""
    given = values({"v": value})
    sent = json.loads(body(ECHO, given, "variables"), parse_float=Decimal, parse_int=Decimal)
    assert sent["variables"] == {"v": value}
    (field,) = parse(document(ECHO, given)).definitions[0].selection_set.selections
    assert Decimal(field.arguments[0].value.value) == value


class Color(Enum):
    """An enum of the user's own."""

    RED = 3


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (datetime.timedelta(minutes=5), "PT5M"),
        (AnyUrl("https://a.example/b"), "https://a.example/b"),
        (ipaddress.IPv4Address("10.0.0.1"), "10.0.0.1"),
        (ipaddress.ip_network("10.0.0.0/8"), "10.0.0.0/8"),
        (pathlib.PurePosixPath("/data"), "/data"),
        (frozenset({"one"}), ["one"]),
        (SecretStr("hush"), "hush"),
        (Color.RED, 3),
    ],
)
def test_values_of_other_types_are_sent_as_pydantic_writes_them(value, sent):
    """So that what a scalar of such a type reads, it also sends; a secret is sent as it is."""
    given = values({"v": value})
    assert json.loads(body(ECHO, given, "variables"))["variables"] == {"v": sent}
    assert literal(given["v"]) == json.dumps(sent)


@dataclass
class Strange:
    """A class that no schema knows."""

    x: int = 1


class Typed(BaseModel):
    """A model whose types are its author's choice."""

    blob: bytes
    strange: Strange


def test_what_a_model_has_validated_is_sent():
    """Bytes and classes of one's own are what is meant there; by themselves they are more likely a mistake."""
    typed = Typed(blob=b"text", strange=Strange(2))
    assert tree(typed, "v") == {"blob": "text", "strange": {"x": 2}}
    with pytest.raises(InvalidArgument, match="bytes cannot be sent"):
        tree(Typed(blob=b"\xff", strange=Strange()), "v")


KEYS = {"app.kubernetes.io/name": {"": 1}, "plain": None}
LOOSE = Operation(
    name="Label",
    kind="mutation",
    document="mutation Label($id:ID! $labels:[JSON!] $note:JSON){label(id:$id labels:$labels){id(note:$note)}}",
    fields=(
        RootField(
            "label",
            "label",
            (Group((Slot("id", "id:"), Slot("labels", " labels:", None, "[JSON!]"))),),
            ("{id", Group((Slot("note", "note:", None, "JSON"),)), "}"),
            nullable=True,
        ),
    ),
    result=dict,
    idempotent=False,
)


def test_json_with_any_key_goes_as_a_variable():
    """It alone, of the type that the operation knows; all else stays a literal."""
    sent = json.loads(body(LOOSE, values({"id": "1", "labels": [KEYS], "note": {"a": 1}}), "literals"))
    assert sent == {
        "query": 'mutation Label($labels:[JSON!]){label(id:"1" labels:$labels){id(note:{a:1})}}',
        "operationName": "Label",
        "variables": {"labels": [KEYS]},
    }
    sent = json.loads(body(LOOSE, values({"id": "1", "note": KEYS}), "literals"))
    assert sent["query"] == 'mutation Label($note:JSON){label(id:"1"){id(note:$note)}}'
    assert json.loads(body(LOOSE, values({"id": "1", "note": KEYS}), "variables"))["variables"]["note"] == KEYS


def test_a_key_that_no_literal_can_hold_names_the_way_out():
    """Where the type is not known, variables are the way."""
    with pytest.raises(InvalidArgument, match=r"'app\.kubernetes\.io/name'.*arguments='variables'") as caught:
        body(ECHO, values({"v": [KEYS]}), "literals")
    assert caught.value.field == "v"
    assert json.loads(body(ECHO, values({"v": [KEYS]}), "variables"))["variables"] == {"v": [KEYS]}


@pytest.mark.parametrize(
    ("value", "field", "words"),
    [
        ("half \ud800", "v", "surrogate"),
        (float("nan"), "v", "finite"),
        ({"bid": float("inf")}, "v.bid", "finite"),
        ([1, {"a": Strange()}], "v[1].a", "Strange"),
        ({1: 2}, "v", "1"),
        (b"bytes", "v", "bytes"),
    ],
)
def test_what_has_no_place_in_graphql_is_refused(value: Mapping[str, object], field, words):
    """The error names where the value stands and what is wrong with it."""
    with pytest.raises(InvalidArgument, match=words) as caught:
        values({"v": value})
    assert caught.value.field == field


@given(st.text(st.characters(exclude_categories=("Cs",))) | st.sampled_from(["true", "null", "A", "a b"]) | NUMBERS)
def test_a_member_that_is_no_name_is_sent_as_what_it_holds(held):
    """An enum of the user's own may hold any text or number: it cannot rewrite the document."""
    rendered = literal(tree(Enum("Own", {"MEMBER": held}).MEMBER, "v"))
    node = parse(f"{{echo(v:{rendered})}}").definitions[0].selection_set.selections[0].arguments[0].value
    assert value_from_ast_untyped(node) == held
