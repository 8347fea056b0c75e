"""Schema and operations of a project: read and validated, with the place of every mistake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import (
    DirectiveDefinitionNode,
    DocumentNode,
    FragmentDefinitionNode,
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

from tensorone_codegen._errors import CodegenError
from tensorone_codegen._schema import input_fields, output_fields, wrong_defaults

from .extended import Extended
from .files import NOTHING, display_name, of_server, read
from .locations import located, parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from graphql import GraphQLError

    from .settings import Settings


# Known without being declared; a project that declares it has it only once.
IDEMPOTENT = "directive @idempotent on MUTATION"


@dataclass(frozen=True, slots=True)
class Project:
    """A valid schema, and operations.

    Attributes:
        schema: The server's schema with the client's directives.
        operations: In the order of the files.
        fragments: Those of the project, and what it uses of the package that it extends.
        inherited: Names of the latter.
        elsewhere: Classes that it has, with their modules.
        secret: `Type.field` of what is masked, of the package that it extends too.
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

    @property
    def document(self) -> DocumentNode:
        """Operations and fragments in one."""
        return DocumentNode(definitions=(*self.operations, *self.fragments.values()))


def load(settings: Settings, instead: Mapping[Path, str] = NOTHING) -> Project:
    """Reads a project whose operations are valid.

    Args:
        settings: Where it is.
        instead: Texts to read in place of these files of the schema.

    Raises:
        CodegenError: A file is missing or wrong; says which one, and where in it.
    """
    project = draft(settings, instead)
    _refuse(validate(project.schema, project.document))
    return project


def draft(settings: Settings, instead: Mapping[Path, str] = NOTHING) -> Project:
    """Reads a project whose operations may not fit its schema: they may have been written for another one.

    Raises:
        CodegenError: As `load`, but for that.
    """
    base = Extended(settings.extends) if settings.extends else None
    sources = _schema_sources(settings, base, instead)
    schema, schema_text = _schema(sources)
    queries = read(settings.queries, settings.root)
    document = concat_ast(list(map(parsed, queries)))
    operations = tuple(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    if not operations:
        raise CodegenError(f"{display_name(settings.queries, settings.root)}: there is no operation")
    inherited = base.fragments_for(document) if base else []
    fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    return Project(
        schema,
        operations,
        {node.name.value: node for node in (*fragments, *inherited)},
        frozenset(node.name.value for node in inherited),
        base.shared(schema, inherited) if base else {},
        _secrets(settings, base, schema),
        _joined(of_server(sources)),
        (schema_text, "\n".join([_joined(queries), *map(print_ast, inherited)])),
    )


def _schema_sources(settings: Settings, base: Extended | None, instead: Mapping[Path, str]) -> list[Source]:
    if base and not (instead or settings.schema.exists()):
        return [Source(base.schema, f"{settings.extends}/schema.graphql")]
    return read(settings.schema, settings.root, instead)


def _secrets(settings: Settings, base: Extended | None, schema: GraphQLSchema) -> tuple[str, ...]:
    inherited = [each for each in base.secret if _has(schema, each)] if base else []
    return tuple(sorted({*settings.secret, *inherited})) if base else settings.secret


def _has(schema: GraphQLSchema, coordinate: str) -> bool:
    """Whether a secret of the extended package is still there, in a schema that may have moved."""
    name, _, field = coordinate.partition(".")
    kind = schema.type_map.get(name)
    return kind is not None and (field in output_fields(kind) or field in input_fields(kind))


def deprecated(project: Project) -> list[str]:
    """What the operations use although it is deprecated, each with its place and the schema's advice."""
    return list(map(located, validate(project.schema, project.document, [NoDeprecatedCustomRule])))


def _schema(sources: list[Source]) -> tuple[GraphQLSchema, str]:
    document, text = concat_ast(list(map(parsed, sources))), _joined(sources)
    declared = {node.name.value for node in document.definitions if isinstance(node, DirectiveDefinitionNode)}
    if "idempotent" not in declared:
        document, text = concat_ast([document, parse(IDEMPOTENT)]), f"{text}\n{IDEMPOTENT}\n"
    _refuse(validate_sdl(document))
    schema = build_ast_schema(document, assume_valid_sdl=True)
    _refuse(validate_schema(schema) or wrong_defaults(schema))
    return schema, text


def _refuse(problems: Sequence[GraphQLError]) -> None:
    if problems:
        raise CodegenError("\n".join(map(located, problems)))


def _joined(sources: Iterable[Source]) -> str:
    return "\n".join(source.body for source in sources)
