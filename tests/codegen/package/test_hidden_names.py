"""Types and fields of a schema whose names the generated modules use themselves."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tensorone_codegen import _names
from tensorone_codegen._errors import CodegenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.conftest import Project, Recorder

# What modules import or read, and names that modules of scalars bring with them.
NAMES = sorted(
    {*_names.OF_MODULES, "bool", "builtins", "date", "datetime", "float", "getattr", "globals", "int", "list", "object"}
    | {"sorted", "str", "super", "sys", "type", "typing", "uuid", "Job", "order_by", "UploadFile"}
)
SCALARS = """
[tool.ariadne-codegen.scalars]
Day = { type = "datetime.date" }
Id = { type = "uuid.UUID" }
"""


@pytest.fixture(scope="module")
def enums(make_project: Callable[..., Project]) -> Project:
    """A package with an enum of every such name, which is answered, asked for, given in an input and a field's name."""
    fields = " ".join(f"{name}: {name}" for name in NAMES)
    schema = f"""
    scalar Day scalar Id scalar JSON
    {" ".join(f"enum {name} {{ START STOP }}" for name in NAMES)}
    input Filter {{ {fields} day: Day id: Id nested: Filter begin: int = START }}
    type Boot {{ ok: Boolean }}  type Halt {{ why: String }}  union Detail = Boot | Halt
    type Event {{ {fields} day: Day! id: Id text: String! tags: [Int!] note: JSON size: Float detail: Detail }}
    type Query {{ events({fields} filter: Filter last: Int): [Event!]! }}
    """
    variables = " ".join(f"${name}: {name}" for name in NAMES)
    arguments = " ".join(f"{name}: ${name}" for name in NAMES)
    queries = f"""
    query ListEvents({variables} $filter: Filter $last: Int) {{
      events({arguments} filter: $filter last: $last) {{
        ...Event detail {{ ... on Boot {{ ok }} ... on Halt {{ why }} }}
      }}
    }}
    fragment Event on Event {{ {" ".join(NAMES)} day id text tags note size }}
    """
    project = make_project(schema, queries, SCALARS)
    return project.generate()


def test_an_enum_of_any_name_is_read_and_sent(enums: Project) -> None:
    """Each is offered under its own name, and nothing that the modules need is lost."""
    package = enums.module()
    event = dict.fromkeys(NAMES, "START") | {"day": "2026-01-02", "id": "0" * 32, "text": "t", "tags": [1]}
    event |= {"note": {"a": 1}, "size": 1.5, "detail": {"__typename": "Boot", "ok": True}}
    read = package.ListEvents.model_validate({"events": [event]}).events[0]
    attributes = [_names.attribute(name) for name in NAMES]
    assert {type(getattr(read, name)) for name in attributes} == {getattr(package, name) for name in NAMES}
    assert (read.day.year, read.id.int, read.text, read.tags, read.note) == (2026, 0, "t", [1], {"a": 1})
    given = package.Filter(**dict.fromkeys(attributes, "STOP"), day="2026-01-02", nested=package.Filter())
    assert [getattr(given, name) for name in attributes] == ["STOP"] * len(NAMES)
    assert given.nested.begin == "START"


async def test_methods_keep_their_arguments(enums: Project, recorder: Recorder) -> None:
    """Arguments of such names reach the executor."""
    package = enums.module()
    arguments = {_names.argument(name): getattr(package, name).START for name in NAMES}
    await enums.module("client").GraphQLClient(recorder).list_events(**arguments)
    (_, variables), *_ = recorder.calls
    assert variables == dict.fromkeys(NAMES, "START")


def test_the_document_says_the_schemas_names(enums: Project) -> None:
    """The names that types have meanwhile appear nowhere."""
    assert "$Field:Field" in enums.module("list_events").LIST_EVENTS.document
    files = [file for file in enums.target.glob("*.py") if "OfSchema" in file.read_text()]
    assert files == []


@pytest.mark.slow
def test_type_checkers_accept_the_package(enums: Project) -> None:
    """mypy, strict, finds every name where it is annotated."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(enums.root / "cache"), str(enums.target)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("Success"), done.stdout


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_an_input_of_any_name_is_sent(make_project: Callable[..., Project], step: int) -> None:
    """Inputs with such names hold themselves and each other, also in fields called like them."""
    names = [*NAMES[::step], "users_bool_exp"]
    fields = " ".join(f"{name}: {name}" for name in names)
    schema = f"""
    {" ".join(f'input {name} {{ {fields} many: [{name}!] text: String = "x" }}' for name in names)}
    type Query {{ ok({fields}): Boolean }}
    """
    variables = " ".join(f"${name}: {name}" for name in names)
    queries = f"query IsOk({variables}) {{ ok({' '.join(f'{name}: ${name}' for name in names)}) }}"
    package = make_project(schema, queries).generate().module()
    assert {*names, "IsOk", "IS_OK"} <= set(package.__all__)
    assert step > 1 or set(package.__all__) <= {*names, "GraphQLClient", "IsOk", "IS_OK"}
    for name in names:
        kind = getattr(package, name)
        inner = kind(**{_names.attribute(name): kind(text="y")}, many=[kind()])
        assert inner.model_dump(by_alias=True, exclude_unset=True) == {name: {"text": "y"}, "many": [{}]}


async def test_a_function_of_a_scalar_is_called_with_what_is_given(
    make_project: Callable[..., Project], recorder: Recorder
) -> None:
    """Alone and in lists, not with null and not with what was left out; also if an argument is called like it."""
    schema = "scalar Json type Query { ok(dumps: Json, many: [Json!], none: Json, unset: Json): Boolean }"
    queries = """query IsOk($dumps: Json, $many: [Json!], $none: Json, $unset: Json) {
      ok(dumps: $dumps, many: $many, none: $none, unset: $unset)
    }"""
    table = '[tool.ariadne-codegen.scalars]\nJson = { type = "dict", serialize = "json.dumps" }'
    project = make_project(schema, queries, table).generate()
    await project.module("client").GraphQLClient(recorder).is_ok({}, many=[{"a": 1}], none=None)
    (_, variables), *_ = recorder.calls
    assert variables == {"dumps": "{}", "many": ['{"a": 1}'], "none": None}


def test_methods_called_like_types_leave_annotations_alone(make_project: Callable[..., Project]) -> None:
    """`list` may be an operation beside one that needs a list."""
    queries = "query List { ok } query IsOk($ids: [Int!], $x: Boolean) { ok(ids: $ids, x: $x) }"
    project = make_project("type Query { ok(ids: [Int!], x: Boolean): Boolean }", queries).generate()
    assert "from builtins import list as list_" in (project.target / "client.py").read_text()
    assert project.module("list").LIST.document == "query List{ok}"


@pytest.mark.parametrize(
    ("scalars", "message"),
    [
        ('A = { type = "datetime.date" }\nB = { type = "mine.date" }', "datetime.date has the same name"),
        ('A = { type = "mine.Field" }', "generated modules have another Field"),
        ('A = { type = "mine.A", parse = "mine.str" }', "generated modules have another str"),
    ],
)
def test_scalars_with_the_name_of_another_import_are_refused(
    make_project: Callable[..., Project], scalars: str, message: str
) -> None:
    """A module can import only one thing of a name, and this name is the user's to change."""
    project = make_project("type Query { a: Int }", "query Get { a }", f"[tool.ariadne-codegen.scalars]\n{scalars}")
    with pytest.raises(CodegenError, match=message):
        project.generate()


def test_upload_is_like_any_scalar_if_it_is_mapped(make_project: Callable[..., Project]) -> None:
    """In inputs and as a variable; a schema that has it and operations that do not use it need no mapping."""
    schema = """scalar Upload input Post { file: Upload! files: [Upload!] }
    type Query { ok(post: Post, file: Upload): Boolean }"""
    queries = "query IsOk($post: Post, $file: Upload) { ok(post: $post, file: $file) }"
    made = make_project(schema, queries, '[tool.ariadne-codegen.scalars]\nUpload = { type = "str" }').generate()
    assert made.module().Post(file="name").file == "name"
    assert make_project(schema, "query IsOk { ok }").generate().check() == []


def test_object_types_of_any_name_are_read(make_project: Callable[..., Project]) -> None:
    """In unions and interfaces, where their names are texts, beside enums that are called like imports."""
    schema = """
    enum int { A }
    type Literal { id: ID }  type str { size: int }  type Field { many: [Field] }  union Enum = Literal | str | Field
    interface Any { id: ID }  type Union implements Any { id: ID }  type Annotated implements Any { id: ID size: Int }
    type Query { enum: Enum  any: Any }
    """
    queries = """
    query ReadEnum { enum { ... on Literal { id } ... on str { size } ... on Field { many { __typename } } } }
    query ReadAny { any { id ... on Annotated { size } } }
    """
    package = make_project(schema, queries).generate().module()
    read = package.ReadEnum.model_validate({"enum": {"__typename": "str", "size": "A"}})
    assert read.enum.size is package.int.A
    read = package.ReadAny.model_validate({"any": {"__typename": "Annotated", "id": "1", "size": 2}})
    assert (read.any.size, type(read.any).__name__) == (2, "ReadAnyAnyAnnotated")


def test_packages_share_enums_of_any_name(make_project: Callable[..., Project]) -> None:
    """What extends a package, here one without fragments, imports its enums under the names that they have there."""
    schema = "enum Optional { A } enum int { B } type Query { a(o: Optional): int  b: Int }"
    base = make_project(schema, "query ReadA($o: Optional) { a(o: $o) b }").generate()
    other = make_project("", "query ReadMore($o: Optional) { a(o: $o) b }", f'extends = "{base.package}"')
    (other.root / "schema/schema.graphql").unlink()
    (other.root / "schema").rmdir()
    package = other.generate().module()
    assert package.ReadMore.model_validate({"a": "B", "b": 1}).a is base.module().int.B
    assert "Optional" not in package.__all__
