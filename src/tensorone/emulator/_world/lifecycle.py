"""The transitions of a cluster, from deploy to terminate, with their effects on hosts and money.

It has no clock: every transition receives the time.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tensorone.emulator._market.boot import Boot
from tensorone.emulator._market.cluster import Cluster, Order
from tensorone.emulator._market.hosts import Fleet, new_id
from tensorone.emulator._market.offers import Offers
from tensorone.emulator._refusals import (
    INTERNAL,
    NO_CREDIT,
    NOT_FOUND,
    NOT_FOUND_TO_TERMINATE,
    ON_DEMAND_AS_SPOT,
    SPOT_AS_ON_DEMAND,
    Refusal,
)

from .ledger import Ledger, rates

if TYPE_CHECKING:
    import random

    from tensorone.emulator._market.placement import Place
    from tensorone.emulator._market.spot_prices import Market


class Lifecycle:
    """The clusters of the account, and their transitions.

    Attributes:
        clusters: Clusters that are not terminated, by id, oldest first.
        boot: Progression of future starts.
        listing_lag: Seconds for which the list omits future clusters.
    """

    def __init__(self, fleet: Fleet, market: Market, ledger: Ledger, rng: random.Random) -> None:
        self.clusters: dict[str, Cluster] = {}
        self.boot = Boot()
        self.listing_lag = 0.0
        self.offers = Offers(fleet, market)
        self._fleet = fleet
        self._market = market
        self._ledger = ledger
        self._rng = rng

    def deploy(self, order: Order, now: float, cluster_id: str | None = None) -> Cluster:
        """Starts a new cluster where there is room, on-demand or by bid.

        Raises:
            Refusal: No machine has room, or the bid or the credit is too low.
        """
        place = self.offers.find(order, now)
        cluster = Cluster(
            id=cluster_id or new_id(self._rng, 14),
            order=order,
            machine_id=place.host.machine_id,
            host_number=f"{self._rng.randrange(10**8):08}",
            gpu_count=order.gpu_count,
            price=self.offers.price(order, place.host),
            boot=self.boot,
            created_at=now,
            started_at=now,
            listed_at=now + self.listing_lag,
            changed_at=now,
        )
        return self._start(cluster, place, now)

    def resume(self, cluster_id: str, gpu_count: int | None, bid: Decimal | None, now: float) -> Cluster:
        """Starts a stopped cluster on its old machine; a running cluster stays as it is.

        Raises:
            Refusal: It is unknown or of the other kind, its machine has no room, the bid or the credit is too low.
        """
        cluster = self.find(cluster_id)
        if cluster.spot != (bid is not None):
            raise Refusal(SPOT_AS_ON_DEMAND if cluster.spot else ON_DEMAND_AS_SPOT)
        if cluster.running:
            return cluster
        count = cluster.gpu_count if gpu_count is None else gpu_count
        if count < 0:
            raise Refusal(INTERNAL, "INTERNAL_SERVER_ERROR")
        order = replace(cluster.order, bid=bid)
        place = self.offers.find_again(cluster, replace(order, gpu_count=count), now)
        resumed = replace(
            cluster,
            order=order,
            gpu_count=count,
            price=self.offers.price(order, place.host),
            boot=self.boot,
            started_at=now,
            desired_status="RUNNING",
            status_change="Resumed by User",
            changed_at=now,
            reads=0,
            starts=cluster.starts + 1,
        )
        return self._start(resumed, place, now)

    def stop(self, cluster_id: str, now: float, why: str = "Exited by User") -> Cluster:
        """Frees the GPUs, empties the container disk, keeps the volume; a stopped cluster stays as it is.

        Raises:
            Refusal: It is unknown.
        """
        cluster = self.find(cluster_id)
        if cluster.running:
            cluster = replace(cluster, desired_status="EXITED", status_change=why, changed_at=now)
            self._record(cluster, now)
        return cluster

    def terminate(self, cluster_id: str, now: float) -> None:
        """Deletes the cluster and its volume.

        Raises:
            Refusal: It is unknown.
        """
        if cluster_id not in self.clusters:
            raise Refusal(NOT_FOUND_TO_TERMINATE, "POD_NOT_FOUND")
        self._fleet.drop(self.clusters.pop(cluster_id))
        self._ledger.set_rates(cluster_id, {}, now)

    def preempt(self, cluster: Cluster, now: float) -> Cluster:
        """Another account outbids a running spot cluster: it is stopped, not deleted."""
        self.clusters[cluster.id] = replace(cluster, preemptions=cluster.preemptions + 1)
        return self.stop(cluster.id, now, "Exited by System: outbid")

    def announce(self, cluster: Cluster, why: str, now: float) -> None:
        """Shows in the last status change of a running cluster what is about to happen."""
        announced = replace(cluster, status_change=why, changed_at=now)
        self.clusters[cluster.id] = announced
        self._fleet.put(announced)

    def preempt_started(self, cluster_id: str, starts: int, now: float) -> None:
        """Preempts a cluster if it has run since that start."""
        cluster = self.clusters.get(cluster_id)
        if cluster is not None and cluster.running and cluster.starts == starts:
            self.preempt(cluster, now)

    def preempt_below_minimum(self, now: float) -> None:
        """Preempts clusters that bid less than the present minimum."""
        for cluster in self.running():
            gpu_type_id = self._fleet[cluster.machine_id].gpu_type_id
            if cluster.spot and cluster.price < self._market.minimum_bid(gpu_type_id, now):
                self.preempt(cluster, now)

    def stop_all(self, now: float) -> None:
        """Stops everything, since the balance is used up; volumes are kept and still cost."""
        for cluster in self.running():
            self.stop(cluster.id, now, "Exited by System: balance used up")

    def read(self, cluster_id: str) -> Cluster:
        """The cluster for an answer, which counts as a read."""
        cluster = self.clusters[cluster_id]
        self.clusters[cluster_id] = replace(cluster, reads=cluster.reads + 1)
        return cluster

    def find(self, cluster_id: str) -> Cluster:
        """The cluster with the id.

        Raises:
            Refusal: It is unknown.
        """
        if cluster_id not in self.clusters:
            raise Refusal(NOT_FOUND, "POD_NOT_FOUND")
        return self.clusters[cluster_id]

    def running(self) -> list[Cluster]:
        """The clusters that are running."""
        return [each for each in self.clusters.values() if each.running]

    def _start(self, cluster: Cluster, place: Place, now: float) -> Cluster:
        if not self._ledger.covers_an_hour(sum(rates(cluster).values(), Decimal(0)), now):
            raise Refusal(NO_CREDIT)
        for outbid in place.displaced:
            self.preempt(self.clusters[outbid.id], now)
        self._record(cluster, now)
        return cluster

    def _record(self, cluster: Cluster, now: float) -> None:
        self.clusters[cluster.id] = cluster
        self._fleet.put(cluster)
        self._ledger.set_rates(cluster.id, rates(cluster), now)
