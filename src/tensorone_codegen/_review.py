"""What a new schema means for the operations of a project. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from graphql import DocumentNode, GraphQLSchema, validate

from ._changes import Level, changes
from ._documents import CLIENT_DIRECTIVES
from ._places import told
from ._uses import uses

if TYPE_CHECKING:
    from ._changes import Change
    from ._sources import Project
    from ._uses import Use


class Severity(Enum):
    """How much a change matters, the worst first; the value is the exit status."""

    BREAKING = 3, "breaking", "Breaks our operations"
    BREAKING_OTHERS = 3, "breaking-others", "Breaks only what we do not use"
    DANGEROUS = 2, "dangerous", "Dangerous: may change what a call does"
    DEPRECATION = 1, "deprecation", "Deprecated: will go"
    ADDITIVE = 1, "additive", "Added or eased"

    def __init__(self, status: int, label: str, title: str) -> None:
        self.status = status
        self.label = label
        self.title = title


@dataclass(frozen=True, slots=True)
class Finding:
    """One change and whom it concerns.

    Attributes:
        severity: How much it matters to the project.
        change: What changed.
        uses: The places of the project that have to do with it.
    """

    severity: Severity
    change: Change
    uses: tuple[Use, ...]

    @property
    def operations(self) -> list[str]:
        """Names of the operations concerned."""
        return list(dict.fromkeys(use.operation for use in self.uses))

    @property
    def models(self) -> list[str]:
        """Names of the fragments concerned, which are public models."""
        return sorted({use.model for use in self.uses if use.model})


@dataclass(frozen=True, slots=True)
class Review:
    """All of it.

    Attributes:
        findings: The worst first.
        refused: What the new schema says against the operations, `file:line: message`.
    """

    findings: tuple[Finding, ...]
    refused: tuple[str, ...]

    @property
    def status(self) -> int:
        """0 nothing, 1 additive or deprecated, 2 dangerous, 3 breaking."""
        return max((finding.severity.status for finding in self.findings), default=0)


def review(project: Project, new: GraphQLSchema) -> Review:
    """Compares a project with a schema that is newer than its own."""
    new = _with_client_directives(new, project.schema)
    used = uses(project)
    findings = [_finding(change, tuple(used.get(change.touches, ()))) for change in changes(project.schema, new)]
    rank = list(Severity)
    document = DocumentNode(definitions=(*project.operations, *project.fragments.values()))
    return Review(
        tuple(sorted(findings, key=lambda finding: rank.index(finding.severity))),
        tuple(dict.fromkeys(map(told, validate(new, document)))),
    )


def _finding(change: Change, concerned: tuple[Use, ...]) -> Finding:
    severity = Severity[change.level.name]
    if change.level is Level.BREAKING and not concerned:
        severity = Severity.BREAKING_OTHERS
    return Finding(severity, change, concerned)


def _with_client_directives(schema: GraphQLSchema, ours: GraphQLSchema) -> GraphQLSchema:
    """They are no part of any server's schema, so their absence is no change."""
    client = tuple(each for each in ours.directives if each.name in CLIENT_DIRECTIVES)
    others = tuple(each for each in schema.directives if each.name not in CLIENT_DIRECTIVES)
    kwargs = schema.to_kwargs()
    kwargs["directives"] = (*others, *client)
    return GraphQLSchema(**kwargs)
