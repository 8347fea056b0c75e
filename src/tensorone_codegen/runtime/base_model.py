"""What generated models have in common: results are lenient and frozen, inputs are strict."""

from __future__ import annotations

from enum import Enum

from pydantic import AfterValidator, ConfigDict
from pydantic import BaseModel as PydanticBaseModel
from pydantic.alias_generators import to_camel


class UnsetType(Enum):
    """Type of the one value that stands for an argument that was not given."""

    UNSET = "UNSET"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET = UnsetType.UNSET


def newer_than(*known: str) -> AfterValidator:
    """Takes the name of any type but some, which have classes of their own."""

    def check(name: str) -> str:
        if name in known:
            raise ValueError(f"{name} is known, and has a class of its own")
        return name

    return AfterValidator(check)


class BaseModel(PydanticBaseModel):
    """A result: fields that it does not know are ignored, so that a server may grow."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        protected_namespaces=(),
        extra="ignore",
        frozen=True,
    )


class InputModel(PydanticBaseModel):
    """An input: a field that it does not know is refused, so that a misspelt one is not lost."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        protected_namespaces=(),
        extra="forbid",
        frozen=True,
    )
