"""The schema of a server, by introspection, or of a file; as the text that `schema/` holds. Writes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import Source, build_ast_schema, lexicographic_sort_schema, print_schema, validate_schema
from graphql.validation.validate import validate_sdl

from tensorone_codegen._errors import CodegenError
from tensorone_codegen._project.extended import Extended
from tensorone_codegen._project.files import server_file, text_of
from tensorone_codegen._project.locations import located, parsed
from tensorone_codegen._schema import wrong_defaults

from .merge import merged
from .remote import from_introspection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLError, GraphQLSchema

    from tensorone_codegen._project.settings import Settings

    from .remote import Server


def replaced(settings: Settings) -> tuple[Path, str]:
    """The file of the server's schema, and what a new one is arranged after: the text of it, or the extended one."""
    file = server_file(settings)
    old = text_of(file, settings.root)
    return file, Extended(settings.extends).schema if settings.extends and not old else old


def pull(source: Server | Path, old: str = "", name: str = "the old schema") -> str:
    """A schema as text.

    Args:
        source: A server that answers introspection, or a file: SDL, or the JSON of an introspection.
        old: The text that it will replace, if any; what both have keeps its place and its description.
        name: The file of that text.

    Raises:
        CodegenError: No schema can be read from there; says why.
    """
    schema, where = (_from_file(source), str(source)) if isinstance(source, Path) else (source.introspect(), source.url)
    _refuse(validate_schema(schema), where)
    return merged(old, print_schema(lexicographic_sort_schema(schema)), name)


def _from_file(path: Path) -> GraphQLSchema:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CodegenError(f"{path}: {error}") from None
    if text.lstrip().startswith(("{", "[")):
        return _from_json(text, str(path))
    return _from_sdl(text, str(path))


def _from_json(text: str, name: str) -> GraphQLSchema:
    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CodegenError(f"{name}: {error}") from None
    return from_introspection(content, name)


def _from_sdl(text: str, name: str) -> GraphQLSchema:
    document = parsed(Source(text, name))
    _refuse(validate_sdl(document), name)
    schema = build_ast_schema(document, assume_valid_sdl=True)
    _refuse(wrong_defaults(schema), name)
    return schema


def _refuse(problems: Sequence[GraphQLError], name: str) -> None:
    if problems:
        lines = "\n".join(f"  {located(problem)}" for problem in problems)
        raise CodegenError(f"{name}: the schema is not valid:\n{lines}")
