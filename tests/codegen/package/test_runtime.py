"""The files that are copied into every generated package, as they are."""

from __future__ import annotations

import copy
import pickle
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from tensorone_codegen.runtime.base_client import BaseClient
from tensorone_codegen.runtime.base_model import UNSET, BaseModel, InputModel, newer_than
from tensorone_codegen.runtime.open_enum import OpenEnum


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
