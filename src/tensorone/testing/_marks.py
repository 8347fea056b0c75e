"""The marks of a test: which keywords they take, and what they add up to. Imports neither SDK nor emulator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest

DEFAULTS: Mapping[str, Any] = {"boot": "at-once", "first_clusters": False}

LEFTOVERS = ("allow", "fail")

OPERATIONS = (
    *("DeleteEndpoint", "DeleteTemplate", "DeployCluster", "GetAccount", "GetCluster", "GetClusterPorts"),
    *("GetClusters", "GetFixedPrices", "GetGpuType", "GetGpuTypes", "GetOnDemandPrice", "ListClusterCosts"),
    *(
        "ListClusters",
        "ListEndpoints",
        "ListGpuTypes",
        "Probe",
        "RentSpotCluster",
        "ResumeCluster",
        "ResumeSpotCluster",
        "SaveEndpoint",
        "SaveTemplate",
    ),
    *("StopCluster", "TerminateCluster"),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """What a mark takes.

    Attributes:
        keywords: Names of its keyword arguments.
        help: The rest of its line in `pytest --markers`.
    """

    keywords: tuple[str, ...]
    help: str


MARKS = {
    "tensorone": Mark(
        ("seed", "boot", "speed", "balance", "rate_limit", "first_clusters", "leftovers"),
        '(seed=, boot=, speed=, balance=, rate_limit=, first_clusters=, leftovers="fail"):'
        " what the emulator begins this test with; leftovers fails a test that ends with a running cluster.",
    ),
    "tensorone_fault": Mark(
        (
            *("operation", "times", "after", "probability", "commit", "seconds", "status", "retry_after", "body"),
            *("code", "message", "path", "extensions", "entry"),
        ),
        '("close", operation="clusterFindAndDeployOnDemand", commit=True):'
        " a fault that the emulator has ready for this test, with the keywords of tensorone.emulator.Fault.",
    ),
    "tensorone_market": Mark(
        ("seed", "moves", "seconds"),
        "(seed=7) or (moves=[tensorone.emulator.MarketMove(...)]):"
        " how prices and capacity move in this test; seconds is the length of a market drawn from a seed, six hours"
        " of the world without it.",
    ),
}


@dataclass(frozen=True, slots=True)
class Setup:
    """What one test begins with.

    Attributes:
        reset: Keywords of `Emulator.reset`.
        rate_limit: Requests a second; None is no limit.
        leftovers: "fail" or "allow".
        faults: Kind and keywords of each fault, in the order in which they stand in the source.
        markets: Keywords of each market, likewise.
    """

    reset: Mapping[str, Any] = field(default_factory=dict[str, Any])
    rate_limit: float | None = None
    leftovers: str = "allow"
    faults: tuple[tuple[Any, Mapping[str, Any]], ...] = ()
    markets: tuple[Mapping[str, Any], ...] = ()


def has_any(item: pytest.Item) -> bool:
    """Whether a test has one of the marks."""
    return any(mark.name in MARKS for mark in item.iter_markers())


def setup_of(item: pytest.Item, options: Mapping[str, Any]) -> Setup:
    """What the marks of a test add up to: of one keyword, the closest mark decides."""
    given: dict[str, Any] = {name: options[name] for name in ("rate_limit", "leftovers") if name in options}
    given |= {name: value for mark in _of(item, "tensorone") for name, value in mark.kwargs.items()}
    return Setup(
        rate_limit=given.pop("rate_limit", None),
        leftovers=given.pop("leftovers", None) or "allow",
        reset=given,
        faults=tuple((mark.args[0], mark.kwargs) for mark in _of(item, "tensorone_fault")),
        markets=tuple(mark.kwargs for mark in _of(item, "tensorone_market")),
    )


def mistakes(item: pytest.Item) -> Iterator[str]:
    """What is wrong with the marks of a test, each with what would be right."""
    from . import _values

    for name, about in MARKS.items():
        for mark in _of(item, name):
            if unknown := [each for each in mark.kwargs if each not in about.keywords]:
                yield f"@pytest.mark.{name} has no {', '.join(unknown)}; it has {', '.join(about.keywords)}"
            elif wrong := _wrong_use(mark) or _values.wrong(mark):
                yield f"@pytest.mark.{name} {wrong}"


def wrong_leftovers(value: object) -> str | None:
    """What is wrong with a value of `leftovers`."""
    return None if value in (None, *LEFTOVERS) else f'takes leftovers="fail" or "allow", not {value!r}'


def _wrong_use(mark: pytest.Mark) -> str | None:
    if mark.name == "tensorone_fault":
        one = len(mark.args) == 1 and isinstance(mark.args[0], str)
        return None if one else 'takes the kind of one fault, as in ("close", times=2)'
    if mark.args:
        return f"takes keywords alone, not {mark.args[0]!r}"
    if mark.name == "tensorone":
        return wrong_leftovers(mark.kwargs.get("leftovers"))
    if ("seed" in mark.kwargs) == ("moves" in mark.kwargs):
        return "takes either seed= or moves="
    return "takes seconds= with seed= alone" if {"moves", "seconds"} <= mark.kwargs.keys() else None


def _of(item: pytest.Item, name: str) -> list[pytest.Mark]:
    """The marks of one name, from the module's down to the test's own and its parameters', as the source has them."""
    marks = list(item.iter_markers(name))
    marks.reverse()
    of_parameters = getattr(getattr(item, "callspec", None), "marks", ())
    return sorted(marks, key=lambda mark: any(mark is each for each in of_parameters))
