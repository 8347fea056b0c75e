"""A schema as large services have them: generated from, imported, read and sent, in seconds."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from codegen.big_schema import ROW, SETTINGS, TABLES, queries, schema
from graphql import build_schema, parse, validate

from tensorone._graphql import arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.conftest import Project

pytestmark = pytest.mark.slow

KINDS = ["".join(part.capitalize() for part in name.split("_")) for name in TABLES[::3]]


@pytest.fixture(scope="module")
def big(make_project: Callable[..., Project]) -> Project:
    """The package of a large schema."""
    return make_project(schema(), queries(), SETTINGS).generate()


def test_it_is_large() -> None:
    """Some thousand lines, and inputs that can all hold each other."""
    assert len(schema().splitlines()) > 4000


@pytest.mark.parametrize("kind", KINDS)
def test_answers_of_every_kind_are_read(big: Project, kind: str) -> None:
    """Each operation has its own models, and every one of them reads its answer."""
    package = big.module()
    name = TABLES[::3][KINDS.index(kind)]
    (row,) = getattr(getattr(package, f"List{kind}Rows").model_validate({name: [ROW]}), name)
    assert type(row) is getattr(package, f"{kind}Parts")
    assert (row.id.int, row.type, row.status, row.created_at.year) == (7, "t", package.Status.None_, 2026)
    assert row.price.amount == Decimal("9007199254740993.1")


def test_unions_and_interfaces_are_read(big: Project) -> None:
    """Known types and newer ones."""
    package = big.module()
    created = {"created_at": ROW["created_at"]}
    found = package.FindAll.model_validate(
        {
            "search": [
                {"__typename": "Account", **ROW},
                {"__typename": "Client", "id": ROW["id"], "name": "c", "many": [{"id": ROW["id"]}], **created},
                {"__typename": "Cluster", **created},
                {"__typename": "Newer"},
            ]
        }
    ).search
    assert [each.typename__ for each in found] == ["Account", "Client", "Cluster", "Newer"]
    assert (found[0].labels, found[1].many[0].id.int) == (ROW["labels"], 7)
    assert "c'" in repr(found[1])


def test_deep_filters_are_sent(big: Project) -> None:
    """Through inputs that can all hold each other, in literals and in variables."""
    package = big.module()
    where = package.account_bool_exp.model_validate(
        {"_and": [{"name": {"_eq": "a"}}, {"_not": {"status": {"_in": ["ACTIVE"]}}}], "price": {"_gt": "0.10"}}
    )
    given = arguments.values({"where": where, "order_by": [package.account_order_by(order_by="asc")], "limit": 1})
    operation = package.LIST_ACCOUNT_ROWS
    document = arguments.document(operation, given)
    assert (
        'where:{_and:[{name:{_eq:"a"}} {_not:{status:{_in:[ACTIVE]}}}] price:{_gt:0.10}} order_by:[{order_by:asc}]'
    ) in document
    assert json.loads(arguments.body(operation, given, "variables"))["variables"]["limit"] == 1
    known = build_schema(schema())
    assert validate(known, parse(document)) == validate(known, parse(operation.document)) == []


def test_defaults_are_those_of_the_schema(big: Project) -> None:
    """Enums, lists and objects; none is sent unless it was given."""
    package = big.module()
    search = package.Search(text="x")
    assert (search.page.first, search.page.order, search.page.fields) == (10, "asc", ["created_at"])
    assert package.Page().fields == [package.Field.id, package.Field.type]
    assert arguments.values({"search": search}) == {"search": {"text": "x"}}


def test_json_and_secrets_are_sent(big: Project) -> None:
    """Labels of any key go as a variable, and what is secret goes at all."""
    package = big.module()
    added = package.account_insert_input(labels=ROW["labels"], token="hush")
    assert "hush" not in added.model_dump_json()
    sent = json.loads(arguments.body(package.ADD_ACCOUNT_ROWS, arguments.values({"objects": [added]}), "literals"))
    assert sent["variables"] == {"objects": [{"labels": ROW["labels"], "token": "hush"}]}
    assert sent["query"].startswith("mutation AddAccountRows($objects:[account_insert_input!]!){insert_account(")
    assert validate(build_schema(schema()), parse(sent["query"])) == []


def test_probes_are_valid(big: Project) -> None:
    """Whatever the operations carry."""
    package, known = big.module(), build_schema(schema())
    for name in ("LIST_ACCOUNT_ROWS", "ADD_ACCOUNT_ROWS", "FIND_ALL", "GET_NODE"):
        probe = getattr(package, name).probe
        assert validate(known, parse(probe)) == []
        assert len(probe) < 50_000
