"""On which terms a search may rent: the keywords of `spot.acquire`, checked. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, Required, TypedDict, Unpack

from tensorone import _checks
from tensorone._data.dataclass import dataclass
from tensorone._errors import InvalidArgument
from tensorone._generated import CloudType
from tensorone._market.bidding import BidPolicy, checked_bidding

from .candidates import Order

if TYPE_CHECKING:
    from decimal import Decimal


Capacity = Literal["spot", "auto"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTerms:
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
        _checks.one_of("order", self.order, Order)
        _checks.one_of("capacity", self.capacity, Capacity)
        _checks.seconds("on_demand_after", self.on_demand_after, zero=True)
        _checks.interval("every", self.every)
        _checked_ceiling(self)


class OptionalTerms(TypedDict, total=False):
    """The optional terms as a caller gives them."""

    cloud_types: Iterable[CloudType | str] | None
    order: Order
    capacity: Capacity
    on_demand_ceiling: Decimal | float | None
    on_demand_after: float
    every: float


class TermOptions(OptionalTerms):
    """All terms as a caller gives them."""

    bidding: Required[BidPolicy]


def search_terms(**options: Unpack[TermOptions]) -> SearchTerms:
    """The terms that a caller's keywords make.

    Raises:
        InvalidArgument: One of them is invalid.
    """
    given = {name: value for name, value in options.items() if name != "cloud_types"}
    return SearchTerms(**given, cloud_types=clouds(options.get("cloud_types")))  # type: ignore[arg-type]  # a TypedDict without one key is a plain mapping to mypy


def _checked_ceiling(terms: SearchTerms) -> None:
    if terms.capacity == "spot":
        given = {"on_demand_ceiling": terms.on_demand_ceiling is not None, "on_demand_after": terms.on_demand_after > 0}
        for field in (field for field, said in given.items() if said):
            raise InvalidArgument(field, "needs capacity='auto'; with 'spot' nothing is rented on-demand")
        return
    if terms.on_demand_ceiling is None:
        raise InvalidArgument(
            "on_demand_ceiling", "is required for capacity='auto': the highest fixed price, in USD per GPU-hour"
        )
    object.__setattr__(terms, "on_demand_ceiling", _checks.dollars("on_demand_ceiling", terms.on_demand_ceiling))


def checked_timeout(terms: SearchTerms, timeout: float) -> float:
    """The seconds of a search: more than those before on-demand is considered, or it never would be."""
    if terms.on_demand_after >= _checks.seconds("timeout", timeout):
        words = f"{terms.on_demand_after:g} s are not less than timeout={timeout:g}: nothing would be rented on-demand"
        raise InvalidArgument("on_demand_after", words)
    return timeout


def clouds(value: Iterable[CloudType | str] | None) -> tuple[CloudType, ...] | None:
    """Cloud types as given by a caller."""
    if value is None:
        return None
    if isinstance(value, str):
        raise InvalidArgument("cloud_types", f"must be a sequence such as ({value!r},), not one string")
    if not isinstance(value, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] - a caller may give anything
        raise InvalidArgument("cloud_types", f"must be a sequence of cloud types, not {type(value).__name__}")
    try:
        found = tuple(dict.fromkeys(CloudType(each) for each in value))
    except ValueError as error:
        raise InvalidArgument("cloud_types", f"{error}; use {', '.join(CloudType)}") from None
    if not found:
        raise InvalidArgument("cloud_types", "is empty; leave it out to use the spec's cloud_type")
    return found
