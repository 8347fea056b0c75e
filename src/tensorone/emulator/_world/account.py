"""The account at one moment: its clusters, their cost, and its operations."""

from __future__ import annotations

import random
from math import inf
from typing import TYPE_CHECKING

from tensorone.emulator._market.catalogue import GPU_MODELS, GpuModel
from tensorone.emulator._market.hosts import Fleet, Host, default_hosts
from tensorone.emulator._market.spot_prices import Market

from .example_clusters import add_first_clusters
from .ledger import Ledger, Line, rates
from .lifecycle import Lifecycle
from .timeline import Timeline

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime
    from decimal import Decimal

    from tensorone.emulator._market.cluster import Cluster, Order
    from tensorone.emulator._market.offers import Quote

    from .clock import Clock
    from .scenario import Scenario


class Account:
    """Clusters, hosts, prices and money; safe to use from any thread.

    Every call first brings the world up to its clock: market moves, preemptions, an empty balance and scheduled
    actions happen in order, each at its own time. It returns frozen records of that moment.
    """

    def __init__(self, scenario: Scenario, clock: Clock) -> None:
        rng = random.Random(scenario.seed)  # noqa: S311 - a world, no secret
        self._timeline = Timeline(clock, self._next_event)
        self._market = Market(GPU_MODELS, scenario.seed)
        self._ledger = Ledger(scenario.balance)
        self._fleet = Fleet(default_hosts(rng) if scenario.hosts is None else scenario.hosts)
        self._life = Lifecycle(self._fleet, self._market, self._ledger, rng)
        if scenario.first_clusters:
            add_first_clusters(self._life)
        self._life.boot = scenario.boot

    @property
    def now(self) -> float:
        """Seconds since the world began."""
        with self.moment() as now:
            return now

    def moment(self) -> AbstractContextManager[float]:
        """Stops the world's clock for several steps that belong together; yields the time."""
        return self._timeline.moment()

    def date(self, seconds: float) -> datetime:
        """The date, UTC, at a time of the world."""
        return self._timeline.date(seconds)

    # --- operations of the account; each raises Refusal with the service's text

    def deploy(self, order: Order) -> Cluster:
        """Starts a new cluster: on-demand, or spot if the order has a bid."""
        with self.moment() as now:
            return self._life.deploy(order, now)

    def resume(self, cluster_id: str, *, gpu_count: int | None = None, bid: Decimal | None = None) -> Cluster:
        """Starts a stopped cluster: on-demand, or spot with a bid."""
        with self.moment() as now:
            return self._life.resume(cluster_id, gpu_count, bid, now)

    def stop(self, cluster_id: str) -> Cluster:
        """Stops a cluster."""
        with self.moment() as now:
            return self._life.stop(cluster_id, now)

    def terminate(self, cluster_id: str) -> None:
        """Deletes a cluster with its volume."""
        with self.moment() as now:
            self._life.terminate(cluster_id, now)

    # --- state

    @property
    def clusters(self) -> dict[str, Cluster]:
        """Every cluster not terminated, by id, oldest first."""
        with self.moment():
            return dict(self._life.clusters)

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Every machine."""
        with self.moment():
            return tuple(self._fleet)

    @property
    def gpu_models(self) -> tuple[GpuModel, ...]:
        """Every GPU type with its present fixed prices."""
        with self.moment():
            return self._market.models

    def host(self, machine_id: str) -> Host:
        """One machine."""
        with self.moment():
            return self._fleet[machine_id]

    def free_gpus(self, machine_id: str) -> int:
        """GPUs of one machine that are not rented."""
        with self.moment():
            return self._fleet.free_gpus(machine_id)

    def minimum_bid(self, gpu_type_id: str) -> Decimal:
        """The present minimum bid, US dollars per GPU and hour; a full host may require more."""
        with self.moment() as now:
            return self._market.minimum_bid(gpu_type_id, now)

    def quote(self, order: Order) -> Quote:
        """Cheapest offers for an order, on-demand and spot."""
        with self.moment() as now:
            return self._life.offers.quote(order, now)

    def bid_to_resume(self, cluster: Cluster) -> Decimal | None:
        """The least bid that would start a stopped spot cluster now; None without room."""
        with self.moment() as now:
            return self._life.offers.bid_to_resume(cluster, now)

    def rates(self, cluster: Cluster) -> dict[str, Decimal]:
        """The present cost of a cluster, US dollars per hour by item."""
        return rates(cluster)

    @property
    def balance(self) -> Decimal:
        """Credit left, US dollars; stopped volumes may reduce it below zero."""
        with self.moment() as now:
            return self._ledger.balance(now)

    @property
    def spend_per_hour(self) -> Decimal:
        """The present cost of everything, US dollars per hour."""
        with self.moment():
            return self._ledger.spend_per_hour

    @property
    def bill(self) -> tuple[Line, ...]:
        """Every item ever billed; the amounts add up to what left the balance."""
        with self.moment() as now:
            return self._ledger.bill(now)

    # --- reads by answers, which count

    def read(self, cluster_id: str) -> Cluster | None:
        """One cluster for an answer, which counts as a read of it; None if unknown."""
        with self.moment():
            return self._life.read(cluster_id) if cluster_id in self._life.clusters else None

    def read_list(self) -> list[Cluster]:
        """All clusters the list shows by now, for an answer, which counts as a read of each."""
        with self.moment() as now:
            return [self._life.read(each.id) for each in self.clusters.values() if each.listed_at <= now]

    def _next_event(self, now: float, until: float) -> float | None:
        """Performs the next market move or empty balance up to a time, and returns when it happened."""
        running = self._life.running()
        empty = self._ledger.empty_at(now) if running else inf
        moves = self._market.next_move(now) if any(each.spot for each in running) else inf
        due = min(empty, moves)
        if due > until:
            return None
        if empty <= moves:
            self._life.stop_all(due)
        else:
            self._life.preempt_below_minimum(due)
        return due
