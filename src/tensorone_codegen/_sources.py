"""Schema and operations as files: read, parsed and validated, with the place of every mistake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    NoDeprecatedCustomRule,
    OperationDefinitionNode,
    Source,
    build_ast_schema,
    concat_ast,
    parse,
    print_ast,
    validate,
    validate_schema,
)
from graphql.validation.validate import validate_sdl

from ._errors import CodegenError
from ._extended import Extended
from ._places import told
from ._schema import input_fields, output_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ._settings import Settings

# Known without being declared; a project that declares it has it only once.
IDEMPOTENT = "directive @idempotent on MUTATION"


@dataclass(frozen=True, slots=True)
class Project:
    """A valid schema, and operations that are valid against it.

    Attributes:
        schema: The server's schema with the client's directives.
        operations: In the order of the files.
        fragments: Those of the project, and what it uses of the package that it extends.
        inherited: Names of the latter.
        elsewhere: Classes that it has, with their modules.
        secret: `Type.field` of what no repr may show, of the package that it extends too.
        schema_text: The server's schema as it is written.
        texts: What ariadne-codegen is to read, as schema and as operations.
    """

    schema: GraphQLSchema
    operations: tuple[OperationDefinitionNode, ...]
    fragments: dict[str, FragmentDefinitionNode]
    inherited: frozenset[str]
    elsewhere: dict[str, str]
    secret: tuple[str, ...]
    schema_text: str
    texts: tuple[str, str]


def load(settings: Settings) -> Project:
    """Reads a project.

    Raises:
        CodegenError: A file is missing or wrong; says which one, and where in it.
    """
    base = Extended(settings.extends) if settings.extends else None
    sources = [Source(base.schema, f"{settings.extends}/schema.graphql")] if base else []
    if base is None or settings.schema.exists():
        sources = read(settings.schema, settings.root)
    schema, schema_text = _schema(sources)
    queries = read(settings.queries, settings.root)
    document = concat_ast(list(map(_parsed, queries)))
    inherited = base.fragments_for(document) if base else []
    document = DocumentNode(definitions=(*document.definitions, *inherited))
    _refuse(validate(schema, document))
    return Project(
        schema,
        tuple(node for node in document.definitions if isinstance(node, OperationDefinitionNode)),
        {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)},
        frozenset(node.name.value for node in inherited),
        base.shared(schema, inherited) if base else {},
        tuple(
            sorted(
                {*settings.secret, *(each for each in base.secret if _has(schema, each))} if base else settings.secret
            )
        ),
        next((source.body for source in sources if source.name.endswith("/schema.graphql")), _joined(sources)),
        (schema_text, "\n".join([_joined(queries), *map(print_ast, inherited)])),
    )


def _has(schema: GraphQLSchema, coordinate: str) -> bool:
    """Whether a secret of the extended package is still there, in a schema that may have moved."""
    name, _, field = coordinate.partition(".")
    kind = schema.type_map.get(name)
    return kind is not None and (field in output_fields(kind) or field in input_fields(kind))


def deprecated(project: Project) -> list[str]:
    """What the operations use although it is deprecated, each with its place and the schema's advice."""
    document = DocumentNode(definitions=(*project.operations, *project.fragments.values()))
    return list(map(told, validate(project.schema, document, [NoDeprecatedCustomRule])))


def read(path: Path, root: Path) -> list[Source]:
    """The GraphQL files at a path, in a fixed order."""
    files = sorted(path.rglob("*.graphql")) if path.is_dir() else [path] if path.is_file() else []
    if not files:
        raise CodegenError(f"{_shown(path, root)}: there is no GraphQL file")
    try:
        return [Source(file.read_text(encoding="utf-8"), _shown(file, root)) for file in files]
    except (OSError, UnicodeDecodeError) as error:
        raise CodegenError(f"{_shown(path, root)}: {error}") from None


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _schema(sources: list[Source]) -> tuple[GraphQLSchema, str]:
    document, text = concat_ast(list(map(_parsed, sources))), _joined(sources)
    declared = {node.name.value for node in document.definitions if isinstance(node, DirectiveDefinitionNode)}
    if "idempotent" not in declared:
        document, text = concat_ast([document, parse(IDEMPOTENT)]), f"{text}\n{IDEMPOTENT}\n"
    _refuse(validate_sdl(document))
    schema = build_ast_schema(document, assume_valid_sdl=True)
    _refuse(validate_schema(schema))
    return schema, text


def _refuse(problems: Sequence[GraphQLError]) -> None:
    if problems:
        raise CodegenError("\n".join(map(told, problems)))


def _parsed(source: Source) -> DocumentNode:
    try:
        return parse(source)
    except GraphQLError as error:
        raise CodegenError(told(error)) from None


def _joined(sources: Iterable[Source]) -> str:
    return "\n".join(source.body for source in sources)
