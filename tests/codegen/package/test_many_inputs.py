"""Inputs that can hold each other, by the hundred, as generated servers have them."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from graphql import build_schema, parse, validate
from pydantic import ValidationError

from tensorone_codegen._package.plugin import MOST_INPUTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.conftest import Project

pytestmark = pytest.mark.slow

COUNT = 1000
QUERY = "query ListUsers($where: t0_bool_exp) { users(where: $where) }"


def schema(count: int, reach: int = 3) -> str:
    """A schema in which each input holds itself and some of the others, and so all of them in the end."""
    inputs = (
        f"input t{i}_bool_exp {{ _and: [t{i}_bool_exp!] _not: t{i}_bool_exp name: String "
        + " ".join(f"r{k}: t{(i + k**3) % count}_bool_exp" for k in range(1, reach + 1))
        + " }"
        for i in range(count)
    )
    return "\n".join([*inputs, "type Query { users(where: t0_bool_exp): Boolean }"])


@pytest.fixture(scope="module")
def many(make_project: Callable[..., Project]) -> Project:
    """A package with a thousand inputs that can hold each other."""
    return make_project(schema(COUNT), QUERY).generate()


def test_a_thousand_inputs_are_imported_in_a_second_or_two(many: Project) -> None:
    """Each is built when it is first used, in milliseconds, whatever it can hold."""
    before = time.monotonic()
    inputs = many.module("input_types")
    imported = time.monotonic() - before
    inputs.t0_bool_exp(name="x")
    used = time.monotonic() - before - imported
    assert (imported < 5, used < 0.5) == (True, True), (imported, used)


def test_inputs_inside_each_other_are_validated(many: Project) -> None:
    """Models and mappings, deep and in lists; a mistake is named with its place."""
    kind, other = (getattr(many.module(), name) for name in ("t0_bool_exp", "t1_bool_exp"))
    where = kind(and_=[kind(name="a"), {"r1": {"name": "b"}}], r_1=other(not_=other(name="c")))
    assert type(where.and_[1].r_1) is other
    assert where.model_dump(by_alias=True, exclude_unset=True) == {
        "_and": [{"name": "a"}, {"r1": {"name": "b"}}],
        "r1": {"_not": {"name": "c"}},
    }
    assert kind.model_validate_json(where.model_dump_json(by_alias=True, exclude_unset=True)) == where
    with pytest.raises(ValidationError, match=r"_and\.0\.r1\.nmae"):
        kind.model_validate({"_and": [{"r1": {"nmae": "b"}}]})
    with pytest.raises(ValidationError, match="instance of t1_bool_exp"):
        kind(r_1=kind(name="of another type"))
    assert kind.model_json_schema()["properties"]["r1"]["anyOf"][0] == {"type": "object"}


def test_all_can_be_built_beforehand(many: Project) -> None:
    """Then none is built on the time of an event loop."""
    code = f"""
import {many.package}.input_types as inputs
from {many.package}.base_model import build_inputs
before = inputs.t9_bool_exp.__pydantic_complete__
build_inputs()
print(before, inputs.t9_bool_exp.__pydantic_complete__)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=many.root / "generated", capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"


def test_a_probe_asks_about_the_nearest_of_them(many: Project) -> None:
    """A document with all of them would be refused for its size alone."""
    probe = many.module("list_users").LIST_USERS.probe
    assert validate(build_schema(schema(COUNT)), parse(probe)) == []
    assert len(probe) < 10_000


def test_a_few_are_built_with_their_package(make_project: Callable[..., Project]) -> None:
    """They are complete when they are imported, and each JSON schema has all of them."""
    project = make_project(schema(MOST_INPUTS), QUERY).generate()
    text = (project.target / "input_types.py").read_text()
    assert "validated_alone" not in text
    kind = project.module("input_types").t7_bool_exp
    assert kind.__pydantic_complete__
    assert len(kind.model_json_schema()["$defs"]) == MOST_INPUTS
