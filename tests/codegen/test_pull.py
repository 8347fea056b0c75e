"""A schema from a server or a file, arranged so that a diff shows what changed and no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from graphql import build_schema, introspection_from_schema, lexicographic_sort_schema, print_schema

from tensorone.emulator import Emulator, Limits
from tensorone_codegen._errors import CodegenError
from tensorone_codegen._merge import merged
from tensorone_codegen._pull import pull
from tensorone_codegen._remote import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OURS = (Path(__file__).parents[2] / "schema/schema.graphql").read_text()
DEPRECATED = """
enum E { A B @deprecated(reason: "value") }
input I { x: Int @deprecated(reason: "input field") y: Int }
type Query { a(i: I, z: Int @deprecated(reason: "argument")): E @deprecated(reason: "field") b: E }
"""


def told(schema: str, **options: Any) -> dict[str, Any]:
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
    """A server that has our schema and tells it; the usual question for it is 15 selections deep."""
    with Emulator(introspection=True, limits=Limits(depth=15)) as emulator:
        yield Server(emulator.url, emulator.api_key)


def sorted_schema(text: str) -> str:
    """A schema in one order, to compare."""
    return print_schema(lexicographic_sort_schema(build_schema(text)))


@pytest.mark.parametrize("old", [OURS, "", "type Query { other: Int }"])
def test_the_same_schema_is_pulled_from_all_sources(open_server: Server, file: Callable[..., Path], old: str) -> None:
    """SDL, the JSON of an introspection, its `data` and a server say the same."""
    texts = {pull(open_server, old)}
    texts |= {pull(file(content), old) for content in (OURS, told(OURS), {"data": told(OURS)})}
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
    for content in (DEPRECATED, told(DEPRECATED, **options)):
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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("type Query { a: Nope }", "pulled:1: Unknown type 'Nope'"),
        ("type Query { a: ", "pulled:1: Syntax Error"),
        ("type Empty", "Query root type must be provided"),
        ("{", "pulled: Expecting property name"),
        ({"data": {"__schema": {}}}, "pulled: not the introspection of a valid schema"),
        ({"errors": []}, "pulled: not the introspection of a valid schema"),
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
