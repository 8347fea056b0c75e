"""Names that Python has other uses for, or writes in another way."""

from __future__ import annotations

import ast
import itertools
from typing import TYPE_CHECKING

import pytest

from tensorone_codegen import _names

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.conftest import Project, Recorder

SCHEMA = """
enum Kind { None class OK title count mro name value is_known _private_ type }
interface Node { id: ID }
"Of many names."
type Thing implements Node {
  id: ID
  "A keyword."
  from: String
  "Ends so."
  class_: Int
  "Begins so."
  _under: Int
  "An acronym."
  gpuID: Int
  "Of pydantic."
  schema: Int
  "With a digit."
  x2y: Int
  kind: Kind
}
type Part implements Node { id: ID }
union Any = Thing | Part
input In { from: String  class_: Int  _under: Int  gpuID: Int  schema: Int  x2y: Int  kind: Kind  nested: In }
type Query { thing(in: In, class: Int, many: [In!]): Thing  any: Any }
"""
FIELDS = ["from", "class_", "_under", "gpuID", "schema", "x2y", "kind"]
ATTRIBUTES = ["from_", "class_", "under", "gpu_id", "schema_", "x_2_y", "kind"]
QUERIES = f"""
query Import($in: In, $class: Int! = 3, $many: [In!]!) {{
  thing(in: $in, class: $class, many: $many) {{ ...Named }}
}}
query Alias {{ thing {{ hidden: from  from: id  __typename }} }}
query Spread {{ any {{ ...Named ...Piece }} }}
fragment Named on Thing {{ id {" ".join(FIELDS)} }}
fragment Piece on Part {{ id }}
"""


@pytest.fixture(scope="module")
def odd(make_project: Callable[..., Project]) -> Project:
    """A package with odd names, of which one is secret."""
    return make_project(SCHEMA, QUERIES, 'secret = ["Thing.from", "In.from"]').generate()


def test_fields_are_read_by_the_schemas_names_and_written_in_pythons(odd: Project) -> None:
    """No field is lost, whatever it is called."""
    answer = {"id": "i", **dict.fromkeys(FIELDS[1:-1], 1), "from": "f", "kind": "class"}
    named = odd.module("fragments").Named.model_validate(answer)
    assert [getattr(named, name) for name in ATTRIBUTES] == ["f", 1, 1, 1, 1, 1, "class"]
    assert named.model_dump(by_alias=True, context={"secrets": True}) == answer


def test_inputs_are_written_in_python_and_sent_in_the_schemas_names(odd: Project) -> None:
    """The same the other way round."""
    values = {**dict.fromkeys(ATTRIBUTES[1:-1], 1), "from_": "f", "kind": odd.module("enums").Kind.None_}
    given = odd.module("input_types").In(**values)
    sent = given.model_dump(by_alias=True, exclude_unset=True, context={"secrets": True})
    assert sent == {**dict.fromkeys(FIELDS[1:-1], 1), "from": "f", "kind": "None"}


def test_each_description_stands_under_its_own_field(odd: Project) -> None:
    """Also where the name had to change."""
    body = ast.parse((odd.target / "fragments.py").read_text()).body
    (named,) = (node.body for node in body if isinstance(node, ast.ClassDef) and node.name == "Named")
    under = {
        ast.unparse(field.target): ast.literal_eval(text.value)
        for field, text in itertools.pairwise(named)
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr)
    }
    said = ["A keyword.", "Ends so.", "Begins so.", "An acronym.", "Of pydantic.", "With a digit."]
    assert under == dict(zip(ATTRIBUTES, said, strict=False))


def test_an_alias_is_described_and_hidden_as_the_field_that_it_is(odd: Project) -> None:
    """What counts is the field of the schema, not the key that an operation gives it."""
    thing = odd.module("alias").Alias.model_validate(
        {"thing": {"hidden": "secret", "from": "7", "__typename": "Thing"}}
    )
    assert "secret" not in repr(thing)
    assert thing.thing.from_ == "7"
    assert "from_='7'" in repr(thing)
    assert thing.thing.typename__ == "Thing"
    assert '"A keyword."' in (odd.target / "alias.py").read_text()


async def test_methods_take_python_names(odd: Project, recorder: Recorder) -> None:
    """What is needed comes first; what has a default may be left out, also if it cannot be null."""
    client = odd.module("client").GraphQLClient(recorder)
    await client.import_([], class_=4)
    await client.import_(many=[], in_=None)
    assert [variables for _, variables in recorder.calls] == [{"many": [], "class": 4}, {"many": [], "in": None}]


def test_fragments_narrow_a_union(odd: Project) -> None:
    """Each type of a union is read as its own fragment says."""
    spread = odd.module("spread").Spread
    assert spread.model_validate({"any": {"__typename": "Part", "id": "p"}}).any.id == "p"
    assert "... on Part{id}" in odd.module("spread").SPREAD.document


def test_a_schema_may_be_one_file(make_project: Callable[..., Project]) -> None:
    """`schema_path` and `queries_path` name directories or files."""
    project = make_project("type Query { a: Int }", "query Get { a }")
    paths = 'schema_path = "schema/schema.graphql"\nqueries_path = "queries/queries.graphql"\n'
    project.write("pyproject.toml", project.table + paths)
    project.generate()
    assert (project.target / "schema.graphql").read_text() == "type Query { a: Int }"
    assert project.check() == []


def test_members_have_the_names_that_python_allows(odd: Project) -> None:
    """Escaped are keywords, and what every enum has already; each value is read as its member."""
    kind = odd.module("enums").Kind
    members = {each.value: name for name, each in kind.__members__.items()}
    plain = {name: name for name in ("OK", "title", "count", "type")}
    escaped = {name: f"{name}_" for name in ("None", "class", "mro", "name", "value", "is_known")}
    assert members == plain | escaped | {"_private_": "private_"}
    assert [kind(value).is_known for value in members] == [True] * len(members)


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("type", "type"),
        ("match", "match"),
        ("case", "case"),
        ("filter", "filter"),
        ("range", "range"),
        ("gpuIDs", "gpu_ids"),
        ("minVCPUs", "min_vcpus"),
        ("callbackURLs", "callback_urls"),
        ("HTTPPort", "http_port"),
        ("_", "underscore_named_field_"),
        ("_2fa", "field_2_fa"),
        ("lambda", "lambda_"),
        ("copy", "copy_"),
        ("mro", "mro_"),
        ("register", "register_"),
        ("__typename", "typename__"),
    ],
)
def test_attributes_are_what_one_would_guess(name: str, attribute: str) -> None:
    """Words of Python that are not keywords stay as they are, and the plural of an acronym is one word."""
    assert _names.attribute(name) == attribute
