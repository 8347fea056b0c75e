"""Writes docs/schemas: a JSON Schema for each shape that the command line answers with.

To change one on purpose: python tests/cli_schemas.py, and read the diff. Members are added, never taken away.
"""

from __future__ import annotations

import json
import types
import typing
from pathlib import Path
from typing import Any

from tensorone._cli._output.shapes import SHAPES

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"
NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def schema(kind: Any) -> dict[str, Any]:
    """The JSON Schema of a type."""
    if kind in NAMES:
        return {"type": NAMES[kind]}
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return {"enum": list(inner)}
    if origin in {typing.Union, types.UnionType}:
        return {"anyOf": [schema(each) for each in inner]}
    if origin is list:
        return {"type": "array", "items": schema(inner[0])}
    hints = typing.get_type_hints(kind)
    return {
        "type": "object",
        "description": kind.__doc__,
        "properties": {name: schema(each) for name, each in hints.items()},
        "required": sorted(hints),
    }


def texts() -> dict[str, str]:
    """The text of each file, by its name."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {f"{name}.json": json.dumps(dialect | schema(kind), indent=2) + "\n" for name, kind in SHAPES.items()}


if __name__ == "__main__":
    for name, text in texts().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
