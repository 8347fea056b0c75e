"""The market's offer for an order: a machine and its price, or a refusal."""

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
    """The cheapest offers for one GPU type, US dollars per GPU and hour; None without room."""

    minimum_bid: Decimal | None
    fixed_price: Decimal | None
    stock: Stock | None


class Offers:
    """Finds room for orders in the fleet, at the prices of the market."""

    def __init__(self, fleet: Fleet, market: Market) -> None:
        self._fleet = fleet
        self._market = market

    def find(self, order: Order, now: float) -> Place:
        """A machine for a new cluster.

        Raises:
            Refusal: No machine has room, or the bid is too low.
        """
        hosts = self._hosts(order)
        place = best_place(self._fleet, hosts, _with_any_bid(order))
        if place == "disk":
            raise Refusal(NO_DISK)
        if not isinstance(place, Place) or (order.bid is not None and order.gpu_count == 0):
            raise Refusal(NO_CAPACITY if order.bid is None else NO_SPOT_CAPACITY)
        self._check_bid(order.bid, self._least_bid(place, now))
        return place

    def find_again(self, cluster: Cluster, order: Order, now: float) -> Place:
        """The machine of a stopped cluster, with room for a start.

        Raises:
            Refusal: It has no room, or the bid is too low.
        """
        place = self._place_again(cluster, order)
        if not isinstance(place, Place):
            raise Refusal(NO_FREE_GPUS if place == "gpus" else MACHINE_FULL)
        self._check_bid(order.bid, self._least_bid(place, now))
        return place

    def price(self, order: Order, host: Host) -> Decimal:
        """The price of one GPU of a machine: the bid, or the present fixed price."""
        return order.bid if order.bid is not None else self._fixed_price(host.gpu_type_id, host.cloud)

    def quote(self, order: Order, now: float) -> Quote:
        """The cheapest offers for an order, on-demand and spot."""
        hosts = self._hosts(order)
        on_demand = best_place(self._fleet, hosts, replace(order, bid=None))
        spot = best_place(self._fleet, hosts, replace(order, bid=ANY_BID))
        return Quote(
            minimum_bid=self._least_bid(spot, now) if isinstance(spot, Place) else None,
            fixed_price=self.price(order, on_demand.host) if isinstance(on_demand, Place) else None,
            stock=self._stock(hosts) if isinstance(on_demand, Place) else None,
        )

    def bid_to_resume(self, cluster: Cluster, now: float) -> Decimal | None:
        """The least bid that would start a stopped spot cluster now; None without room."""
        place = self._place_again(cluster, replace(cluster.order, gpu_count=cluster.gpu_count))
        return self._least_bid(place, now) if isinstance(place, Place) else None

    def _hosts(self, order: Order) -> list[Host]:
        """The machines of the order's cloud types, the cheaper cloud type first."""
        by_cloud = [self._fleet.of(order.gpu_type_id, cloud) for cloud in order.clouds]
        by_cloud = [hosts for hosts in by_cloud if hosts]
        if order.gpu_type_id is not None:
            by_cloud.sort(key=lambda hosts: self._fixed_price(hosts[0].gpu_type_id, hosts[0].cloud))
        return [host for hosts in by_cloud for host in hosts]

    def _place_again(self, cluster: Cluster, order: Order) -> Place | Resource:
        host = self._fleet[cluster.machine_id]
        others = [each for each in self._fleet.tenants(host.machine_id) if each.id != cluster.id]
        return place_on(host, others, _with_any_bid(order))

    def _least_bid(self, place: Place, now: float) -> Decimal:
        return max(place.bid_needed, self._market.minimum_bid(place.host.gpu_type_id, now))

    def _check_bid(self, bid: Decimal | None, minimum: Decimal) -> None:
        if bid is not None and bid < minimum:
            raise Refusal(BID_TOO_LOW.format(bid=bid, minimum=minimum))

    def _fixed_price(self, gpu_type_id: str, cloud: Cloud) -> Decimal:
        price = self._market.fixed_price(gpu_type_id, cloud)
        if price is None:
            raise LookupError(f"a host offers {gpu_type_id} on {cloud}, for which the catalogue has no price")
        return price

    def _stock(self, hosts: Sequence[Host]) -> Stock:
        share = sum(self._fleet.free_gpus(host.machine_id) for host in hosts) / sum(host.gpus for host in hosts)
        return "High" if share >= MANY else "Medium" if share >= SOME else "Low"


def _with_any_bid(order: Order) -> Order:
    """The order with an unlimited bid: the least sufficient bid is computed afterwards."""
    return order if order.bid is None else replace(order, bid=ANY_BID)
