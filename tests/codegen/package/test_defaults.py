"""Defaults of inputs that GraphQL lets a schema write short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from codegen.conftest import Project

SCHEMA = """
scalar JSON
enum Kind {{ A class }}
input Inner {{ size: Int kinds: [Kind!] many: [Inner!] note: JSON }}
input Outer {{ field: {} = {} }}
type Query {{ ok(outer: Outer): Boolean }}
"""


@pytest.mark.parametrize(
    ("type_", "default", "value"),
    [
        ("[Int]", "5", [5]),
        ("[[Int!]!]!", "5", [[5]]),
        ("[Kind!]", "class", ["class"]),
        ("Inner", "{kinds: A, many: {size: 1}}", {"kinds": ["A"], "many": [{"size": 1}]}),
        ("[Inner!]", "{size: 1}", [{"size": 1}]),
        ("[Inner]", "null", None),
        ("ID", "5", "5"),
        ("[ID!]", "5", ["5"]),
        ("JSON", "A", "A"),
        ("JSON", "None", "None"),
        ("[JSON!]", "class", ["class"]),
        ("JSON", "[A, 1, {a: B, c: {d: 5}}]", ["A", 1, {"a": "B", "c": {"d": 5}}]),
        ("Inner", "{note: [A, {b: C}]}", {"note": ["A", {"b": "C"}]}),
    ],
)
def test_a_default_is_a_value_of_its_type(
    make_project: Callable[..., Project], type_: str, default: str, value: Any
) -> None:
    """One value stands for a list of one, a number for an ID and a name in JSON for a text."""
    project = make_project(SCHEMA.format(type_, default), "query IsOk($outer: Outer) { ok(outer: $outer) }")
    package = project.generate().module()
    outer = package.Outer()
    assert package.Outer.model_validate({"field": outer.field}) == outer
    assert outer.model_dump(exclude_defaults=False, exclude_unset=False, exclude_none=True) == (
        {} if value is None else {"field": value}
    )
