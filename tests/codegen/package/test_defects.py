"""What the stock output of ariadne-codegen does wrong and ours must not, one test each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from codegen.conftest import SHOP_SCHEMA
from mypy import api as mypy
from pydantic import ValidationError

from tensorone_codegen._errors import CodegenError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from codegen.conftest import Project, Recorder


def test_a_misspelt_input_field_is_refused(shop: Project) -> None:
    """1: an input does not drop a field that it does not know, it raises."""
    order = shop.module("input_types").Order
    with pytest.raises(ValidationError, match="pasword"):
        order(name="x", pasword="y")


def test_an_enum_value_newer_than_the_package_is_read(shop: Project) -> None:
    """2: an unknown value becomes a member of its own and fails nothing."""
    thing = shop.module("fragments").Thing
    data = {"id": "1", "name": None, "token": None, "made": None, "from": None, "parts": []}
    read = thing.model_validate(data | {"status": "EATEN"})
    assert read.status == "EATEN"
    assert not read.status.is_known
    assert thing.model_validate(data | {"status": "LOST"}).status is shop.module("enums").Status.LOST


async def test_validation_is_the_executors_business(shop: Project, recorder: Recorder) -> None:
    """3: a method hands out what the executor answers, so that nothing is validated past it."""
    client = shop.module("client").GraphQLClient(recorder)
    recorder.answer = object()
    assert await client.read_thing("1") is recorder.answer


@pytest.mark.slow
def test_python_names_and_typos_are_told_apart_by_type_checkers(shop: Project, tmp_path: Path) -> None:
    """4 and 7: Python names are accepted as keywords; misspelt fields, imports and attributes are errors."""
    (tmp_path / "user.py").write_text(
        f"import {shop.package}\n"
        f"from {shop.package} import Order\n"
        f"from {shop.package} import Typo\n"
        'Order(name="x", from_="y", gpu_id=1, nested=Order(name="z"))\n'
        'Order(name="x", pasword="y")\n'
        f"{shop.package}.Typo\n"
        f"async def call(client: {shop.package}.GraphQLClient) -> str | None:\n"
        '    thing = (await client.read_thing(id="1")).thing\n'
        "    return thing.from_ if thing else None\n"
    )
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nstrict = true\nmypy_path = {shop.target.parent}\n")
    arguments = ["--config-file", str(tmp_path / "mypy.ini"), "--cache-dir", str(tmp_path / "cache")]
    output, _, _ = mypy.run([*arguments, str(tmp_path / "user.py")])
    lines = sorted(int(line.split(":")[1]) for line in output.splitlines() if ": error:" in line)
    assert lines == [3, 5, 6], output


@pytest.mark.parametrize(
    "selection",
    [
        "a { x } a { y }",
        "...F a { y }",
        "...F ...G",
        "a { x } ... on Thing { a { y } }",
    ],
)
def test_a_selection_made_twice_stops_the_run(make_project: Callable[..., Project], selection: str) -> None:
    """5: of two selections of one field only one would be kept, so neither is generated."""
    fragments = [f"fragment {name} on Thing {{ a {{ {x} }} }}" for name, x in (("F", "x"), ("G", "y"))]
    used = [text for text in fragments if f"...{text[9]}" in selection]
    project = make_project(
        "type Query { thing: Thing } type Thing { a: A } type A { x: Int y: Int }",
        f"query Read {{ thing {{ {selection} }} }}\n" + "\n".join(used),
    )
    with pytest.raises(CodegenError, match=r"^queries/queries.graphql:\d: a is selected more than once .*select it"):
        project.generate()
    assert not project.target.exists()


def test_the_same_selection_made_twice_is_no_problem(make_project: Callable[..., Project]) -> None:
    """5: what says the same loses nothing."""
    project = make_project(
        "type Query { thing: Thing } type Thing { a: A } type A { x: Int y: Int }",
        "query Read { thing { ...F a { ...X } } } fragment F on Thing { a { ...X } } fragment X on A { x }",
    ).generate()
    read = project.module("read").Read.model_validate({"thing": {"a": {"x": 1}}})
    assert read.thing.a == project.module("fragments").X(x=1)


def test_two_paths_to_one_class_name_stop_the_run(make_project: Callable[..., Project]) -> None:
    """6: `foo { bar }` and `fooBar` would be one class, so neither is generated."""
    project = make_project(
        "type Query { foo: Foo fooBar: Bar } type Foo { bar: Bar } type Bar { x: Int y: Int }",
        "query Op {\n  foo { bar { x } }\n  fooBar { y }\n}",
    )
    with pytest.raises(CodegenError) as caught:
        project.generate()
    assert str(caught.value) == (
        "queries/queries.graphql:3: foo.bar and fooBar both become the class OpFooBar: give one an alias"
    )


def test_an_alias_keeps_two_paths_apart(make_project: Callable[..., Project]) -> None:
    """6: the advice of the message works."""
    project = make_project(
        "type Query { foo: Foo fooBar: Bar } type Foo { bar: Bar } type Bar { x: Int y: Int }",
        "query Op {\n  foo { bar { x } }\n  other: fooBar { y }\n}",
    ).generate()
    read = project.module("op").Op.model_validate({"foo": {"bar": {"x": 1}}, "other": {"y": 2}})
    assert (read.foo.bar.x, read.other.y) == (1, 2)


@pytest.mark.parametrize("more", ["", "fragment Thing on Thing { id }\nquery Other { thing(id: 1) { ...Thing } }"])
def test_a_fragment_that_would_be_lost_stops_the_run(make_project: Callable[..., Project], more: str) -> None:
    """Beside another type's fields the class of a fragment is left out, and needed all the same."""
    query = "query Get { item(id: 1) { ...Named ... on Thing { name } } }\nfragment Named on Item { id }"
    made = make_project(SHOP_SCHEMA, f"{query}\n{more}")
    with pytest.raises(CodegenError, match=r"^fragment Named: spread beside `\.\.\. on` of another type"):
        made.generate()
    made.write("queries/queries.graphql", f"query Get {{ item(id: 1) {{ id ... on Thing {{ name }} }} }}\n{more}")
    made.generate().module("get")


def test_a_misspelt_import_fails_at_run_time_too(shop: Project) -> None:
    """7: importing on first use does not swallow names that do not exist."""
    with pytest.raises(AttributeError, match="no attribute 'Typo'"):
        _ = shop.module().Typo


def test_modules_of_deleted_operations_go(make_project: Callable[..., Project]) -> None:
    """8: what an operation left behind is gone with it."""
    project = make_project("type Query { a: Int }", "query First { a } query Second { a }").generate()
    project.write("queries/queries.graphql", "query First { a }")
    project.generate()
    assert (project.target / "first.py").exists()
    assert not (project.target / "second.py").exists()
    assert project.check() == []
