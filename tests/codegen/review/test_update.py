"""From one schema to the next by one command: all of it, or nothing."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tensorone_codegen.__main__ import STOPPED, main
from tensorone_codegen._package import generate
from tensorone_codegen._project import files, settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from codegen.conftest import Project

SCHEMA = """
# Written by hand.

type Query {
  "A number. [seed]"
  a: Int
  b: Int
}
"""
QUERIES = "query First { a }\n\nquery Second {\n  ...Part\n}\n\nfragment Part on Query {\n  b\n}\n"


@pytest.fixture
def project(make_project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch) -> Project:
    """A small project with its package, in which we are."""
    made = make_project(SCHEMA.lstrip(), QUERIES).generate()
    monkeypatch.chdir(made.root)
    return made


def update(project: Project, schema: str, *options: str) -> tuple[int, list[str]]:
    """Runs the command; answers its status and the names of the files that it changed."""
    project.write("new.graphql", schema)
    before = project.tree()
    status = main(["update", "new.graphql", *options])
    after = project.tree()
    return status, sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def test_a_schema_that_fits_is_applied(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Reviewed, written with the notes that were there, and generated from; a second time there is nothing to do."""
    new = "type Query { a: Int b: Int c: Int }"
    generated = f"generated/{project.package}"
    assert update(project, new) == (1, [f"{generated}/schema.graphql", "schema/schema.graphql"])
    assert capsys.readouterr().out.splitlines() == [
        "Added or eased:",
        "  Query.c was added",
        "wrote schema/schema.graphql",
        f"wrote {generated}",
    ]
    assert (project.root / "schema/schema.graphql").read_text() == SCHEMA.lstrip().replace("b: Int", "b: Int\n  c: Int")
    assert project.check() == []
    assert update(project, new) == (0, [])
    assert capsys.readouterr().out.splitlines()[:2] == ["nothing changed", "unchanged: schema/schema.graphql"]


def test_what_is_deprecated_is_said(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """As `generate` says it."""
    assert update(project, 'type Query { a: Int @deprecated(reason: "use b") b: Int }')[0] == 1
    assert capsys.readouterr().err == "queries/queries.graphql:1: The field Query.a is deprecated. use b\n"


def test_an_operation_that_must_go(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is changed, and file, line and field are reported, until it is deleted; then the rest is applied."""
    new = "type Query { a: Int }"
    assert update(project, new) == (STOPPED, [])
    printed = capsys.readouterr()
    report = printed.out
    assert report.splitlines() == [
        "Breaks our operations:",
        "  Query.b was removed",
        "    queries/queries.graphql:8: b in Second, model Part",
        "The new schema refuses:",
        "  queries/queries.graphql:8: Cannot query field 'b' on type 'Query'. Did you mean 'a'?",
        "Operations to change or delete:",
        "  queries/queries.graphql:3: Second",
    ]
    assert printed.err == "nothing was changed: change or delete Second, then run this again\n"
    assert main(["review", "new.graphql"]) == 3
    assert capsys.readouterr().out == report

    project.write("queries/queries.graphql", QUERIES.partition("query Second")[0] + "fragment Part on Query { a }")
    assert update(project, new) == (STOPPED, [])
    printed = capsys.readouterr()
    assert "queries/queries.graphql:3: Fragment 'Part' is never used." in printed.out
    assert printed.err == "nothing was changed: correct what the new schema refuses, then run this again\n"

    project.write("queries/queries.graphql", QUERIES.partition("query Second")[0])
    generated = f"generated/{project.package}"
    names = ["__init__.py", "client.py", "fragments.graphql", "fragments.py", "schema.graphql", "second.py"]
    assert update(project, new) == (1, [*(f"{generated}/{name}" for name in names), "schema/schema.graphql"])
    assert capsys.readouterr().out.startswith("Breaks only what we do not use:\n  Query.b was removed\n")
    assert project.check() == []


def test_an_operation_that_was_changed_for_the_new_schema(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A field with a new name is first written into the operation, with which the old schema cannot be pleased."""
    project.write("queries/queries.graphql", "query First { a renamed }")
    assert main(["check"]) == STOPPED
    assert update(project, "type Query { a: Int renamed: Int }")[0] == 1
    assert project.check() == []


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (
            "type Query { a: E b: Int } enum E { class class_ }",
            "schema/schema.graphql:9: enum E: class and class_ both become",
        ),
        ("type Query { a: ", "new.graphql:1: Syntax Error"),
    ],
)
def test_what_cannot_be_generated_changes_nothing(
    project: Project, capsys: pytest.CaptureFixture[str], schema: str, message: str
) -> None:
    """Neither the schema nor the package, though all operations fit."""
    assert update(project, schema) == (STOPPED, [])
    assert capsys.readouterr().err.startswith(message)


def test_a_package_that_is_not_ours_changes_nothing(project: Project) -> None:
    """Somebody's own code in the place of the package keeps the schema as it is."""
    (project.target / "__init__.py").write_text("# mine")
    assert update(project, "type Query { a: Int b: Int c: Int }") == (STOPPED, [])


@pytest.fixture
def more(project: Project, make_project: Callable[..., Project]) -> Project:
    """A project inside the other, which extends its package."""
    made = make_project("type Query { none: Int }", "query Third { ...Part b }", f'extends = "{project.package}"')
    (made.root / "schema/schema.graphql").unlink()
    (made.root / "schema").rmdir()
    made.generate()
    made.root = made.root.rename(project.root / "more")
    return made


def test_projects_that_extend_the_package_come_along(project: Project, more: Project) -> None:
    """Theirs is regenerated as well."""
    status, names = update(project, "type Query { a: Int b: Int c: Int }", "--also", "more")
    generated = [f"generated/{project.package}", f"more/generated/{more.package}"]
    assert (status, names) == (1, [*(f"{each}/schema.graphql" for each in generated), "schema/schema.graphql"])
    assert more.check() == []


def test_projects_that_extend_the_package_must_fit_too(
    project: Project, more: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """If one does not, all stay as they are."""
    project.write("queries/queries.graphql", QUERIES.replace("  b\n", "  a\n"))
    project.generate()
    more.generate()
    assert update(project, "type Query { a: Int }", "--also", "more") == (STOPPED, [])
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-5:] == [
        "In more:",
        "The new schema refuses:",
        "  queries/queries.graphql:1: Cannot query field 'b' on type 'Query'. Did you mean 'a'?",
        "Operations to change or delete:",
        "  queries/queries.graphql:1: Third",
    ]
    assert printed.err == "nothing was changed: change or delete Third, then run this again\n"
    more.write("pyproject.toml", more.table)
    assert update(project, "type Query { a: Int }", "--also", "more") == (STOPPED, [])
    assert f"more does not extend {project.package}: update it by itself" in capsys.readouterr().err


def test_a_package_of_another_project_that_is_not_ours_changes_nothing(project: Project, more: Project) -> None:
    """The package that was generated before it is put back."""
    (more.target / "__init__.py").write_text("# mine", encoding="utf-8")
    before = project.tree()
    assert update(project, "type Query { a: Int b: Int c: Int }", "--also", str(more.root))[0] == STOPPED
    assert project.tree() == before | {"new.graphql": project.tree()["new.graphql"]}


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """What fails on the way leaves the old text, and nothing beside it."""
    file = tmp_path / "new" / "schema.graphql"
    with files.replacing(file, "one\n") as changed:
        assert (changed, file.exists()) == (True, False)
    assert file.read_text() == "one\n"
    with suppress(LookupError), files.replacing(file, "two\n"):
        raise LookupError
    assert [path.read_text() for path in file.parent.iterdir()] == ["one\n"]


def test_a_file_that_would_not_change_is_not_touched(tmp_path: Path) -> None:
    """Ends of lines are the file's own business."""
    file = tmp_path / "schema.graphql"
    file.write_bytes(b"one\r\ntwo\r\n")
    inode = file.stat().st_ino
    with files.replacing(file, "one\ntwo\n") as changed:
        assert not changed
    assert file.stat().st_ino == inode
    with files.replacing(file, "one\n2\n") as changed:
        assert changed
    assert file.read_bytes() == b"one\r\n2\r\n"


def test_a_package_is_generated_from_texts_that_are_no_files_yet(project: Project) -> None:
    """What stands in the files of the schema is not read then."""
    read = settings.read(project.root)
    with pytest.raises(Exception, match=r"^queries/queries.graphql:1: Cannot query field 'a' on type 'Query'"):
        generate.generate(read, {project.root / "schema/schema.graphql": "type Query { b: Int }"})
