"""Which of the two media types of GraphQL over HTTP an answer gets, from the request's Accept header. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


JSON = "application/json"


GRAPHQL_RESPONSE = "application/graphql-response+json"


def negotiated(accept: Iterable[str]) -> str:
    """The media type of the answer: the one of higher quality.

    Of equal ones it is `application/graphql-response+json` if the header names it, which no older client does, and
    `application/json` otherwise, as for `*/*`, for no header, and for one that accepts neither.

    Args:
        accept: Values of the request's Accept headers.
    """
    qualities = dict(_ranges(accept))
    json, graphql = _quality(JSON, qualities), _quality(GRAPHQL_RESPONSE, qualities)
    named = graphql == json > 0 and GRAPHQL_RESPONSE in qualities
    return GRAPHQL_RESPONSE if graphql > json or named else JSON


def _ranges(accept: Iterable[str]) -> Iterable[tuple[str, float]]:
    """Each media range with its quality, in lower case; parameters other than `q` are ignored."""
    for entry in ",".join(accept).lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        weights = [value for key, _, value in (part.partition("=") for part in parameters) if key == "q"]
        yield name, _number(weights[0]) if weights else 1.0


def _quality(media_type: str, qualities: Mapping[str, float]) -> float:
    """The quality of the most specific range that matches; 0 without one."""
    ranges = (media_type, "application/*", "*/*")
    return next((qualities[each] for each in ranges if each in qualities), 0.0)


def _number(text: str) -> float:
    """A quality; 0 for a malformed one, so that its range matches nothing."""
    try:
        return float(text) if 0 <= float(text) <= 1 else 0.0
    except ValueError:
        return 0.0
