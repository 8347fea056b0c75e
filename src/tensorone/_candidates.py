"""What may be rented for a spec: GPU types times parts of the market, and in which order to try them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ._bidding import BidPolicy
from ._checks import dollars, seconds
from ._errors import InvalidArgument
from ._generated import CloudType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from ._bidding import Quote
    from ._specs import ClusterSpec

Order = Literal["prioritized", "lowest_price", "diversified"]
Capacity = Literal["spot", "auto"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing to try; without a part of the market the server chooses."""

    gpu_type_id: str
    cloud_type: CloudType | None

    def of(self, spec: ClusterSpec) -> ClusterSpec:
        """The spec for this candidate alone."""
        return replace(spec, gpu_type_id=self.gpu_type_id, gpu_type_ids=(), cloud_type=self.cloud_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On which terms a search may rent; the arguments of ``spot.acquire``, checked."""

    bidding: BidPolicy
    cloud_types: tuple[CloudType, ...] | None = None
    order: Order = "prioritized"
    capacity: Capacity = "spot"
    on_demand_ceiling: Decimal | float | None = None
    on_demand_after: float = 0.0
    every: float = 15.0

    def __post_init__(self) -> None:
        checked_bidding(self.bidding)
        _one_of("order", self.order, ("prioritized", "lowest_price", "diversified"))
        _one_of("capacity", self.capacity, ("spot", "auto"))
        seconds("on_demand_after", self.on_demand_after, zero=True)
        seconds("every", self.every)
        _checked_ceiling(self)


def checked_bidding(bidding: object) -> None:
    """Refuses what is no policy: a bare number says nothing of how to bid."""
    if not isinstance(bidding, BidPolicy):
        raise InvalidArgument("bidding", f"must be a BidPolicy(ceiling=…), not {type(bidding).__name__}")


def _one_of(field: str, value: object, known: Sequence[str]) -> None:
    if value not in known:
        raise InvalidArgument(field, f"must be one of {', '.join(known)}, not {value!r}")


def _checked_ceiling(terms: Terms) -> None:
    if terms.capacity == "spot":
        given = {"on_demand_ceiling": terms.on_demand_ceiling is not None, "on_demand_after": terms.on_demand_after > 0}
        for field in (field for field, said in given.items() if said):
            raise InvalidArgument(field, "is for capacity='auto'; with 'spot' nothing is rented on-demand")
        return
    if terms.on_demand_ceiling is None:
        raise InvalidArgument("on_demand_ceiling", "is required for capacity='auto': USD per GPU and hour at most")
    object.__setattr__(terms, "on_demand_ceiling", dollars("on_demand_ceiling", terms.on_demand_ceiling))


def clouds(value: Iterable[CloudType | str] | None) -> tuple[CloudType, ...] | None:
    """Parts of the market as given by a caller."""
    if value is None:
        return None
    if isinstance(value, str):
        raise InvalidArgument("cloud_types", f"must be a sequence such as ({value!r},), not one string")
    if not isinstance(value, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] - a caller may give anything
        raise InvalidArgument("cloud_types", f"must be a sequence of parts of the market, not {type(value).__name__}")
    try:
        found = tuple(dict.fromkeys(CloudType(each) for each in value))
    except ValueError as error:
        raise InvalidArgument("cloud_types", f"{error}; known are {', '.join(CloudType)}") from None
    if not found:
        raise InvalidArgument("cloud_types", "names no part of the market; leave it out to take the spec's")
    return found


def candidates(spec: ClusterSpec, cloud_types: tuple[CloudType, ...] | None = None) -> tuple[Candidate, ...]:
    """What may be rented for a spec, in order of preference: each GPU type in each part of the market."""
    gpu_types = tuple(each for each in spec.candidates if each is not None)
    if not gpu_types or spec.gpu_count == 0:
        raise InvalidArgument("gpu_count", "must be at least 1: there is no spot capacity without GPUs")
    given = None if spec.cloud_type is None else CloudType(spec.cloud_type)
    if given is not None and cloud_types is not None:
        raise InvalidArgument("cloud_types", "give it or the spec's cloud_type, not both")
    parts = (given,) if cloud_types is None else cloud_types
    return tuple(Candidate(gpu_type, part) for gpu_type in gpu_types for part in parts)


def ordered(found: Sequence[Candidate], order: Order, quotes: Mapping[str, Quote], turn: int) -> tuple[Candidate, ...]:
    """The candidates as they are to be tried now.

    Args:
        found: In order of preference.
        order: ``"prioritized"`` keeps that; ``"lowest_price"`` puts the lowest minimum bid first; ``"diversified"``
            begins with another one for each turn, so that many searches spread.
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
