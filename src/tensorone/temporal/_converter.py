"""The kit's values as payloads: JSON by pydantic, each by its own type's schema, packed where it is long. Pure."""

from __future__ import annotations

import zlib
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
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
)

from ._failures import KitFailureConverter

PACKED = "json/zlib"

LONG = 8192  # bytes of JSON from which it is packed; below, it stays readable in Temporal's web page


class ValueConverter(PydanticJSONPlainPayloadConverter):
    """As Temporal's pydantic converter, but a dataclass is written by its annotations, as it is read."""

    def to_payload(self, value: Any) -> Payload | None:
        """The value as JSON, packed where that is long."""
        if not is_dataclass(value) or isinstance(value, type):
            return super().to_payload(value)
        data = _form(type(value)).dump_json(value)
        if len(data) < LONG:
            return Payload(metadata={"encoding": self.encoding.encode()}, data=data)
        return Payload(metadata={"encoding": PACKED.encode()}, data=zlib.compress(data))


class PackedConverter(EncodingPayloadConverter):
    """Reads what `ValueConverter` packed."""

    @property
    def encoding(self) -> str:
        """Its name in Temporal."""
        return PACKED

    def to_payload(self, value: Any) -> Payload | None:  # noqa: ARG002 - the other one writes
        """Nothing."""
        return None

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """The value."""
        plain = Payload(metadata={"encoding": b"json/plain"}, data=unpacked(payload))
        return ValueConverter().from_payload(plain, type_hint)


def unpacked(payload: Payload) -> bytes:
    """The JSON of a payload, packed or not."""
    packed = payload.metadata.get("encoding") == PACKED.encode()
    return zlib.decompress(payload.data) if packed else payload.data


class KitPayloadConverter(CompositePayloadConverter):
    """Temporal's default converters, with pydantic's JSON in the place of plain JSON."""

    def __init__(self) -> None:
        given = DefaultPayloadConverter.default_encoding_payload_converters
        read = (ValueConverter() if isinstance(one, JSONPlainPayloadConverter) else one for one in given)
        super().__init__(*read, PackedConverter())


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
