"""The files that are copied into every generated package, as they are."""

from __future__ import annotations

import copy
import pickle
import sys
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tensorone_codegen.runtime.base_client import BaseClient
from tensorone_codegen.runtime.base_model import (
    UNSET,
    BaseModel,
    InputModel,
    build_inputs,
    newer_than,
    of_any_class,
    validated_alone,
)
from tensorone_codegen.runtime.lazy_imports import importer
from tensorone_codegen.runtime.open_enum import OpenEnum
from tensorone_codegen.runtime.secret_values import secret, secret_sent


class Color(OpenEnum):
    """An enum as it is generated."""

    RED = "RED"
    GREEN = "GREEN"


class Picture(BaseModel):
    """A result as it is generated."""

    main_color: Color


class Order(InputModel):
    """An input as it is generated."""

    main_color: Color | None = None


class Job(BaseModel):
    """A result with a secret."""

    id: str
    env: Annotated[list[str] | None, secret]


class Start(InputModel):
    """An input with a secret, inside itself."""

    key: Annotated[str | None, secret_sent] = None
    after: Annotated[Start, validated_alone] | None = None


@pytest.mark.parametrize("text", ["RED", "BLUE", "of no schema", ""])
def test_a_value_is_its_string(text: str) -> None:
    """Known or not: equal, hashed, printed and formatted as it, and one object wherever it comes from."""
    value = Color(text)
    assert value == text
    assert hash(value) == hash(text)
    assert (str(value), f"{value}", f"{value:>9}") == (text, text, f"{text:>9}")
    assert TypeAdapter(Color).validate_json(TypeAdapter(Color).dump_json(value)) is value
    for same in (Color(text), copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert same is value


def test_an_unknown_value_says_so_and_stays_out_of_the_list() -> None:
    """Iteration, length and names are those of the schema."""
    assert (Color("BLUE").is_known, Color.RED.is_known) == (False, True)
    assert list(Color) == ["RED", "GREEN"]
    assert "BLUE" not in Color.__members__
    assert Color("BLUE") != Color("BLACK")


def test_an_unknown_value_falls_through_a_match() -> None:
    """`case _` matches it."""

    def word(color: Color) -> str:
        match color:
            case Color.RED:
                return "red"
            case _:
                return "other"

    assert [word(Color(text)) for text in ("RED", "GREEN", "BLUE")] == ["red", "other", "other"]


@pytest.mark.parametrize("value", [None, 1, b"RED"])
def test_only_strings_are_values(value: object) -> None:
    """An open enum is open to names alone."""
    with pytest.raises(ValueError, match="is not a valid Color"):
        Color(value)


def test_results_ignore_and_inputs_refuse_what_they_do_not_know() -> None:
    """A server may grow; a misspelt argument may not get lost."""
    picture = Picture.model_validate({"mainColor": "RED", "size": 1})
    assert picture == Picture(main_color=Color.RED)
    with pytest.raises(ValidationError, match="frozen"):
        picture.main_color = Color.GREEN
    with pytest.raises(ValidationError, match="extra"):
        Order.model_validate({"mainColour": "RED"})


def test_a_newer_type_is_any_but_those_that_are_known() -> None:
    """What has a class of its own is never regarded as unknown."""
    newer = TypeAdapter(Annotated[str, newer_than("Thing", "Part")])
    assert newer.validate_python("Other") == "Other"
    with pytest.raises(ValidationError, match="Part is known, and has a class of its own"):
        newer.validate_python("Part")


async def test_what_is_not_given_is_dropped() -> None:
    """UNSET is false, prints as itself, and does not reach the executor."""

    class Executor:
        async def execute(self, operation: object, variables: object) -> object:
            return operation, variables

    assert (bool(UNSET), repr(UNSET)) == (False, "UNSET")
    client = BaseClient(Executor())
    assert await client._execute("operation", {"a": 1, "b": UNSET, "c": None}) == ("operation", {"a": 1, "c": None})


def test_a_scalars_function_gets_values_alone() -> None:
    """Not null, not UNSET, and each of a list by itself."""
    client: Any = BaseClient(None)  # type: ignore[arg-type]  # nothing is executed
    assert client._serialized(str, [1, None, [2]]) == ["1", None, ["2"]]
    assert client._serialized(str, UNSET) is UNSET


def test_a_secret_leaves_a_result_only_on_request() -> None:
    """Dumps, mappings and pickles have masks; copies have the values."""
    job = Job(id="1", env=["KEY=value"])
    assert job.model_dump()["env"] == dict(job)["env"] == pickle.loads(pickle.dumps(job)).env == ["KEY=***"]
    assert job.model_dump(context={"secrets": True}) == {"id": "1", "env": ["KEY=value"]}
    assert copy.deepcopy(job) == job


def test_a_mask_is_not_put_into_an_input() -> None:
    """A masked input is refused, and a pickle of a secret too."""
    start = Start(key="value", after=Start(key=None))
    assert start.model_dump(context={"secrets": True}, exclude_unset=True) == {"key": "value", "after": {"key": None}}
    with pytest.raises(ValidationError, match="was masked"):
        Start.model_validate(start.model_dump())
    with pytest.raises(TypeError, match=r"Start\.key is secret"):
        pickle.dumps(start)
    assert pickle.loads(pickle.dumps(start.after)) == start.after


def test_an_input_inside_another_one_is_validated_by_its_own_class() -> None:
    """Mappings become models, and the JSON schema has an object there."""
    build_inputs()
    assert Start.model_validate({"after": {"after": {"key": "k"}}}).after.after.key == "k"  # type: ignore[union-attr]  # given
    assert Start(after=Start()).after == Start()
    assert {"type": "object"} in Start.model_json_schema()["properties"]["after"]["anyOf"]


def test_names_are_imported_on_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """And are attributes from then on; others are no attributes."""
    imported, names = importer("tensorone_codegen.runtime", {"OpenEnum": "open_enum"})
    package = sys.modules["tensorone_codegen.runtime"]
    monkeypatch.setattr(package, "OpenEnum", None, raising=False)
    assert imported("OpenEnum") is OpenEnum is vars(package)["OpenEnum"]
    assert names() == ["OpenEnum"]
    with pytest.raises(AttributeError, match="has no attribute 'Nope'"):
        imported("Nope")


def test_a_result_is_one_line_for_people() -> None:
    """Values without noise, nothing that is None or empty, and what is nested by its class alone."""

    class Outer(BaseModel):
        job: Job
        color: Color
        none: str | None
        listed: list[str]

    outer = Outer(job=Job(id="a", env=["KEY=hunter2"]), color=Color("RED"), none=None, listed=[])
    assert str(outer) == "Outer(job=…, color=RED)"
    assert str(outer.job) == "Job(id='a', env=['KEY=***'])"
    assert repr(outer.color) == "'RED'"


def test_a_class_that_pydantic_does_not_know_is_one_by_isinstance():
    """Its own functions read and write it; one that pydantic knows stays what it is. A JSON Schema shows anything."""

    class Tag:
        pass

    tag = Tag()
    adapter = TypeAdapter(Annotated[Tag, of_any_class])
    assert adapter.validate_python(tag) is tag
    with pytest.raises(ValidationError, match="should be an instance of"):
        adapter.validate_python("tag")
    assert adapter.json_schema() == {}
    known = TypeAdapter(Annotated[int, of_any_class])
    assert known.validate_python("3") == 3
    assert known.json_schema() == {"type": "integer"}
