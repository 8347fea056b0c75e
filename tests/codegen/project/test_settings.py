"""Settings: what would be ignored is refused, by name and with a hint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tensorone_codegen._errors import CodegenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.conftest import Project

NAMED = '[tool.ariadne-codegen]\ntarget_package_name = "a_graphql"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "^pyproject.toml: Invalid"),
        ("", r"\[tool.ariadne-codegen\] needs target_package_name, such as 'my_graphql'"),
        ('[tool.ariadne-codegen]\ntarget_package_name = "a-b"', "needs target_package_name"),
        (f'{NAMED}shema_path = "x"', "has no setting shema_path; did you mean schema_path?"),
        (f"{NAMED}xyz = 1", r"has no setting xyz$"),
        (f"{NAMED}async_client = false", "async_client is set by tensorone_codegen: leave it out"),
        (f"{NAMED}plugins = []", "plugins is set by tensorone_codegen: leave it out"),
        (f"{NAMED}schema_path = 1", "schema_path must be a str, not 1"),
        (f"{NAMED}[tool.tensorone-codegen]\nsecrets = []", "has no setting secrets; did you mean secret?"),
        (f'{NAMED}[tool.tensorone-codegen]\nsecret = "a.b"', "secret must be a list, not 'a.b'"),
        (f'{NAMED}client_name = "1"', "client_name '1' is not a class name"),
        (f'{NAMED}client_name = "None"', "client_name 'None' is not a class name"),
        (f'{NAMED}client_name = "Operation"', "client_name Operation is a name that Python or the package uses too"),
        (f'{NAMED}client_name = "Get"', "operation Get becomes the class Get, as does the client, by client_name"),
        (f'{NAMED}base_client_name = "X"', "base_client_name is set by tensorone_codegen"),
        ('[tool.ariadne-codegen]\ntarget_package_name = "class"', "needs target_package_name"),
        ("tool = 5", "^pyproject.toml: tool must be a table, not 5"),
        ('[[tool.ariadne-codegen]]\ntarget_package_name = "a"', "^pyproject.toml: ariadne-codegen must be a table"),
        (f"{NAMED}[tool]\ntensorone-codegen = [1]", "^pyproject.toml: tensorone-codegen must be a table"),
        (f"{NAMED}[tool.tensorone_codegen]", r"\[tool.tensorone_codegen\] is ignored; did you mean \[tool.tensorone-c"),
        (f"{NAMED}[tool.Ariadne_Codegen]", r"is ignored; did you mean \[tool.ariadne-codegen\]\?"),
        (f"{NAMED}[tool.tensorone-codegen]\nsecret = [1]", "secret holds 'Type.field', not 1"),
        (f'{NAMED}[tool.ariadne-codegen.scalars]\nAt = "datetime"', "At must be a table of type, .* not 'datetime'"),
        (f'{NAMED}[tool.ariadne-codegen.scalars]\nAt = {{parse = "a.b"}}', "At must be a table of type"),
        (f"{NAMED}[tool.ariadne-codegen.scalars]\nAt = {{type = 1}}", "At must be a table of type"),
        (f'{NAMED}[tool.ariadne-codegen.scalars]\nAt = {{type = "a", tpye = "b"}}', "At must be a table of type"),
        *(
            (
                f"{NAMED}[tool.ariadne-codegen.scalars]\nAt = {{type = 'int', {key} = {path!r}}}",
                "At: .* is not a name such",
            )
            for key, path in (("parse", "a b"), ("serialize", ""), ("parse", "dict[str, int]"), ("parse", "mine:read"))
        ),
        *(
            (f"{NAMED}[tool.ariadne-codegen.scalars]\nAt = {{type = {path!r}}}", "At: type .* is not a name such")
            for path in ("", "a b", "mine:At", "dict[str, typing.Any]", "mine.", "mine.class")
        ),
        *(
            (f'{NAMED}[tool.tensorone-codegen]\nextends = "{name}"', f"extends: {name} is not an installed, generated")
            for name in ("os", "..foo", "nowhere", "no.where", "tensorone_graphql.client", "__main__")
        ),
    ],
)
def test_wrong_settings_are_refused(make_project: Callable[..., Project], text: str, message: str) -> None:
    """The message names the table, the setting and what is wrong with it."""
    project = make_project("type Query { a: Int }", "query Get { a }")
    project.write("pyproject.toml", text)
    before = project.tree()
    with pytest.raises(CodegenError, match=message):
        project.generate()
    assert project.tree() == before


def test_tables_of_others_are_theirs(make_project: Callable[..., Project]) -> None:
    """A tool whose name is not nearly one of ours is left alone."""
    project = make_project("type Query { a: Int }", "query Get { a }")
    project.write("pyproject.toml", f"{project.table}[tool.ariadne]\n[tool.graphql-codegen]\n[tool.tensorone]\n")
    assert project.generate().check() == []


def test_a_missing_project_is_told(make_project: Callable[..., Project]) -> None:
    """Outside of a project the message says where to run the command."""
    project = make_project("type Query { a: Int }", "query Get { a }")
    (project.root / "pyproject.toml").unlink()
    with pytest.raises(CodegenError, match="there is no pyproject"):
        project.generate()


def test_scalars_of_ones_own_join_those_that_are_known(make_project: Callable[..., Project]) -> None:
    """A custom scalar becomes the Python type that the settings name; DateTime stays known."""
    schema = "scalar DateTime scalar Money scalar Odd type Query { at: DateTime cost: Money odd: Odd }"
    project = make_project(schema, "query Get { at cost odd }")
    project.write(
        "pyproject.toml", f'{project.table}[tool.ariadne-codegen.scalars]\nMoney = {{type = "decimal.Decimal"}}'
    )
    read = (
        project.generate().module("get").Get.model_validate({"at": "2026-01-02T03:04:05Z", "cost": "1.10", "odd": [1]})
    )
    assert (read.at.year, str(read.cost), read.odd) == (2026, "1.10", [1])
