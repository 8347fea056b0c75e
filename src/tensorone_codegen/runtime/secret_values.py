"""Values that nothing may write down by accident: `env`, passwords, tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import (
    BaseModel,
    GetCoreSchemaHandler,
    ModelWrapValidatorHandler,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, ValidationError, core_schema

if TYPE_CHECKING:
    from collections.abc import Generator

    from pydantic.fields import FieldInfo

MASK = "***"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=(?!=)")


def masked(value: object) -> object:
    """A value with nothing in it that is secret: in lists of `KEY=value` and in mappings the keys stay."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return dict.fromkeys(cast("Mapping[object, object]", value), MASK)
    if isinstance(value, list | tuple):
        items = cast("list[object]", value)
        named = [item for item in items if isinstance(item, str) and _NAME.match(item)]
        environment = len(named) == len(items) and any(map(_has_value, items))
        return [_masked_item(item, named=environment or _has_value(item)) for item in items]
    return MASK


def _has_value(item: object) -> bool:
    """Whether there is anything behind `KEY=`; a token in base64 ends with its `=`, and is not an assignment."""
    return isinstance(item, str) and bool(item.partition("=")[2].strip("="))


def _masked_item(item: object, *, named: bool) -> object:
    name = _NAME.match(item) if named and isinstance(item, str) else None
    return f"{name[0]}{MASK}" if name else masked(item)


class _Secret:
    """Marks a field whose values are written only for `model_dump(context={"secrets": True})`."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = self._validated(handler(source))
        cast("dict[str, Any]", schema)["serialization"] = core_schema.wrap_serializer_function_ser_schema(
            _serialize, info_arg=True
        )
        return schema

    def _validated(self, schema: CoreSchema) -> CoreSchema:
        return schema


class _SentSecret(_Secret):
    """Marks one that is sent: what was masked is refused, since the mask would be sent in its place."""

    def _validated(self, schema: CoreSchema) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_not_masked, schema)


def _serialize(value: object, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> object:
    shown = masked(value)
    # What was masked in a pickle need not be of the field's type.
    return handler(value) if _asked(info) and value != shown else shown


def _serialize_whole(
    secrets: frozenset[str],
    model: BaseModel,
    handler: SerializerFunctionWrapHandler,
    info: SerializationInfo,
) -> object:
    written: object = handler(model)
    if not _asked(info):
        fields = cast("dict[str, object]", written)
        for name in secrets & fields.keys():
            fields[name] = masked(fields[name])
    return written


def _asked(info: SerializationInfo) -> bool:
    context: object = info.context
    return isinstance(context, Mapping) and cast("Mapping[object, object]", context).get("secrets") is True


def _not_masked(value: object) -> object:
    if value and value == masked(value):
        raise ValueError('was masked when it was written: write it with model_dump(context={"secrets": True})')
    return value


secret = _Secret()
secret_sent = _SentSecret()


class SecretsMasked(BaseModel):
    """A model whose secret values leave it only on request: also `dict(model)` and pickles have masks.

    A copy, shallow or deep, keeps them.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Masks the whole as well as each field: with `serialize_as_any=True` pydantic does not ask fields."""
        schema = handler(source)
        fields = {name: field for name, field in cls.model_fields.items() if _is_secret(field)}
        secrets = frozenset({*fields, *(field.serialization_alias or name for name, field in fields.items())})
        whole = cast("dict[str, Any]", handler.resolve_ref_schema(schema))
        if secrets and "serialization" not in whole:
            whole["serialization"] = core_schema.wrap_serializer_function_ser_schema(
                partial(_serialize_whole, secrets), info_arg=True
            )
        return schema

    def __iter__(self) -> Generator[tuple[str, Any]]:
        return ((name, self._shown(name, value)) for name, value in super().__iter__())

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        fields = {name: self._shown(name, value) for name, value in state["__dict__"].items()}
        return state | {"__dict__": fields}

    def _shown(self, name: str, value: object) -> object:
        field = type(self).model_fields.get(name)
        return masked(value) if field and _is_secret(field) else value


def _is_secret(field: FieldInfo) -> bool:
    return any(isinstance(each, _Secret) for each in field.metadata)


def without_input(error: ValidationError) -> ValidationError:
    """The error without what was given, which a report of errors would send along."""
    lines: list[InitErrorDetails] = []
    for each in error.errors(include_url=False, include_input=False):
        name: Any = each["type"]  # no literal, as type checkers want it
        kind = PydanticCustomError(name, "{words}", {"words": each["msg"]})
        lines.append({"type": kind, "loc": each["loc"], "input": MASK})
    return ValidationError.from_exception_data(error.title, lines, hide_input=True)


class SecretsKept(SecretsMasked):
    """A model that is sent, whose secret values are not pickled: a mask would be sent in their place."""

    @model_validator(mode="wrap")
    @classmethod
    def _hide_input(cls, given: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(given)
        except ValidationError as error:
            raise without_input(error) from None

    def __getstate__(self) -> dict[Any, Any]:
        for name, field in type(self).model_fields.items():
            if _is_secret(field) and getattr(self, name) is not None:
                raise TypeError(
                    f"{type(self).__name__}.{name} is secret and cannot be pickled:"
                    ' pickle model_dump(context={"secrets": True}) if that is what you want'
                )
        return super().__getstate__()
