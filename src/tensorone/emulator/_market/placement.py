"""Which machine an order gets, and whom it displaces there. Pure decisions over the fleet."""

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
    """A machine with room for the order once the displaced are stopped."""

    host: Host
    displaced: tuple[Cluster, ...] = ()

    @property
    def bid_needed(self) -> Decimal:
        """Least bid that outbids everyone displaced; 0 with nobody to displace."""
        return max((each.price + CENT for each in self.displaced), default=Decimal(0))


def best_place(fleet: Fleet, hosts: Iterable[Host], order: Order) -> Place | Resource:
    """The first machine with room; else the one that displaces the lowest bids; else what is lacking.

    Disk is named as lacking only if a machine has everything else.
    """
    places: list[Place] = []
    lacking: Resource = "gpus"
    for host in hosts:
        place = place_on(host, fleet.tenants(host.machine_id), order)
        if isinstance(place, Place):
            if not place.displaced:
                return place
            places.append(place)
        elif place == "disk":
            lacking = place
    best = min(places, key=_disturbance) if places else None
    return best or lacking


def place_on(host: Host, tenants: Sequence[Cluster], order: Order) -> Place | Resource:
    """Room on one machine: displaces lower bids, or for an on-demand order any bid, but no more than needed."""
    preemptible = sorted((each for each in tenants if _yields(each, order)), key=_standing, reverse=True)
    staying, displaced = list(tenants), list[Cluster]()
    while lacking := shortage(host, staying, order):
        if not preemptible:
            return lacking
        loser = preemptible.pop()
        displaced.append(loser)
        staying[staying.index(loser)] = replace(loser, desired_status="EXITED")
    return Place(host, tuple(displaced))


def _yields(tenant: Cluster, order: Order) -> bool:
    return tenant.running and tenant.spot and (order.bid is None or tenant.price < order.bid)


def _standing(cluster: Cluster) -> tuple[Decimal, float]:
    """The lowest bid goes first; among equal ones the latest."""
    return cluster.price, -cluster.started_at


def _disturbance(place: Place) -> tuple[Decimal, int]:
    return place.bid_needed, len(place.displaced)
