"""A schema from a server or a file, arranged so that a diff shows what changed and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from graphql import build_schema, introspection_from_schema, lexicographic_sort_schema, print_schema

from tensorone.emulator import Emulator, Limits
from tensorone_codegen.__main__ import STOPPED, main
from tensorone_codegen._errors import CodegenError
from tensorone_codegen._server.merge import merged
from tensorone_codegen._server.pull import pull
from tensorone_codegen._server.remote import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codegen.conftest import Project

OURS = (Path(__file__).parents[3] / "schema/schema.graphql").read_text()
DEPRECATED = """
enum E { A B @deprecated(reason: "value") }
input I { x: Int @deprecated(reason: "input field") y: Int }
type Query { a(i: I, z: Int @deprecated(reason: "argument")): E @deprecated(reason: "field") b: E }
"""


def introspected(schema: str, **options: Any) -> dict[str, Any]:
    """What a server with a schema answers to introspection."""
    return dict(introspection_from_schema(build_schema(schema), **options))


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file."""

    def write(content: str | dict[str, Any]) -> Path:
        path = tmp_path / "pulled"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture(scope="module")
def open_server() -> Iterator[Server]:
    """A server that has our schema and allows introspection; the usual query for it is 15 selections deep."""
    with Emulator(introspection=True, limits=Limits(depth=15)) as emulator:
        yield Server(emulator.url, emulator.api_key)


def sorted_schema(text: str) -> str:
    """A schema in one order, to compare."""
    return print_schema(lexicographic_sort_schema(build_schema(text)))


@pytest.mark.parametrize("old", [OURS, "", "type Query { other: Int }"])
def test_the_same_schema_is_pulled_from_all_sources(open_server: Server, file: Callable[..., Path], old: str) -> None:
    """SDL, the JSON of an introspection, its `data` and a server say the same."""
    texts = {pull(open_server, old)}
    texts |= {pull(file(content), old) for content in (OURS, introspected(OURS), {"data": introspected(OURS)})}
    (text,) = texts
    assert sorted_schema(text) == sorted_schema(OURS)


def test_what_did_not_change_is_the_same_to_the_byte(open_server: Server) -> None:
    """Pulling from a server that has our schema leaves the file as it is."""
    assert pull(open_server, OURS) == OURS


def test_only_what_changed_is_another_line() -> None:
    """A server that sorts all it has and describes nothing changes the lines that it must."""
    changed = OURS.replace("  cpuPercent: Float\n", "  cpuPercent: Int\n  added: Int\n").replace(
        '  "Label. [seed]"\n  name: String\n', ""
    )
    bare = "".join(line for line in changed.splitlines(keepends=True) if not line.lstrip().startswith('"'))
    new = merged(OURS, sorted_schema(bare))
    before, after = OURS.splitlines(), new.splitlines()
    assert [line for line in after if line not in before] == ["  cpuPercent: Int", "  added: Int"]
    assert len(after) == len(before) + 1 - 4
    assert sorted_schema("\n".join(line for line in after if not line.lstrip().startswith('"'))) == sorted_schema(bare)


def test_pulling_again_changes_nothing(file: Callable[..., Path]) -> None:
    """The result is a fixed point, whatever stood there before."""
    once = pull(file(DEPRECATED), OURS)
    assert pull(file(DEPRECATED), once) == once


def test_every_deprecation_is_kept(file: Callable[..., Path]) -> None:
    """Fields, arguments, input fields and enum values."""
    options = {"input_value_deprecation": True}
    for content in (DEPRECATED, introspected(DEPRECATED, **options)):
        text = pull(file(content))
        for each in ("value", "input field", "argument", "field"):
            assert f'@deprecated(reason: "{each}")' in text


@pytest.mark.parametrize(
    ("old", "new", "result"),
    [
        ('"Old. [seed]"', '"New."', '"Old. [seed]"'),
        ('"Old."', '"New."', '"New."'),
        ('"Old."', "", '"Old."'),
        ("", '"New."', '"New."'),
        ("", '"""New."""', '"New."'),
        ("", '"""\n  New,\n  long.\n  """', '"""\n  New,\n  long.\n  """'),
        ("", "", ""),
    ],
)
def test_words_with_evidence_stay(old: str, new: str, result: str) -> None:
    """A description that says how well a thing is known is better than the server's."""
    text = merged(f"type Query {{ {old} a: Int }}", f"type Query {{ {new} a: Float }}")
    expected = f"\n  {result}" if result else ""
    assert text == f"type Query {{{expected}\n  a: Float\n}}\n"


@pytest.mark.parametrize(
    ("old", "new", "result"),
    [
        ("type A { x: Int } type B { x: Int }", "type B { x: Int } type C { x: Int } type A { x: Int }", "A B C"),
        ("directive @A on FIELD type A { x: Int }", "type A { x: Int } directive @A on FIELD", "@A A"),
        ("scalar A scalar B", "scalar B enum A { X }", "A B"),
        ('"Roots." schema { query: Query } type Query { x: Int }', "type Query { x: Int }", "schema Query"),
        (
            "schema { query: Query } type Query { x: Int }",
            "type Query { x: Int } type Mutation { x: Int }",
            "Query Mutation",
        ),
        ("schema { query: Q } type Q { x: Int }", "schema { query: R } type R { x: Int }", "schema R"),
        ("schema { query: Q mutation: M }", "schema { mutation: M query: Q }", "schema"),
        ("union U = A | B", "union U = C | B | A", "U"),
    ],
)
def test_definitions_keep_their_place(old: str, new: str, result: str) -> None:
    """Survivors stand as they stood; what is new follows; what is gone is gone."""
    text = merged(f"# A comment.\n\n{old}", new)
    assert text.startswith("# A comment.\n\n")
    heads = [line for line in text.splitlines() if line[:1].isalpha()]
    names = [head.split()[0] if head.startswith("schema") else head.split()[1] for head in heads]
    assert names == result.split()


def test_words_of_extensions_stay_too() -> None:
    """What an old schema adds to a type is part of it: all fields keep their places and their notes."""
    old = """
    extend type Mutation { "Third. [seed]" c: Int }
    type Mutation { "First. [seed]" a: Int "Second. [seed]" b: Int }
    extend enum E { "Late. [t1]" B }
    extend type Elsewhere { "Kept. [rp]" x: Int }
    enum E { A }
    type Query { e: E }
    """
    new = "enum E { A B } type Query { e: E } type Elsewhere { x: Int } type Mutation { a: Int b: Int c: Int d: Int }"
    text = merged(old, new)
    names = [line.split()[-1] for line in text.splitlines() if line.endswith(('"', " {"))]
    assert names == ["{", '[seed]"', '[seed]"', '[seed]"', "{", '[t1]"', "{", "{", '[rp]"']
    assert [line.split(":")[0].strip() for line in text.splitlines() if "Int" in line] == ["a", "b", "c", "d", "x"]
    assert merged(text, new) == text


@pytest.mark.parametrize(("old", "header"), [("", ""), ("# Only words.\n", "# Only words.\n\n"), ("\n\n", "")])
def test_an_old_file_may_hold_nothing(old: str, header: str) -> None:
    """Its comment stands above the first schema."""
    assert merged(old, "type Query { a: Int }") == f"{header}type Query {{\n  a: Int\n}}\n"


@pytest.mark.parametrize("where", ["e: E = B", "e: E = B @deprecated"])
def test_a_default_that_is_no_value_of_its_type_is_refused(file: Callable[..., Path], where: str) -> None:
    """It would be gone afterwards without a word."""
    path = file(f'enum E {{ A }}\ninput I {{ {where} }}\ntype Query {{ a(i: I, x: Int = "s"): E }}\n')
    with pytest.raises(CodegenError) as refused:
        pull(path)
    assert [line.partition("pulled:")[2] for line in str(refused.value).splitlines()[1:]] == [
        "2: The default of I.e is not a valid E.",
        "3: The default of Query.a(x:) is not a valid Int.",
    ]
    with pytest.raises(CodegenError, match=r"The default of @d\(x:\) is not a valid Int"):
        pull(file('directive @d(x: Int = "s") on FIELD type Query { a: Int }'))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("type Query { a: Nope }", "pulled:1: Unknown type 'Nope'"),
        ("type Query { a: ", "pulled:1: Syntax Error"),
        ("type Empty", "Query root type must be provided"),
        ("{", "pulled: Expecting property name"),
        ({"data": {"__schema": {}}}, "pulled: not the introspection of a valid schema"),
        ({"errors": []}, "pulled: not the introspection of a valid schema"),
        ([], "pulled: not the introspection of a valid schema: there is no __schema in it"),
        ('{"data":' * 20_000, "pulled: maximum recursion depth exceeded"),
    ],
)
def test_a_file_without_a_schema_is_refused(file: Callable[..., Path], content: Any, message: str) -> None:
    """The message says what is wrong with it, and where."""
    with pytest.raises(CodegenError, match=message):
        pull(file(content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """As is one that cannot be read."""
    with pytest.raises(CodegenError, match="nowhere"):
        pull(tmp_path / "nowhere")
    (tmp_path / "latin").write_bytes(b"\xff")
    with pytest.raises(CodegenError, match=r"latin: .*utf-8"):
        pull(tmp_path / "latin")


def test_marks_at_the_beginning_of_a_file_are_no_part_of_it(tmp_path: Path) -> None:
    """Some editors write one."""
    (tmp_path / "marked").write_bytes(b"\xef\xbb\xbf" + json.dumps(introspected(DEPRECATED)).encode())
    assert "type Query" in pull(tmp_path / "marked")


@pytest.fixture
def project(make_project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch) -> Project:
    """A small project in which we are, and a newer schema beside it."""
    made = make_project('type Query {\n  "Kept. [seed]"\n  a: Int\n}\n', "query Get { a }")
    made.write("new.graphql", "type Query { a: Int b: Int }")
    monkeypatch.chdir(made.root)
    return made


NEW = 'type Query {\n  "Kept. [seed]"\n  a: Int\n  b: Int\n}\n'
CLIENTS = "directive @idempotent on MUTATION\n"


@pytest.mark.parametrize("name", ["schema/schema.graphql", "schema/api.graphql", "schema/more/api.graphql"])
def test_the_schema_is_replaced_where_it_is(project: Project, name: str) -> None:
    """Whatever its file is called; the client's own directives stay beside it."""
    old = project.root / "schema/schema.graphql"
    text = old.read_text()
    old.unlink()
    project.write(name, text)
    project.write("schema/client.graphql", CLIENTS)
    assert main(["pull", "new.graphql"]) == 0
    files = {
        path.relative_to(project.root).as_posix(): path.read_text() for path in project.root.rglob("schema/**/*.g*")
    }
    assert files == {name: NEW, "schema/client.graphql": CLIENTS}
    project.generate()


def test_the_schema_may_be_one_file(project: Project) -> None:
    """With any name."""
    (project.root / "schema/schema.graphql").rename(project.root / "api.gql")
    project.write("pyproject.toml", project.table + 'schema_path = "api.gql"\n')
    assert main(["pull", "new.graphql"]) == 0
    assert (project.root / "api.gql").read_text() == NEW


@pytest.mark.parametrize("where", ["schema/schema.graphql", "other.graphql"])
def test_the_first_schema_is_written_too(project: Project, where: str) -> None:
    """In the directory of schemas, or in the file that is named."""
    (project.root / "schema/schema.graphql").unlink()
    if where == "other.graphql":
        project.write("pyproject.toml", project.table + f'schema_path = "{where}"\n')
    assert main(["pull", "new.graphql"]) == 0
    assert (project.root / where).read_text() == "type Query {\n  a: Int\n  b: Int\n}\n"


def test_a_schema_in_several_files_is_not_replaced(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A whole one beside them would say everything twice."""
    project.write("schema/more.graphql", "extend type Query { c: Int }")
    before = project.tree()
    assert main(["pull", "new.graphql"]) == STOPPED
    assert "several files, schema/more.graphql, schema/schema.graphql: put it into one" in capsys.readouterr().err
    assert main(["review", "new.graphql"]) == 1
    assert project.tree() == before


@pytest.mark.parametrize(
    ("old", "message"),
    [
        (b"type Query { a: ", "schema/schema.graphql:1: Syntax Error: Expected Name"),
        (b"type Query { a: Int } # \xff", "is not UTF-8"),
    ],
)
def test_an_old_schema_that_cannot_be_read_stays(
    project: Project, capsys: pytest.CaptureFixture[str], old: bytes, message: str
) -> None:
    """It is named, with the place."""
    (project.root / "schema/schema.graphql").write_bytes(old)
    before = project.tree()
    for command in ("pull", "update", "review"):
        assert main([command, "new.graphql"]) == STOPPED
        assert message in capsys.readouterr().err
    assert project.tree() == before


def test_what_is_not_new_is_not_written(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Not even its ends of lines."""
    file = project.root / "schema/schema.graphql"
    file.write_bytes(NEW.replace("\n", "\r\n").encode())
    inode = file.stat().st_ino
    assert main(["pull", "new.graphql"]) == 0
    assert capsys.readouterr().out == "unchanged: schema/schema.graphql\n"
    assert (file.stat().st_ino, b"\r\n" in file.read_bytes()) == (inode, True)
