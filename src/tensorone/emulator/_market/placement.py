"""The machine for an order, and the clusters it displaces there. Pure decisions over the fleet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from .cluster import Cluster, Order
from .hosts import Fleet, Host, Resource, shortage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


CENT = Decimal("0.01")


ANY_BID = Decimal("Infinity")


@dataclass(frozen=True, slots=True)
class Place:
    """A machine with room for an order once the displaced clusters are stopped."""

    host: Host
    displaced: tuple[Cluster, ...] = ()

    @property
    def bid_needed(self) -> Decimal:
        """The least bid above those of the displaced clusters; 0 without any."""
        return max((each.price + CENT for each in self.displaced), default=Decimal(0))


def best_place(fleet: Fleet, hosts: Iterable[Host], order: Order) -> Place | Resource:
    """The first machine with room, else the one that displaces the lowest bids, else the resource that is short.

    Disk is reported as short only if a machine has everything else.
    """
    places: list[Place] = []
    shortfall: Resource = "gpus"
    for host in hosts:
        place = place_on(host, fleet.tenants(host.machine_id), order)
        if isinstance(place, Place):
            if not place.displaced:
                return place
            places.append(place)
        elif place == "disk":
            shortfall = place
    best = min(places, key=_displacement) if places else None
    return best or shortfall


def place_on(host: Host, tenants: Sequence[Cluster], order: Order) -> Place | Resource:
    """Room on one machine: displaces lower bids, or any bid for an on-demand order, but as few as possible."""
    preemptible = sorted((each for each in tenants if _may_be_displaced(each, order)), key=_rank, reverse=True)
    staying, displaced = list(tenants), list[Cluster]()
    while shortfall := shortage(host, staying, order):
        if not preemptible:
            return shortfall
        outbid = preemptible.pop()
        displaced.append(outbid)
        staying[staying.index(outbid)] = replace(outbid, desired_status="EXITED")
    return Place(host, tuple(displaced))


def _may_be_displaced(tenant: Cluster, order: Order) -> bool:
    return tenant.running and tenant.spot and (order.bid is None or tenant.price < order.bid)


def _rank(cluster: Cluster) -> tuple[Decimal, float]:
    """The lowest bid is displaced first, the latest among equal ones."""
    return cluster.price, -cluster.started_at


def _displacement(place: Place) -> tuple[Decimal, int]:
    return place.bid_needed, len(place.displaced)
