"""What a new schema means for the operations of a project. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from graphql import DocumentNode, GraphQLEnumType, GraphQLInputObjectType, GraphQLSchema, validate

from tensorone_codegen._project.extended import reached_fragments
from tensorone_codegen._project.locations import located
from tensorone_codegen._schema import CLIENT_DIRECTIVES

from .changes import changes
from .uses import Use, uses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from graphql import OperationDefinitionNode

    from tensorone_codegen._project.sources import Project

    from .changes import Change


NO_CALLS: Mapping[str, Sequence[str]] = MappingProxyType({})


class Severity(Enum):
    """How much a change matters, the worst first; the value is the exit status."""

    BREAKING = 3, "breaking", "Breaks our operations"
    DANGEROUS = 2, "dangerous", "Dangerous: may change what a call does"
    BREAKING_OTHERS = 1, "breaking-others", "Breaks only what we do not use"
    DANGEROUS_OTHERS = 1, "dangerous-others", "Dangerous only for what we do not use"
    DEPRECATION = 1, "deprecation", "Deprecated: will go"
    ADDITIVE = 1, "additive", "Added or eased"

    def __init__(self, status: int, label: str, title: str) -> None:
        self.status = status
        self.label = label
        self.title = title


_UNUSED = {Severity.BREAKING: Severity.BREAKING_OTHERS, Severity.DANGEROUS: Severity.DANGEROUS_OTHERS}


@dataclass(frozen=True, slots=True)
class Finding:
    """One change and whom it concerns.

    Attributes:
        severity: How much it matters to the project.
        change: What changed.
        uses: The places of the project that have to do with it.
        model: The enum or input that changed, if it is one, and anyone uses it.
    """

    severity: Severity
    change: Change
    uses: tuple[Use, ...]
    model: str

    @property
    def operations(self) -> list[str]:
        """Names of the operations concerned."""
        return list(dict.fromkeys(use.operation for use in self.uses))

    @property
    def models(self) -> list[str]:
        """The public models concerned: those of fragments, enums and inputs."""
        return sorted({self.model, *(use.model for use in self.uses)} - {""})


@dataclass(frozen=True, slots=True)
class Review:
    """All of it.

    Attributes:
        findings: The worst first.
        refused: What the new schema says against the operations, `file:line: message`.
        broken: The operations that it says it of, which must be changed or deleted.
        calls: The calls of a facade that run each operation, as far as they are known.
    """

    findings: tuple[Finding, ...]
    refused: tuple[str, ...]
    broken: tuple[Use, ...]
    calls: Mapping[str, Sequence[str]]

    @property
    def status(self) -> int:
        """For our operations: 0 nothing changed, 1 nothing that they notice, 2 dangerous, 3 breaking."""
        if self.refused:
            return Severity.BREAKING.status
        return max((finding.severity.status for finding in self.findings), default=0)

    @property
    def whole_status(self) -> int:
        """The same for anyone who may use anything in the schema."""
        return max([self.status, *(Severity[finding.change.level.name].status for finding in self.findings)])

    @property
    def unused(self) -> dict[str, int]:
        """How many breaking and dangerous changes concern no operation."""
        severities = [finding.severity for finding in self.findings]
        return {
            "breaking": severities.count(Severity.BREAKING_OTHERS),
            "dangerous": severities.count(Severity.DANGEROUS_OTHERS),
        }

    def calls_of(self, operations: Iterable[str]) -> list[str]:
        """The calls that run any of some operations."""
        return list(dict.fromkeys(call for each in operations for call in self.calls.get(each, ())))


def review(project: Project, new: GraphQLSchema, calls: Mapping[str, Sequence[str]] = NO_CALLS) -> Review:
    """Compares a project with a schema that is newer than its own; operations may be written for either."""
    new = _with_client_directives(new, project.schema)
    used = uses(project)
    findings = [_finding(project.schema, change, used) for change in changes(project.schema, new)]
    rank = list(Severity)
    return Review(
        tuple(sorted(findings, key=lambda finding: rank.index(finding.severity))),
        tuple(dict.fromkeys(map(located, validate(new, project.document)))),
        tuple(
            Use(operation.name.value if operation.name else "", "", operation)
            for operation in project.operations
            if validate(new, _whole(project, operation))
        ),
        calls,
    )


def _whole(project: Project, operation: OperationDefinitionNode) -> DocumentNode:
    """An operation with the fragments that it uses."""
    return DocumentNode(definitions=(operation, *reached_fragments(operation, project.fragments).values()))


def _finding(schema: GraphQLSchema, change: Change, used: Mapping[str, Sequence[Use]]) -> Finding:
    concerned = {
        (use.operation, id(use.node)): use for coordinate in change.touches for use in used.get(coordinate, ())
    }
    severity = Severity[change.level.name]
    if not concerned:
        severity = _UNUSED.get(severity, severity)
    name = change.coordinate.partition(".")[0]
    type_ = schema.get_type(name)
    is_model = concerned and isinstance(type_, GraphQLEnumType | GraphQLInputObjectType)
    return Finding(severity, change, tuple(concerned.values()), name if is_model else "")


def _with_client_directives(schema: GraphQLSchema, ours: GraphQLSchema) -> GraphQLSchema:
    """They are not part of any server's schema, so their absence is not a change."""
    client = tuple(each for each in ours.directives if each.name in CLIENT_DIRECTIVES)
    others = tuple(each for each in schema.directives if each.name not in CLIENT_DIRECTIVES)
    kwargs = schema.to_kwargs()
    kwargs["directives"] = (*others, *client)
    return GraphQLSchema(**kwargs)
