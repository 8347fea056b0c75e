"""What a mutation may cost money for, in words, where it is not known whether it happened. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._operations import Operation

BILLED = "what the answer's data names exists, and is billed until it is stopped or terminated"
_RUNS = "a cluster may run because of it, and is billed until it is stopped or terminated"
_WORKS = "the endpoint may be there, and bills its workers while they run"
# What may be billed after a mutation, by its root field; None for nothing.
MAYBE_BILLED: Mapping[str, str | None] = {
    "clusterFindAndDeployOnDemand": _RUNS,
    "clusterRentInterruptable": _RUNS,
    "clusterResume": _RUNS,
    "clusterBidResume": _RUNS,
    "saveEndpoint": _WORKS,
    "deleteEndpoint": _WORKS,
    "saveTemplate": None,
    "deleteTemplate": None,
}
# Of a field that only a user's own operation has.
_OTHER = "what it makes or starts may be there, and billed"


def may_bill(operation: Operation[Any]) -> str | None:
    """What may be billed if an operation happened, in words; None for nothing."""
    if operation.kind == "query":
        return None
    known = (MAYBE_BILLED.get(field.name, _OTHER) for field in operation.fields)
    return "; ".join(dict.fromkeys(filter(None, known))) or None
