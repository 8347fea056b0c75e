"""Writing the package, telling whether it is up to date, and leaving everything as it was when something is wrong."""

from __future__ import annotations

import importlib
import pkgutil
import shutil
from typing import TYPE_CHECKING

import pytest
import tensorone_graphql
from codegen.conftest import ROOT

from tensorone_codegen.__main__ import STOPPED, main
from tensorone_codegen._errors import CodegenError
from tensorone_codegen._package import generate
from tensorone_codegen._project import settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from codegen.conftest import Project

SCHEMA = 'type Query { a: Int old: Int @deprecated(reason: "use a") }'


@pytest.fixture
def project(make_project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch) -> Project:
    """A small project with its package, in which we are."""
    made = make_project(SCHEMA, "query First { a }\nquery Second { a }").generate()
    monkeypatch.chdir(made.root)
    return made


def test_the_committed_package_is_up_to_date() -> None:
    """What is committed is what schema/ and queries/ say, byte for byte."""
    assert generate.check(settings.read(ROOT)) == []


def test_every_module_of_the_committed_package_can_be_imported() -> None:
    """Importing on first use hides no mistake."""
    for _, name, _ in pkgutil.iter_modules(tensorone_graphql.__path__):
        importlib.import_module(f"tensorone_graphql.{name}")
    assert [name for name in tensorone_graphql.__all__ if getattr(tensorone_graphql, name, None) is None] == []


def test_each_kind_of_drift_is_found(project: Project) -> None:
    """A missing, an extra and a changed file are named; caches are not looked at."""
    assert project.check() == []
    (project.target / "first.py").unlink()
    (project.target / "more" / "extra.py").parent.mkdir()
    (project.target / "more" / "extra.py").touch()
    (project.target / "__pycache__").mkdir(exist_ok=True)
    (project.target / "__pycache__" / "x.pyc").touch()
    with (project.target / "client.py").open("a") as file:
        file.write(" ")
    assert project.check() == ["missing: first.py", "not generated: more/extra.py", "differs: client.py"]
    project.generate()
    assert project.check() == []
    assert not (project.target / "more").exists()


def test_all_is_missing_before_the_first_time(make_project: Callable[..., Project]) -> None:
    """Without a package the check names its files instead of failing."""
    lines = make_project(SCHEMA, "query First { a }").check()
    assert "missing: first.py" in lines
    assert all(line.startswith("missing: ") for line in lines)


def test_generating_twice_is_generating_once(project: Project) -> None:
    """The same input gives the same bytes, and leaves nothing else behind."""
    before = project.tree()
    project.generate()
    assert project.tree() == before


def test_headers_name_no_directory_of_this_machine(project: Project) -> None:
    """The package is the same wherever the project lies."""
    assert not [name for name, text in project.tree().items() if str(project.root).encode() in text]


def test_the_schema_comes_along(project: Project) -> None:
    """The package holds the server's schema as it was written, its fragments, and the mark of a typed package."""
    assert (project.target / "schema.graphql").read_text() == SCHEMA
    assert {"py.typed", "fragments.graphql"} <= {file.name for file in project.target.iterdir()}


@pytest.mark.parametrize("broken", ["query First {", "query First { nope }", "query First { a } query first { a }"])
def test_a_failed_run_changes_nothing(project: Project, broken: str) -> None:
    """When something is wrong the old package stays whole."""
    project.write("queries/queries.graphql", broken)
    before = project.tree()
    with pytest.raises(CodegenError, match=r"queries/queries.graphql:1: "):
        project.generate()
    assert project.tree() == before


def test_what_was_not_generated_is_not_wiped(project: Project) -> None:
    """A directory with someone's own code is refused, an empty one is used."""
    (project.target / "__init__.py").write_text("# mine")
    with pytest.raises(CodegenError, match="was not generated: move it away"):
        project.generate()
    shutil.rmtree(project.target)
    project.target.write_text("a file")
    with pytest.raises(CodegenError, match="was not generated"):
        project.generate()
    project.target.unlink()
    project.target.mkdir()
    project.generate()
    assert project.check() == []


def test_a_schema_may_be_one_file_or_many(make_project: Callable[..., Project]) -> None:
    """A schema in parts is put together, and lies together in the package."""
    made = make_project(SCHEMA, "query First { a b }")
    (made.root / "schema/schema.graphql").unlink()
    made.write("schema/a.graphql", "type Query { a: Int }")
    made.write("schema/b.graphql", "extend type Query { b: Int }")
    assert (
        "type Query { a: Int }\nextend type Query { b: Int }" in (made.generate().target / "schema.graphql").read_text()
    )
    made.write("all.graphql", "type Query { a: Int b: Int }")
    made.write("pyproject.toml", made.table + 'schema_path = "all.graphql"\n')
    assert (made.generate().target / "schema.graphql").read_text() == "type Query { a: Int b: Int }"


def test_files_of_comments_are_files_of_nothing(project: Project) -> None:
    """One beside others says nothing; if there is nothing else, that is said."""
    project.write("queries/notes.graphql", "# To do.\n")
    project.write("schema/notes.graphql", "")
    project.generate()
    project.write("queries/queries.graphql", "\n# query First { a }\n")
    with pytest.raises(CodegenError, match=r"^queries: there is no operation$"):
        project.generate()


def test_commands_say_what_they_did(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """`generate` and `check` answer with a line and a status that a script can use."""
    assert main(["check"]) == 0
    assert capsys.readouterr().out == ""
    (project.target / "first.py").unlink()
    assert main(["check"]) == 1
    assert capsys.readouterr().out == "missing: first.py\nrun: python -m tensorone_codegen generate\n"
    project.write("queries/queries.graphql", "query First {\n  old\n}")
    assert main(["generate"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"wrote generated/{project.package}\n"
    assert printed.err == "queries/queries.graphql:2: The field Query.old is deprecated. use a\n"


def test_commands_say_what_is_wrong(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Mistakes are lines on the error stream with a status of their own, never a traceback."""
    project.write("queries/queries.graphql", "query First { nope }")
    assert main(["generate"]) == STOPPED
    assert capsys.readouterr().err == "queries/queries.graphql:1: Cannot query field 'nope' on type 'Query'.\n"
    with pytest.raises(SystemExit) as stopped:
        main(["generte"])
    assert stopped.value.code == STOPPED
    assert "invalid choice: 'generte'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("type Query { a: I } input I { x: Int }", "Field type must be an output type"),
        ("type Query { a: Int @deprecated(reason: 3) }", "nothing can be generated from this schema: "),
        ("input I { many: [I!] = [{}] } type Query { a(i: I): Int }", "I fields cannot be resolved. maximum"),
        ("type Query { a(x: Int = " + "[" * 3000 + "1" + "]" * 3000 + "): Int }", "nested too deeply"),
    ],
)
@pytest.mark.parametrize("command", [["generate"], ["check"], ["review", "schema/schema.graphql"]])
def test_a_schema_that_no_rule_covers_is_reported(
    project: Project, capsys: pytest.CaptureFixture[str], schema: str, said: str, command: list[str]
) -> None:
    """What graphql-core raises when it builds the schema is a line, too."""
    project.write("schema/schema.graphql", schema)
    before = project.tree()
    assert main(command) == STOPPED
    printed = capsys.readouterr().err
    assert said in printed
    assert len(printed) < 300
    assert project.tree() == before


def test_a_path_that_cannot_be_written_is_reported(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The system's words, with the path, and not a traceback."""
    project.write("file", "")
    project.write("pyproject.toml", f'{project.table}target_package_path = "file/below"\n')
    assert main(["generate"]) == STOPPED
    assert capsys.readouterr().err == f"{project.root}/file/below: Not a directory\n"


def test_a_package_may_lie_elsewhere(project: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Paths may lead out of the project."""
    project.write("pyproject.toml", f'{project.table}target_package_path = "{tmp_path.as_posix()}"\n')
    assert main(["generate"]) == 0
    assert capsys.readouterr().out == f"wrote {tmp_path.as_posix()}/{project.package}\n"
    assert main(["check"]) == 0


def test_what_a_killed_run_left_is_removed(project: Project) -> None:
    """The next run clears it away, and until then git does not see it."""
    left = project.target.parent / ".generating-x"
    (left / "new").mkdir(parents=True)
    before = {name for name in project.tree() if ".generating-" not in name}
    project.generate()
    assert not left.exists()
    assert project.tree().keys() == before


@pytest.mark.parametrize("command", [[], ["generate"], ["check"], ["pull"], ["review"], ["update"], ["probe"]])
def test_there_is_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Every command explains itself."""
    with pytest.raises(SystemExit) as stopped:
        main([*command, "--help"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("usage: python -m tensorone_codegen")


def test_pull_writes_and_review_reports(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """From a file: the review first, then the schema in its place, then nothing more to report."""
    project.write("new.graphql", "type Query { a: Int b: Int }")
    assert main(["review", "new.graphql"]) == 1
    assert "Query.b was added" in capsys.readouterr().out
    assert main(["pull", "new.graphql"]) == 0
    assert main(["pull", "new.graphql"]) == 0
    assert capsys.readouterr().out == "wrote schema/schema.graphql\nunchanged: schema/schema.graphql\n"
    assert main(["review", "new.graphql"]) == 0
    before = project.tree()
    assert main(["pull", "missing.graphql"]) == STOPPED
    assert project.tree() == before
