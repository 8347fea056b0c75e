"""The kit's values as payloads: JSON by pydantic, each by the schema of its own type. Pure."""

from __future__ import annotations

from dataclasses import is_dataclass, replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)

from ._failures import KitFailureConverter


class ValueConverter(PydanticJSONPlainPayloadConverter):
    """As Temporal's pydantic converter, but a dataclass is written by its annotations, as it is read."""

    def to_payload(self, value: Any) -> Payload | None:
        """The value as JSON."""
        if not is_dataclass(value) or isinstance(value, type):
            return super().to_payload(value)
        data = _form(type(value)).dump_json(value)
        return Payload(metadata={"encoding": self.encoding.encode()}, data=data)


class KitPayloadConverter(CompositePayloadConverter):
    """Temporal's default converters, with pydantic's JSON in the place of plain JSON."""

    def __init__(self) -> None:
        given = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(ValueConverter() if isinstance(one, JSONPlainPayloadConverter) else one for one in given))


def converting(before: DataConverter | None) -> DataConverter:
    """The converter of a client, which keeps its codec and its own failure converter."""
    before = before or DataConverter.default
    failures: type[Any] = before.failure_converter_class
    if failures is DefaultFailureConverter:
        failures = KitFailureConverter
    return replace(before, payload_converter_class=KitPayloadConverter, failure_converter_class=failures)


@cache
def _form(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
