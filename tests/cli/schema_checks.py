"""What the program prints, compared with its schemas; and secrets that it must not print."""

from __future__ import annotations

import json
from typing import Any

import cli_schemas
import jsonschema

KEY = "tpo_test_cli_0123456789abcdef0123456789abcdef"
VALUE = "env-value-5up3r"
SHAPES = {
    "gpus": "gpus",
    "account": "account",
    "doctor": "doctor",
    "watch": "watch",
    "keep": "keep",
    "template": "template",
    "endpoint": "endpoint",
    "profile": "profile",
    "login": "profile",
    **dict.fromkeys(("ssh", "emulator", "demo", "lss", ""), "plain"),
}


def strict(schema: Any) -> Any:
    """The same schema, in which nothing may be added."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    same = {name: strict(each) for name, each in schema.items()}
    return same | {"additionalProperties": False} if schema.get("type") == "object" else same


def validate(command: str, document: dict[str, Any]) -> None:
    """Compares an object with its schema in docs/schemas."""
    text = (cli_schemas.FOLDER / f"{SHAPES.get(command, 'clusters')}.json").read_text()
    jsonschema.validate(document, strict(json.loads(text)))
