"""Schema and operations as files: read, parsed and validated, with the place of every mistake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    Source,
    build_ast_schema,
    concat_ast,
    parse,
    validate,
    validate_schema,
)

from ._errors import CodegenError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from graphql import Node


@dataclass(frozen=True, slots=True)
class Project:
    """A valid schema, and operations that are valid against it."""

    schema: GraphQLSchema
    operations: tuple[OperationDefinitionNode, ...]
    fragments: dict[str, FragmentDefinitionNode]


def load(schema_path: Path, queries_path: Path, root: Path) -> Project:
    """Reads a project.

    Raises:
        CodegenError: A file is missing or wrong; says which one, and where in it.
    """
    schema = load_schema(schema_path, root)
    queries = _document(queries_path, root)
    problems = validate(schema, queries)
    if problems:
        raise CodegenError("\n".join(map(told, problems)))
    return Project(
        schema,
        tuple(node for node in queries.definitions if isinstance(node, OperationDefinitionNode)),
        {node.name.value: node for node in queries.definitions if isinstance(node, FragmentDefinitionNode)},
    )


def load_schema(path: Path, root: Path) -> GraphQLSchema:
    """Reads a schema from a file or from all files of a directory."""
    try:
        schema = build_ast_schema(_document(path, root))
    except (GraphQLError, TypeError) as error:
        raise CodegenError(f"{path.name}: {error}") from None
    if problems := validate_schema(schema):
        raise CodegenError("\n".join(map(told, problems)))
    return schema


def _document(path: Path, root: Path) -> DocumentNode:
    return concat_ast([_parsed(file, root) for file in files(path)])


def files(path: Path) -> list[Path]:
    """The GraphQL files at a path, in a fixed order."""
    found = sorted(path.rglob("*.graphql")) if path.is_dir() else [path] if path.is_file() else []
    if not found:
        raise CodegenError(f"{path}: there is no GraphQL file")
    return found


def _parsed(file: Path, root: Path) -> DocumentNode:
    name = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
    try:
        return parse(Source(file.read_text(encoding="utf-8"), name))
    except GraphQLError as error:
        raise CodegenError(told(error)) from None


def told(error: GraphQLError) -> str:
    """`file:line: message` of an error of graphql-core."""
    if error.nodes:
        return f"{place(error.nodes[0])}: {error.message}"
    if error.source and error.locations:
        return f"{error.source.name}:{error.locations[0].line}: {error.message}"
    return error.message


def place(node: Node) -> str:
    """`file:line` of a node."""
    return f"{node.loc.source.name}:{node.loc.start_token.line}" if node.loc else "?"


def comment_above(node: Node) -> list[str]:
    """The comment that stands directly above a node, line by line."""
    lines: list[str] = []
    token = node.loc.start_token if node.loc else None
    while token and token.prev and token.prev.value is not None and token.prev.kind.value == "Comment":
        if token.prev.line != token.line - 1:
            break
        token = token.prev
        lines.insert(0, (token.value or "").removeprefix(" ").rstrip())
    return lines


def names(nodes: Iterable[OperationDefinitionNode]) -> list[str]:
    """The names of operations."""
    return [node.name.value for node in nodes if node.name]
