"""What the methods of a generated client are like."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from tensorone._graphql import arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.conftest import Project, Recorder


def test_comments_above_operations_are_docstrings(shop: Project) -> None:
    """The comment directly above is the docstring; without one it is what the schema says of the root field."""
    client = shop.module("client").GraphQLClient
    assert inspect.getdoc(client.read_thing) == (
        'Reads one thing: "quoted", a \\backslash, """three""".\n\nCosts nothing.'
    )
    assert inspect.getdoc(client.make_order) == "Orders."
    assert inspect.getdoc(client.read_any) == "Reads a thing."
    assert inspect.getdoc(client.read_item) is None


def test_an_operation_may_be_nothing_but_a_fragment(make_project: Callable[..., Project]) -> None:
    """Then its result is the fragment, under the operation's name too."""
    queries = "query GetAll { ...All } fragment All on Query { a b }"
    package = make_project("type Query { a: Int b: Int }", queries).generate().module()
    assert package.GET_ALL.result is package.GetAll is package.All


async def test_what_is_not_given_is_not_there(shop: Project, recorder: Recorder) -> None:
    """An argument that was left out has no key; one that is None has."""
    client = shop.module("client").GraphQLClient(recorder)
    await client.list_things()
    await client.list_things(None, limit=2)
    assert [variables for _, variables in recorder.calls] == [{}, {"from": None, "limit": 2}]
    operation, _ = recorder.calls[0]
    assert "things(speed:FAST)" in arguments.document(operation, {}).replace("( ", "(")
    assert not shop.module().UNSET
    assert repr(shop.module().UNSET) == "UNSET"


async def test_all_arguments_but_the_first_are_keywords(shop: Project, recorder: Recorder) -> None:
    """Two numbers cannot be mixed up; keywords of Python get an underscore."""
    client = shop.module("client").GraphQLClient(recorder)
    order = shop.module("input_types").Order(name="x")
    with pytest.raises(TypeError, match="positional"):
        await client.make_order(order, "x")
    await client.make_order(order, class_="x")
    assert recorder.calls[0][1] == {"input": order, "class": "x"}


@pytest.mark.parametrize(
    ("name", "kind", "idempotent"),
    [("READ_THING", "query", True), ("MAKE_ORDER", "mutation", False), ("DROP", "mutation", True)],
)
def test_operations_say_what_may_be_repeated(shop: Project, name: str, kind: str, idempotent: bool) -> None:
    """Queries may be, mutations only when they are marked."""
    operation = getattr(shop.module(), name)
    assert (operation.kind, operation.idempotent) == (kind, idempotent)
    assert "idempotent" not in operation.document


def test_operations_know_which_answers_can_be_null(shop: Project) -> None:
    """A root field says whether the schema lets it be null."""
    assert [field.nullable for field in shop.module().READ_ANY.fields] == [True, True]
    assert [(field.key, field.name) for field in shop.module().READ_ANY.fields] == [("any", "any"), ("first", "thing")]
    assert not shop.module().LIST_THINGS.fields[0].nullable


def test_importing_the_client_imports_no_model(shop: Project) -> None:
    """Models are built when they are first needed."""
    text = (shop.target / "client.py").read_text()
    assert (
        "    from .read_thing import ReadThing\n" in text.partition("class GraphQLClient")[0].partition("if TYPE_")[2]
    )
