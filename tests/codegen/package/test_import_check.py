"""A new package is imported before it is put in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tensorone_codegen._errors import CodegenError
from tensorone_codegen._package.plugin import MOST_INPUTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.conftest import Project

SCHEMA = "scalar Odd input In { odd: Odd } type Query { odd: Odd ok(in: In, odd: Odd): Boolean }"
READ, SENT = "query ReadOdd { odd }", "query IsOk($in: In) { ok(in: $in) }"
GIVEN = "query IsOk($odd: Odd) { ok(odd: $odd) }"


def scalar(module: str) -> str:
    """Settings that map the scalar to a type of a module."""
    return f'[tool.ariadne-codegen.scalars]\nOdd = {{ type = "{module}" }}\n'


@pytest.mark.parametrize(
    ("queries", "type_", "file"),
    [(READ, "no_such_module.Odd", "read_odd.py"), (SENT, "no_such_module.Odd", "input_types.py")],
)
def test_a_module_that_is_missing_is_named(
    make_project: Callable[..., Project], queries: str, type_: str, file: str
) -> None:
    """The message has the generated line, the module and what to do; what was there stays."""
    project = make_project(SCHEMA, "query Ok { ok }").generate()
    before = project.tree()
    project.write("pyproject.toml", project.table + scalar(type_))
    project.write("queries/queries.graphql", queries)
    with pytest.raises(CodegenError) as caught:
        project.generate()
    message = str(caught.value)
    assert message.startswith(f"{project.package}/{file}:")
    assert "ModuleNotFoundError: No module named 'no_such_module'" in message
    assert "a scalar in pyproject.toml needs the module no_such_module" in message
    assert message.endswith("nothing was changed")
    after = project.tree()
    assert {name: after[name] for name in after if name.startswith("generated")} == {
        name: before[name] for name in before if name.startswith("generated")
    }


MANY = " ".join(f"input I{i} {{ i: I{i + 1} }}" for i in range(MOST_INPUTS)) + f" input I{MOST_INPUTS} {{ odd: Odd }}"


@pytest.mark.parametrize(
    ("schema", "queries"),
    [
        (SCHEMA, READ),
        (SCHEMA, SENT),
        (f"{MANY} {SCHEMA.replace('in: In', 'in: I0')}", SENT.replace("$in: In", "$in: I0")),
    ],
)
def test_a_type_that_cannot_be_validated_is_named(
    make_project: Callable[..., Project], schema: str, queries: str
) -> None:
    """Every model is built, so that what pydantic refuses is seen at once and not with the first answer."""
    project = make_project(schema, queries, scalar("threading.Event"))
    with pytest.raises(CodegenError, match=r"PydanticSchemaGenerationError.*\n.*\nPython 3.*map its scalar") as caught:
        project.generate()
    assert not project.target.exists()
    assert "in the generated line:" in str(caught.value)


def test_an_annotation_that_nobody_defines_is_named(make_project: Callable[..., Project]) -> None:
    """Methods are only annotated, so their annotations are resolved too."""
    project = make_project(SCHEMA, GIVEN, scalar("NoSuchName"))
    with pytest.raises(CodegenError, match="NameError: name 'NoSuchName' is not defined"):
        project.generate()


def test_a_module_that_ends_the_process_is_named(make_project: Callable[..., Project]) -> None:
    """Whatever happens while a module is imported, it is not a success."""
    project = make_project(SCHEMA, READ, scalar("that_leaves.Odd"))
    project.write("generated/that_leaves.py", "import os, sys\nprint('loud')\nos._exit(3)")
    with pytest.raises(CodegenError, match="cannot be imported: it ended without a word; nothing was changed"):
        project.generate()


def test_modules_of_the_project_are_found(make_project: Callable[..., Project]) -> None:
    """What can be imported here can be imported there, and what it prints does no harm."""
    project = make_project(SCHEMA, f"{READ}\n{SENT}", scalar("of_this_project.Odd"))
    project.write("generated/of_this_project.py", "print('loud')\nclass Odd(str): ...\nOdd = str")
    assert project.generate().module("read_odd").ReadOdd(odd="x").odd == "x"
