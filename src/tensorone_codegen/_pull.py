"""The schema of a server, by introspection, or of a file; as the text that `schema/` holds. Writes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLError,
    GraphQLSchema,
    Source,
    build_ast_schema,
    lexicographic_sort_schema,
    parse,
    print_schema,
    validate_schema,
)
from graphql.validation.validate import validate_sdl

from ._errors import CodegenError
from ._merge import merged
from ._places import told
from ._remote import from_introspection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._remote import Server
    from ._settings import Settings


def schema_file(settings: Settings) -> Path:
    """Where a project keeps the server's schema."""
    path = settings.schema
    return path if path.suffix == ".graphql" else path / "schema.graphql"


def pull(source: Server | Path, old: str = "") -> str:
    """A schema as text.

    Args:
        source: A server that answers introspection, or a file: SDL, or the JSON of an introspection.
        old: The text that it will replace, if any; what both have keeps its place and its description.

    Raises:
        CodegenError: There is no schema to be had there; says why.
    """
    schema, name = (_from_file(source), str(source)) if isinstance(source, Path) else (source.introspect(), source.url)
    _refuse(validate_schema(schema), name)
    new = print_schema(lexicographic_sort_schema(schema))
    return merged(old or new, new)


def _from_file(path: Path) -> GraphQLSchema:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CodegenError(f"{path}: {error}") from None
    if text.lstrip().startswith("{"):
        return _from_json(text, str(path))
    return _from_sdl(text, str(path))


def _from_json(text: str, name: str) -> GraphQLSchema:
    try:
        content: Any = json.loads(text)
    except ValueError as error:
        raise CodegenError(f"{name}: {error}") from None
    return from_introspection(content.get("data", content), name)


def _from_sdl(text: str, name: str) -> GraphQLSchema:
    try:
        document = parse(Source(text, name))
    except GraphQLError as error:
        raise CodegenError(told(error)) from None
    _refuse(validate_sdl(document), name)
    return build_ast_schema(document, assume_valid_sdl=True)


def _refuse(problems: Sequence[GraphQLError], name: str) -> None:
    if problems:
        lines = "\n".join(f"  {told(problem)}" for problem in problems)
        raise CodegenError(f"{name}: the schema is not valid:\n{lines}")
