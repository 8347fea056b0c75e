"""What may be rented for a spec: its GPU types in each cloud type, and in which order to try them. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from tensorone._errors import InvalidArgument
from tensorone._generated import CloudType
from tensorone._market.attempt_log import Candidate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tensorone._clusters.spec import ClusterSpec
    from tensorone._market.bidding import Quote


Order = Literal["prioritized", "lowest_price", "diversified"]


def candidates(spec: ClusterSpec, cloud_types: tuple[CloudType, ...] | None = None) -> tuple[Candidate, ...]:
    """What may be rented for a spec, in order of preference: each GPU type in each cloud type."""
    gpu_types = tuple(each for each in spec.candidates if each is not None)
    if not gpu_types or spec.gpu_count == 0:
        raise InvalidArgument("gpu_count", "must be at least 1: there is no spot capacity without GPUs")
    given = None if spec.cloud_type is None else CloudType(spec.cloud_type)
    if given is not None and cloud_types is not None:
        raise InvalidArgument("cloud_types", "give it or the spec's cloud_type, not both")
    clouds = (given,) if cloud_types is None else cloud_types
    return tuple(Candidate(gpu_type, cloud) for gpu_type in gpu_types for cloud in clouds)


def narrowed(spec: ClusterSpec, candidate: Candidate) -> ClusterSpec:
    """The spec for one candidate alone."""
    return replace(spec, gpu_type_id=candidate.gpu_type_id, gpu_type_ids=(), cloud_type=candidate.cloud_type)


def ordered(found: Sequence[Candidate], order: Order, quotes: Mapping[str, Quote], turn: int) -> tuple[Candidate, ...]:
    """The candidates in the order to try them now.

    Args:
        found: In order of preference.
        order: ``"prioritized"`` keeps that order; ``"lowest_price"`` puts the lowest minimum bid first;
            ``"diversified"`` begins with another one for each turn, so that many searches spread.
        quotes: The market's prices by GPU type.
        turn: The number of this search among several.
    """
    if order == "diversified":
        start = turn % max(1, len(found))
        return (*found[start:], *found[:start])
    if order == "prioritized":
        return tuple(found)
    return tuple(sorted(found, key=lambda one: _price(quotes.get(one.gpu_type_id))))


def _price(quote: Quote | None) -> tuple[bool, float]:
    minimum = None if quote is None else quote.minimum_bid
    return minimum is None, float(minimum or 0)
