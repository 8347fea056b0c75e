"""What generated models have in common: results are lenient and frozen, inputs are strict."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from pydantic import AfterValidator, ConfigDict, PydanticSchemaGenerationError
from pydantic.alias_generators import to_camel
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic_core import CoreSchema, core_schema

from .secret_values import SecretsKept, SecretsMasked

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler


class UnsetType(Enum):
    """Type of the one value that stands for an argument that was not given."""

    UNSET = "UNSET"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET = UnsetType.UNSET


def _short(value: object) -> str:
    if isinstance(value, SecretsMasked):
        return "…"
    return str(value) if isinstance(value, Enum) else repr(value)


def newer_than(*known: str) -> AfterValidator:
    """Takes the name of any type but some, which have classes of their own."""

    def check(name: str) -> str:
        if name in known:
            raise ValueError(f"{name} is known, and has a class of its own")
        return name

    return AfterValidator(check)


class _OfAnyClass:
    """Lets a type be a class that pydantic knows nothing of, where other functions read or write it."""

    def __get_pydantic_core_schema__(self, source: type[object], handler: GetCoreSchemaHandler) -> CoreSchema:
        try:
            return handler(source)
        except PydanticSchemaGenerationError:
            return core_schema.is_instance_schema(source)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        try:
            return handler(schema)
        except PydanticInvalidForJsonSchema:
            return {}


of_any_class = _OfAnyClass()


class BaseModel(SecretsMasked):
    """A result: fields that it does not know are ignored, so that a server may grow."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        protected_namespaces=(),
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # which may hold a secret
    )

    def __str__(self) -> str:
        """One line for people: what it is, and its fields that have a value; a nested object by its class alone."""
        shown = (f"{name}={_short(value)}" for name, value in self if value is not None and value != [])
        return f"{type(self).__name__}({', '.join(shown)})"


class InputModel(SecretsKept):
    """An input: a field that it does not know is refused, so that a misspelt one is not lost.

    A package with more than thirty inputs builds each when it is first used, which takes a millisecond or two;
    `build_inputs` builds all of them beforehand.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        protected_namespaces=(),
        extra="forbid",
        frozen=True,
        defer_build=True,
        hide_input_in_errors=True,
    )


def build_inputs() -> None:
    """Builds all inputs that are imported, so that none is built in the middle of something else."""
    for each in InputModel.__subclasses__():
        each.model_rebuild()


class _ValidatedAlone:
    """Lets an input inside another one be validated by its own class.

    Otherwise pydantic would write everything that an input can hold into what it builds for it.
    """

    def __get_pydantic_core_schema__(self, source: type[InputModel], _: object) -> CoreSchema:
        def validate(value: object, info: core_schema.ValidationInfo) -> InputModel:
            return value if isinstance(value, source) else source.model_validate(value, context=info.context)

        return core_schema.with_info_plain_validator_function(validate)

    def __get_pydantic_json_schema__(self, *_: object) -> dict[str, str]:
        return {"type": "object"}


validated_alone = _ValidatedAlone()
