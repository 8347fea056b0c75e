"""What a review or a probe found, in words for people, and as JSON for machines."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tensorone_codegen._project.locations import place

from .review import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tensorone_codegen._server.probe import Answer

    from .review import Finding, Review
    from .uses import Use


def as_json(review: Review) -> str:
    """The review as one JSON object."""
    return json.dumps(
        {
            "status": review.status,
            "whole_schema_status": review.whole_status,
            "unused": review.unused,
            "changes": [_change(review, finding) for finding in review.findings],
            "refused": list(review.refused),
            "broken": [_place(use) | {"calls": review.calls_of([use.operation])} for use in review.broken],
        },
        indent=2,
    )


def _change(review: Review, finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity.label,
        "coordinate": finding.change.coordinate,
        "change": finding.change.text,
        "operations": finding.operations,
        "models": finding.models,
        "calls": review.calls_of(finding.operations),
        "places": [_place(use) for use in finding.uses],
    }


def _place(use: Use) -> dict[str, Any]:
    file, _, line = place(use.node).rpartition(":")
    return {"operation": use.operation, "model": use.model, "file": file, "line": int(line), "field": use.field}


def as_text(review: Review) -> str:
    """The review as lines to read."""
    return "\n".join(_lines(review)) or "nothing changed"


def _lines(review: Review) -> Iterator[str]:
    for severity, findings in groupby(review.findings, key=lambda finding: finding.severity):
        yield f"{severity.title}:"
        for finding in findings:
            yield f"  {finding.change.coordinate} {finding.change.text}"
            yield from _concerned(review, finding)
    yield from _refused(review)
    if review.whole_status > review.status:
        counts = " and ".join(f"{count} {what}" for what, count in review.unused.items() if count)
        yield f"Status {review.status} is for our operations; --whole-schema makes it {review.whole_status}: {counts}."


def refused_as_text(review: Review) -> str:
    """Of a review only what the new schema refuses."""
    return "\n".join(_refused(review))


def _refused(review: Review) -> Iterator[str]:
    if review.refused:
        yield "The new schema refuses:"
        yield from (f"  {line}" for line in review.refused)
    if review.broken:
        yield "Operations to change or delete:"
    for use in review.broken:
        yield f"  {place(use.node)}: {use.operation}"
        yield from _calls(review, [use.operation])


def _calls(review: Review, operations: list[str]) -> Iterator[str]:
    if calls := review.calls_of(operations):
        yield f"    by {', '.join(calls)}"


def _concerned(review: Review, finding: Finding) -> Iterator[str]:
    """Each place once, with the operations and the model that it belongs to; nothing of what harms nobody."""
    if finding.severity is Severity.ADDITIVE:
        return
    places: dict[str, list[Use]] = {}
    for use in finding.uses:
        places.setdefault(f"{place(use.node)}: {use.field}", []).append(use)
    for where, found in places.items():
        model = f", model {found[0].model}" if found[0].model else ""
        yield f"    {where} in {', '.join(dict.fromkeys(use.operation for use in found))}{model}"
    yield from _calls(review, finding.operations)


def probe_as_json(answers: Sequence[Answer]) -> str:
    """The answers of a server as one JSON list."""
    return json.dumps([asdict(answer) for answer in answers], indent=2)


def probe_as_text(answers: Sequence[Answer]) -> str:
    """The answers of a server as lines to read."""
    return "\n".join(line for answer in answers for line in _answer(answer))


def _answer(answer: Answer) -> Iterator[str]:
    yield f"{answer.verdict:<8}  {answer.operation}"
    yield from (f"    {reason}" for reason in answer.reasons)
