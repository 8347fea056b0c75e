"""A package that uses the schema, the fragments and the classes of another generated package."""

from __future__ import annotations

import importlib
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from codegen.conftest import SHOP_SCHEMA
from graphql import build_schema, lexicographic_sort_schema, print_schema

from tensorone_codegen.__main__ import main
from tensorone_codegen._errors import CodegenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.conftest import Project

QUERIES = """
query Mine($speed: Speed) { things(speed: $speed) { ...Thing more: name } }
mutation Buy($order: Order!) { order(input: $order) { ...Bought } }
fragment Bought on Thing { ...Thing parts { ...Part } owner: id }
"""


@pytest.fixture(scope="module")
def extend(shop: Project, make_project: Callable[..., Project]) -> Callable[..., Project]:
    """Makes a project that extends the shop."""

    def make(queries: str, schema: str = "") -> Project:
        importlib.invalidate_caches()
        project = make_project(schema or "type Query { none: Int }", queries, f'extends = "{shop.package}"')
        if not schema:
            shutil.rmtree(project.root / "schema")
        return project

    return make


@pytest.fixture(scope="module")
def mine(extend: Callable[..., Project]) -> Project:
    """A package that adds two operations and a fragment."""
    return extend(QUERIES).generate()


def test_classes_are_the_same_objects(shop: Project, mine: Project) -> None:
    """Both packages read and accept the same objects."""
    theirs, enums, inputs = shop.module("fragments"), shop.module("enums"), shop.module("input_types")
    thing = {"id": "1", "name": "n", "token": None, "made": None, "from": None, "status": "LOST", "parts": []}
    read = mine.module("mine").Mine.model_validate({"things": [thing | {"more": "m"}]})
    assert isinstance(read.things[0], theirs.Thing)
    assert read.things[0].status is enums.Status.LOST
    bought = mine.module("fragments").Bought.model_validate(thing | {"owner": "o", "parts": [{"id": "p", "size": 1}]})
    assert isinstance(bought, theirs.Thing)
    assert type(bought.parts[0]) is theirs.Part
    assert mine.module("buy").Buy.model_validate({"order": None}).order is None
    assert inputs.Order(name="x")


def test_only_what_is_new_is_there(shop: Project, mine: Project) -> None:
    """Names of the other package are imported from it where they are needed, and not offered twice."""
    assert not {"Thing", "Part", "Order", "Speed", "Status"} & set(mine.module().__all__)
    assert {"Bought", "Mine", "Buy", "BUY", "MINE"} <= set(mine.module().__all__)
    assert f"from {shop.package}.input_types import Order" in (mine.target / "client.py").read_text()
    assert f"from {shop.package}.enums import Speed" in (mine.target / "client.py").read_text()


def test_it_can_be_extended_itself(mine: Project, make_project: Callable[..., Project]) -> None:
    """Its fragments, the inherited ones among them, are known to a third package."""
    third = make_project("type Query { none: Int }", "query Third { thing(id: 1) { ...Bought } }")
    third.write("pyproject.toml", f'{third.table}[tool.tensorone-codegen]\nextends = "{mine.package}"\n')
    shutil.rmtree(third.root / "schema")
    third.generate()
    assert third.module("third").Third.model_fields["thing"].annotation == mine.module("fragments").Bought | None


def test_types_that_differ_are_generated_anew(extend: Callable[..., Project]) -> None:
    """With a schema of its own, a package shares only what is the same in both."""
    schema = """
    enum Speed { SLOW FAST LIGHT }
    input Order { name: String! }
    input New { speed: Speed }
    type Thing { id: ID! }
    type Query { things(speed: Speed, order: Order, new: New): [Thing!]! }
    """
    queries = "query Mine($s: Speed, $o: Order, $n: New) { things(speed: $s, order: $o, new: $n) { id } }"
    project = extend(queries, schema).generate()
    assert [each.name for each in project.module("enums").Speed] == ["SLOW", "FAST", "LIGHT"]
    assert project.module("input_types").Order.model_fields.keys() == {"name"}


def bare(schema: str) -> str:
    """A schema by introspection of a server that describes nothing, sorts everything and has deprecated something."""
    text = print_schema(lexicographic_sort_schema(build_schema(schema)))
    text = re.sub(r'^\s*""".*?"""\n', "", text, flags=re.MULTILINE | re.DOTALL)
    return text.replace("  password: String\n", '  password: String @deprecated(reason: "a key")\n')


def test_types_that_differ_in_words_and_order_are_the_same(extend: Callable[..., Project], shop: Project) -> None:
    """A schema of one's own by introspection shares all classes."""
    project = extend(QUERIES, bare(SHOP_SCHEMA)).generate()
    assert '"""' not in (project.root / "schema/schema.graphql").read_text()
    assert not (project.target / "enums.py").exists()
    assert f"from {shop.package}.input_types import Order" in (project.target / "client.py").read_text()


def test_an_input_that_can_hold_another_type_is_another_input(extend: Callable[..., Project]) -> None:
    """Though its own lines are the same: one class would accept an enum of which it does not know all values."""
    project = extend(QUERIES, SHOP_SCHEMA.replace("SLOW FAST }", "SLOW FAST LIGHT }")).generate()
    assert project.module("input_types").Order(name="x", speed="LIGHT").speed == project.module("enums").Speed.LIGHT


@pytest.mark.parametrize("command", ["pull", "update"])
def test_the_first_schema_of_its_own_keeps_the_words_of_the_other(
    extend: Callable[..., Project], shop: Project, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """It is arranged as the schema that it replaces."""
    project = extend(QUERIES)
    monkeypatch.chdir(project.root)
    project.write("new.graphql", bare(SHOP_SCHEMA))
    assert main([command, "new.graphql"]) in {0, 1}
    pulled = (project.root / "schema/schema.graphql").read_text()
    assert pulled.index("scalar DateTime") < pulled.index("enum Status") < pulled.index("type Query")
    assert '"On its way."' in pulled
    project.generate()
    assert f"from {shop.package}.enums import Speed" in (project.target / "client.py").read_text()


def test_a_mistake_in_a_fragment_of_the_other_is_told_as_such(extend: Callable[..., Project], shop: Project) -> None:
    """With the package and its file."""
    project = extend("query Mine { things { ...Part } }", "type Query { things: [Part] } type Part { id: ID! }")
    with pytest.raises(CodegenError, match=rf"^{shop.package}/fragments.graphql:\d+: Cannot query field 'size'"):
        project.generate()


def test_environment_variables_of_the_sdk_are_secret(make_project: Callable[..., Project]) -> None:
    """In an operation of one's own that reads them back, too."""
    queries = """
    mutation Keep($input: SaveTemplateInput!) { saveTemplate(input: $input) { id env { key value } } }
    query Show { myself { clusters { env } } }
    """
    made = make_project("type Query { none: Int }", queries, 'extends = "tensorone_graphql"')
    shutil.rmtree(made.root / "schema")
    made.generate()
    template = {"id": "1", "env": [{"key": "TOKEN", "value": "hunter2"}]}
    kept = made.module("keep").Keep.model_validate({"saveTemplate": template})
    other = made.module("show").Show.model_validate({"myself": {"clusters": [{"env": ["TOKEN=hunter2"]}]}})
    assert "TOKEN" in repr(kept)
    assert "hunter2" not in f"{kept!r}{other!r}"


def test_a_fragment_of_the_same_name_is_refused(extend: Callable[..., Project]) -> None:
    """Fragments of the other package that spread it would otherwise change their meaning."""
    project = extend("query Mine { things { ...Thing } }\nfragment Thing on Thing { id }")
    with pytest.raises(CodegenError, match=r"^queries/queries.graphql:2: sample_\d+_graphql has a fragment Thing too"):
        project.generate()


@pytest.mark.parametrize("package", ["nowhere_graphql", "json"])
def test_what_is_not_generated_cannot_be_extended(make_project: Callable[..., Project], package: str) -> None:
    """Neither a package that is not installed nor one that is something else."""
    project = make_project("type Query { a: Int }", "query Get { a }", f'extends = "{package}"')
    with pytest.raises(CodegenError, match=f"extends: {package} is not an installed, generated package"):
        project.generate()


def test_what_is_secret_there_is_secret_here(extend: Callable[..., Project], shop: Project) -> None:
    """Also where a field is selected by an operation of one's own; a secret of a schema that moved on is forgotten."""
    mine = extend('query GetToken { thing(id: "1") { id token } }').generate()
    secrets = (mine.root / "generated" / mine.package / "secret.txt").read_text().split()
    assert secrets == ["Order.password", "Thing.token"]
    read = mine.module("get_token").GetToken.model_validate({"thing": {"id": "1", "token": "hush"}})
    assert "hush" not in repr(read)
    other = extend("query Get { none }", "type Query { none: Int } type Thing { id: ID }").generate()
    assert (other.root / "generated" / other.package / "secret.txt").read_text() == ""
