"""What would be generated wrong stops the run, with file, line and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tensorone_codegen._errors import CodegenError
from tensorone_codegen._package import generate
from tensorone_codegen._project import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.conftest import Project

SCHEMA = """
scalar DateTime
enum Status { UP }
input Filter { gpuId: Int gpu_id: Int }
input When { datetime: DateTime }
scalar Upload
enum client { A }
enum while { A }
input read_when { at: DateTime }
input Post { parts: [Part_] }
input Part_ { files: [Upload!] }
type Query { client: client  while: while
  thing(id: ID, filter: Filter, when: When, after: read_when, file: Upload, post: Post): Thing
  things: [Thing]  item: Item  status: Status }
type Subscription { tick: Int }
interface Item { id: ID }
type Thing implements Item { id: ID  gpuId: Int  gpu_id: Int  a: A  datetime: DateTime  other: Int }
interface Sized { size: Int }
type Part implements Item & Sized { id: ID  size: Int }
type A { x: Int  y: Int }
"""

REFUSED = {
    "no name": ("{ status }", "1: the operation has no name: give it one"),
    "a subscription": ("subscription S { tick }", "1: subscriptions are not supported: leave it out"),
    "a directive that would not be sent": (
        "query Q @twice { status }",
        "1: @twice on an operation would not be sent: put it on its fields",
    ),
    "two variables of one name": (
        "query Q($aId: ID, $a_id: ID) {\n x: thing(id: $aId) { id } y: thing(id: $a_id) { id } }",
        "1: $aId and $a_id both become a_id: rename one",
    ),
    "a variable called self": (
        "query Q(\n  $self: ID\n) { thing(id: $self) { id } }",
        "2: $self cannot be an argument called 'self': rename it",
    ),
    "a variable without a Python name": (
        "query Q($_1: ID) { thing(id: $_1) { id } }",
        "1: $_1 cannot be an argument called '1': rename it",
    ),
    "two input fields of one name": (
        "query Q($f: Filter) { thing(filter: $f) { id } }",
        "1: the input Filter has gpuId and gpu_id, and both become gpu_id: write its fields as variables of their own",
    ),
    "two fields of one name": (
        "query Q { thing {\n gpuId\n gpu_id } }",
        "3: gpuId and gpu_id both become gpu_id: give one an alias",
    ),
    "a type with the name of a module": (
        "query Q { client }",
        "1: the type client is used here, and the package has a module client: leave it out,"
        " or rename the operation if the module is its own",
    ),
    "a type with the name of an operation's module": (
        "query ReadWhen($w: read_when) {\n client: status thing(after: $w) { id } }",
        "1: the type read_when is used here, and the package has a module read_when: leave it out,"
        " or rename the operation if the module is its own",
    ),
    "a type with the name of a keyword": (
        "query Q {\n while }",
        "2: the type while is used here, and no Python class can have that name: leave it out",
    ),
    "a file in a variable": (
        "query Q(\n $f: Upload) { thing(file: $f) { id } }",
        "2: this needs the scalar Upload, and files cannot be sent: leave it out, or map Upload to a type that you send"
        ' instead: [tool.ariadne-codegen.scalars] Upload = { type = "str" }',
    ),
    "a file deep in an input": (
        "query Q($p: Post) { thing(post: $p) { id } }",
        "1: this needs the scalar Upload, and files cannot be sent: leave it out, or map Upload to a type that you send"
        ' instead: [tool.ariadne-codegen.scalars] Upload = { type = "str" }',
    ),
    "a directive on a fragment": (
        "query Q { thing { ...F @skip(if: true) } } fragment F on Thing { id }",
        "1: @skip(if: true) on a fragment: put it on the fields themselves",
    ),
    "a directive on an inline fragment": (
        "query Q { thing {\n ... on Thing @skip(if: true) { id } } }",
        "2: @skip(if: true) on a fragment: put it on the fields themselves",
    ),
    "an inline fragment without a type": (
        "query Q { thing {\n ... { id } } }",
        "2: an inline fragment without a type: write its fields without it",
    ),
    "an interface that narrows another one": (
        "query Q { item {\n id\n ... on Sized { size } } }",
        "3: ... on Sized stands beside id, which Sized does not have: write a fragment on each type instead",
    ),
    "an interface alone in another one": (
        "query Q { item {\n ... on Sized { size } } }",
        "2: ... on Sized stands in a selection on the interface Item, and its fields would be left out:"
        " write a fragment on each type instead",
    ),
    "a fragment on an interface in another one": (
        "query Q { item {\n ...F } } fragment F on Sized { size }",
        "2: ...F stands in a selection on the interface Item, and its fields would be left out:"
        " write a fragment on each type instead",
    ),
    "a type inside an interface": (
        "query Q { item { ... on Item { id\n ... on Part { size } } } }",
        "2: ... on Part stands inside ... on Item, and its fields would be left out: write it beside that",
    ),
    "a type inside an interface inside a type": (
        "query Q { things { ... on Item { id\n ... on Thing { other } } } }",
        "2: ... on Thing stands inside ... on Item, and its fields would be left out: write it beside that",
    ),
    "a fragment on a type inside an interface": (
        "query Q { item { ... on Item { id\n ...F } } } fragment F on Part { size }",
        "2: ...F stands inside ... on Item, and its fields would be left out: write it beside that",
    ),
    "a fragment that narrows inside an interface": (
        "query Q { item { ... on Item {\n ...F } } } fragment F on Item { ...G }"
        " fragment G on Item { ... on Item { ... on Part { size } } }",
        "2: ...F stands inside ... on Item, and its fields would be left out: write it beside that",
    ),
    "an operation called like a fragment": (
        "query Thing { status }\nfragment Thing on Thing { id } query Q { thing { ...Thing } }",
        "1: operation Thing becomes the class Thing, as does what stands at queries/queries.graphql:2: rename it",
    ),
    "an operation called like an enum": (
        "query Status { status }",
        "1: operation Status becomes the class Status, as does the type Status of the schema: rename it",
    ),
    "two operations in one module": (
        "query GetA { status }\nquery getA { status }",
        "2: operation getA becomes the class GetA, as does what stands at queries/queries.graphql:1: rename it",
    ),
    "an operation called like a module of the package": (
        "query Enums { status }",
        "1: operation Enums becomes the module enums, as does the module enums.py: rename it",
    ),
    "an operation called like an import": (
        "query Optional { status }",
        "1: operation Optional becomes the class Optional, as does a name that Python or the package uses: rename it",
    ),
    "an operation whose constant is its class": (
        "query Q {\n status }",
        "1: operation Q becomes the class and the constant Q: rename it",
    ),
    "an operation without a Python name": (
        "query _1 { status }",
        "1: operation _1 becomes the class '1', which is not a Python name: rename it",
    ),
    "a selection called like an operation": (
        "query Get { thing { id } }\nquery GetThing { status }",
        "1: selection GetThing becomes the class GetThing, as does what stands at queries/queries.graphql:2: rename it",
    ),
    "a field that asks for the schema": (
        "query Get { status\n __schema { types { name } } }",
        "2: __schema asks for the schema itself, and a package has no models of it:"
        " leave it out; python -m tensorone_codegen pull reads a server's schema",
    ),
    "a field selected in an interface and in one of its types": (
        "query Get { item { id ... on Thing { a { x } }\n ... on Thing { a { y } } } }",
        "1: a is selected more than once (directly), and only one selection would be kept:"
        " select it once, with all its fields",
    ),
    "a collision inside a fragment": (
        "query Get { thing { ...F } }\nfragment F on Thing { gpuId gpu_id }",
        "2: gpuId and gpu_id both become gpu_id: give one an alias",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_be_generated_wrong_is_refused(make_project: Callable[..., Project], case: str) -> None:
    """The message names the place and says what to do; nothing is written."""
    queries, message = REFUSED[case]
    project = make_project(f"directive @twice on QUERY\n{SCHEMA}", queries)
    with pytest.raises(CodegenError) as caught:
        project.generate()
    assert f"queries/queries.graphql:{message}" in str(caught.value).splitlines()
    assert not project.target.exists()


NESTED = """
interface Node { id: ID }  interface Named { name: String }  interface Leaf implements Node { id: ID  leaf: Int }
type A { a: Int }  type B implements Node & Named & Leaf { id: ID  name: String  leaf: Int  b: Int  next: Node }
type C implements Node { id: ID  c: Int }
union AB = A | B  union BC = B | C
type Query { node: Node  leaf: Leaf  ab: AB  bc: BC  b: B }
"""
B, C = {"id": "1", "name": "n", "leaf": 2, "b": 3, "next": {"__typename": "C", "id": "9", "c": 8}}, {"id": "4", "c": 5}


@pytest.mark.parametrize(
    ("selection", "of_b", "of_c"),
    [
        ("node { id ... on B { b ... on Leaf { leaf } ... on Node { id } } }", {"id", "b", "leaf"}, {"id"}),
        ("node { ... on B { b } ... on C { c } ... on Leaf { leaf } }", {"b", "leaf"}, {"c"}),
        ("node { ... on Node { id ... on Node { id } } }", {"id"}, {"id"}),
        ("node { ...BCs id } } fragment BCs on BC { ... on B { b } ... on C { c }", {"id", "b"}, {"id", "c"}),
        (
            "node { ...N } } fragment N on Node { ...M ... on B { b } } fragment M on Node { id ... on C { c }",
            {"id", "b"},
            {"id", "c"},
        ),
        ("leaf { ...N leaf } } fragment N on Node { id ... on B { b }", {"id", "b", "leaf"}, None),
        ("bc { ... on Named { name } ... on Node { ...N } } } fragment N on Node { id", {"id", "name"}, {"id"}),
        ("bc { ...ABs ... on C { c } } } fragment ABs on AB { ... on B { b }", {"b"}, {"c"}),
        ("b { ... on Node { id } ...N } } fragment N on Named { name", {"id", "name"}, None),
        ("b { ... on Node { id } next { ... on C { c } } }", {"id", "next"}, None),
    ],
)
def test_no_field_of_a_fragment_is_lost(
    make_project: Callable[..., Project], selection: str, of_b: set[str], of_c: set[str] | None
) -> None:
    """Fragments on interfaces and unions that are accepted are followed, whatever type an answer holds."""
    read = make_project(NESTED, f"query Get {{ {selection} }}").generate().module().Get
    for type_, answer, fields in (("B", B, of_b), ("C", C, of_c)):
        if fields is not None:
            (found,) = dict(
                read.model_validate({selection.split(maxsplit=1)[0]: {"__typename": type_, **answer}})
            ).values()
            assert found.model_fields_set - {"typename__"} == fields


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("mro mro_", "1: enum E: mro and mro_ both become the member mro_: leave one out"),
        ("class class_", "1: enum E: class and class_ both become the member class_: leave one out"),
    ],
)
def test_an_enum_that_cannot_be_python_is_refused(
    make_project: Callable[..., Project], values: str, message: str
) -> None:
    """Values that would be one member stop the run."""
    project = make_project(f"enum E {{ OK {values} }} type Query {{ e: E }}", "query Get { e }")
    with pytest.raises(CodegenError) as caught:
        project.generate()
    assert str(caught.value) == f"schema/schema.graphql:{message}"


def test_everything_wrong_is_reported_at_once(make_project: Callable[..., Project]) -> None:
    """One run names all mistakes, not the first."""
    project = make_project(SCHEMA, "query First($self: ID) { thing(id: $self) { id } }\nsubscription Second { tick }")
    with pytest.raises(CodegenError) as caught:
        project.generate()
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == ["1", "2"]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("queries/queries.graphql", "query Q {\n nope }", "queries/queries.graphql:2: Cannot query field 'nope'"),
        ("queries/queries.graphql", "query Q {\n", "queries/queries.graphql:2: Syntax Error"),
        ("queries/queries.graphql", "query A { status }\nfragment F on Thing { id }", ":2: Fragment 'F' is never used"),
        ("schema/schema.graphql", "type Query {\n a: Nope }", "schema/schema.graphql:2: Unknown type 'Nope'."),
        (
            "schema/schema.graphql",
            "type Query { a: Int }\ntype Empty",
            "schema/schema.graphql:2: Type Empty must define",
        ),
        ("schema/schema.graphql", "type Query {\n a: }", "schema/schema.graphql:2: Syntax Error"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(
    make_project: Callable[..., Project], file: str, text: str, message: str
) -> None:
    """What a parser or a validator says comes with the file and the line."""
    project = make_project(SCHEMA, "query Get { status }")
    project.write(file, text)
    with pytest.raises(CodegenError) as caught:
        project.generate()
    assert message in str(caught.value)


def test_a_file_that_is_not_text_is_named(make_project: Callable[..., Project]) -> None:
    """A file in another encoding is reported, without a traceback."""
    project = make_project(SCHEMA, "query Get { status }")
    (project.root / "queries/queries.graphql").write_bytes(b"# caf\n# caf\xe9")
    with pytest.raises(CodegenError, match=r"^queries/queries.graphql:2: this is not UTF-8: save the file in that"):
        project.generate()


def test_a_file_that_cannot_be_read_is_named(make_project: Callable[..., Project]) -> None:
    """Such as a folder with a file's name; the words are the system's."""
    project = make_project(SCHEMA, "query Get { status }")
    (project.root / "queries/more.graphql").mkdir()
    with pytest.raises(CodegenError, match=r"^queries/more.graphql: (Is a directory|Permission denied)"):
        project.generate()


@pytest.mark.parametrize("folder", ["schema", "queries"])
def test_missing_files_are_named(make_project: Callable[..., Project], folder: str) -> None:
    """Without schema or operations there is nothing to generate."""
    project = make_project(SCHEMA, "query Get { status }")
    (project.root / folder / f"{folder}.graphql").unlink()
    with pytest.raises(CodegenError, match=f"^{folder}: there is no GraphQL file"):
        project.generate()


@pytest.mark.parametrize("coordinate", ["Thing.nope", "Nope.id", "Thing", "Status.UP"])
def test_a_secret_that_does_not_exist_is_refused(make_project: Callable[..., Project], coordinate: str) -> None:
    """A misspelt secret would leave the field in reprs."""
    project = make_project(SCHEMA, "query Get { status }", f'secret = ["{coordinate}"]')
    with pytest.raises(CodegenError, match=f"secret: the schema has no field {coordinate}"):
        project.generate()


def test_use_of_what_is_deprecated_is_reported(make_project: Callable[..., Project]) -> None:
    """It is generated all the same; the message has the place and the schema's advice."""
    schema = 'type Query { a: Int @deprecated(reason: "Use b.") b(x: Int @deprecated): Int }'
    project = make_project(schema, "query Get {\n  a\n  b(x: 1)\n}")
    assert generate.generate(settings.read(project.root)) == [
        "queries/queries.graphql:2: The field Query.a is deprecated. Use b.",
        "queries/queries.graphql:3: Field 'Query.b' argument 'x' is deprecated. No longer supported",
    ]
