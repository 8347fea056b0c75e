"""What the market offers for an order: a machine and its price, or the service's words for no."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tensorone.emulator._refusals import (
    BID_TOO_LOW,
    MACHINE_FULL,
    NO_CAPACITY,
    NO_DISK,
    NO_FREE_GPUS,
    NO_SPOT_CAPACITY,
    Refusal,
)

from .placement import ANY_BID, Place, best_place, place_on

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from .cluster import Cloud, Cluster, Order
    from .hosts import Fleet, Host, Resource
    from .spot_prices import Market


Stock = Literal["High", "Medium", "Low"]


MANY, SOME = 0.5, 0.2


@dataclass(frozen=True, slots=True)
class Quote:
    """Cheapest offers for one GPU type, US dollars per GPU and hour; None where there is no room."""

    minimum_bid: Decimal | None
    fixed_price: Decimal | None
    stock: Stock | None


class Offers:
    """Looks for room in the fleet at the prices of the market."""

    def __init__(self, fleet: Fleet, market: Market) -> None:
        self._fleet = fleet
        self._market = market

    def find(self, order: Order, now: float) -> Place:
        """A machine for a new cluster.

        Raises:
            Refusal: None has room, or the bid is too low.
        """
        hosts = self._hosts(order)
        place = best_place(self._fleet, hosts, _unbounded(order))
        if place == "disk":
            raise Refusal(NO_DISK)
        if not isinstance(place, Place) or (order.bid is not None and order.gpu_count == 0):
            raise Refusal(NO_CAPACITY if order.bid is None else NO_SPOT_CAPACITY)
        self._check_bid(order.bid, self._least_bid(place, now))
        return place

    def find_again(self, cluster: Cluster, order: Order, now: float) -> Place:
        """The machine of a stopped cluster, if it has room for a start.

        Raises:
            Refusal: It has none, or the bid is too low.
        """
        place = self._again(cluster, order)
        if not isinstance(place, Place):
            raise Refusal(NO_FREE_GPUS if place == "gpus" else MACHINE_FULL)
        self._check_bid(order.bid, self._least_bid(place, now))
        return place

    def price(self, order: Order, host: Host) -> Decimal:
        """What one GPU of the machine costs: the bid, or the fixed price of now."""
        return order.bid if order.bid is not None else self._fixed_price(host.gpu_type_id, host.cloud)

    def quote(self, order: Order, now: float) -> Quote:
        """Cheapest offers for an order, on-demand and spot."""
        hosts = self._hosts(order)
        on_demand = best_place(self._fleet, hosts, replace(order, bid=None))
        spot = best_place(self._fleet, hosts, replace(order, bid=ANY_BID))
        return Quote(
            minimum_bid=self._least_bid(spot, now) if isinstance(spot, Place) else None,
            fixed_price=self.price(order, on_demand.host) if isinstance(on_demand, Place) else None,
            stock=self._stock(hosts) if isinstance(on_demand, Place) else None,
        )

    def bid_to_resume(self, cluster: Cluster, now: float) -> Decimal | None:
        """The least bid that would start a stopped spot cluster now; None if there is no room for any."""
        place = self._again(cluster, replace(cluster.order, gpu_count=cluster.gpu_count))
        return self._least_bid(place, now) if isinstance(place, Place) else None

    def _hosts(self, order: Order) -> list[Host]:
        """The machines of the parts of the market allowed, the cheaper part first."""
        parts = [self._fleet.of(order.gpu_type_id, cloud) for cloud in order.clouds]
        parts = [hosts for hosts in parts if hosts]
        if order.gpu_type_id is not None:
            parts.sort(key=lambda hosts: self._fixed_price(hosts[0].gpu_type_id, hosts[0].cloud))
        return [host for hosts in parts for host in hosts]

    def _again(self, cluster: Cluster, order: Order) -> Place | Resource:
        host = self._fleet[cluster.machine_id]
        others = [each for each in self._fleet.tenants(host.machine_id) if each.id != cluster.id]
        return place_on(host, others, _unbounded(order))

    def _least_bid(self, place: Place, now: float) -> Decimal:
        return max(place.bid_needed, self._market.minimum_bid(place.host.gpu_type_id, now))

    def _check_bid(self, bid: Decimal | None, minimum: Decimal) -> None:
        if bid is not None and bid < minimum:
            raise Refusal(BID_TOO_LOW.format(bid=bid, minimum=minimum))

    def _fixed_price(self, gpu_type_id: str, cloud: Cloud) -> Decimal:
        price = self._market.fixed_price(gpu_type_id, cloud)
        if price is None:
            raise LookupError(f"a host offers {gpu_type_id} on {cloud}, where the catalogue has no price for it")
        return price

    def _stock(self, hosts: Sequence[Host]) -> Stock:
        share = sum(self._fleet.free_gpus(host.machine_id) for host in hosts) / sum(host.gpus for host in hosts)
        return "High" if share >= MANY else "Medium" if share >= SOME else "Low"


def _unbounded(order: Order) -> Order:
    """A bid as high as it takes: what it would have to be is asked afterwards."""
    return order if order.bid is None else replace(order, bid=ANY_BID)
