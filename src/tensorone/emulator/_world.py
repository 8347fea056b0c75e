"""The emulated service itself: a seeded state machine with its own clock; no sockets, no threads of its own."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from math import inf
from typing import TYPE_CHECKING

from ._boot import Boot
from ._catalogue import GPU_MODELS, GpuModel
from ._clock import Clock
from ._first_clusters import add_first_clusters
from ._hosts import Fleet, Host, default_hosts
from ._journal import Journal, Request
from ._ledger import Ledger, Line, rates
from ._lifecycle import Lifecycle
from ._market import Market
from ._timeline import Timeline

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager
    from datetime import datetime

    from ._cluster import Cloud, Cluster, Order
    from ._offers import Quote

DEFAULT_BOOT = Boot(seconds=2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Everything that decides how a world begins.

    Attributes:
        seed: Same seed, same ids, hosts and prices.
        boot: Progression of the starts to come.
        balance: Credit, US dollars.
        hosts: The machines; None is sixteen for each GPU type and part of the market.
        first_clusters: Whether the account begins with the clusters of the published examples.
    """

    seed: int = 0
    boot: Boot = DEFAULT_BOOT
    balance: Decimal = Decimal(1000)
    hosts: tuple[Host, ...] | None = None
    first_clusters: bool = True


class World:
    """Clusters, hosts, prices and money at one point of time; may be read and steered from any thread.

    Whatever is asked first brings the world up to its clock: market moves, preemptions, an empty balance and what
    was put off happen in their order, each at its own time. What comes back are frozen records of that moment.

    Args:
        scenario: How it begins.
        speed: Seconds of the world in one real second.
        clock: Real time in seconds, from any origin.
    """

    def __init__(self, scenario: Scenario, *, speed: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        rng = random.Random(scenario.seed)  # noqa: S311 - a world, no secret
        self._timeline = Timeline(Clock(clock, speed), self._happen)
        self._journal = Journal()
        self._market = Market(GPU_MODELS, scenario.seed)
        self._ledger = Ledger(scenario.balance)
        self._fleet = Fleet(default_hosts(rng) if scenario.hosts is None else scenario.hosts)
        self._life = Lifecycle(self._fleet, self._market, self._ledger, rng)
        if scenario.first_clusters:
            add_first_clusters(self._life)
        self._life.boot = scenario.boot

    # --- time

    @property
    def now(self) -> float:
        """Seconds since the world began."""
        with self.moment() as now:
            return now

    def moment(self) -> AbstractContextManager[float]:
        """Holds the world still, for several steps that belong together; gives the time."""
        return self._timeline.moment()

    def date(self, seconds: float) -> datetime:
        """The date, UTC, at so many seconds of the world."""
        return self._timeline.date(seconds)

    def advance(self, seconds: float) -> None:
        """Lets time pass at once, with everything that happens in it."""
        self._timeline.advance(seconds)

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Has something happen after so many seconds of the world."""
        self._timeline.later(seconds, action)

    # --- what the account can do; each raises Refusal in the service's words

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

    # --- what there is

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
        """Every GPU type with its fixed prices of now."""
        with self.moment():
            return self._market.models

    def host(self, machine_id: str) -> Host:
        """One machine."""
        with self.moment():
            return self._fleet[machine_id]

    def free_gpus(self, machine_id: str) -> int:
        """GPUs of one machine that nobody rents."""
        with self.moment():
            return self._fleet.free_gpus(machine_id)

    def minimum_bid(self, gpu_type_id: str) -> Decimal:
        """Least bid outsiders leave a chance now, US dollars per GPU and hour; a full host may ask for more."""
        with self.moment() as now:
            return self._market.minimum_bid(gpu_type_id, now)

    def quote(self, order: Order) -> Quote:
        """Cheapest offers for an order, on-demand and spot."""
        with self.moment() as now:
            return self._life.offers.quote(order, now)

    def bid_to_resume(self, cluster: Cluster) -> Decimal | None:
        """Least bid that would start a stopped spot cluster now."""
        with self.moment() as now:
            return self._life.offers.bid_to_resume(cluster, now)

    def rates(self, cluster: Cluster) -> dict[str, Decimal]:
        """What a cluster costs now, US dollars per hour by item."""
        return rates(cluster)

    @property
    def balance(self) -> Decimal:
        """Credit left, US dollars; stopped volumes may take it below zero."""
        with self.moment() as now:
            return self._ledger.balance(now)

    @property
    def spend_per_hour(self) -> Decimal:
        """What everything costs now, US dollars per hour."""
        with self.moment():
            return self._ledger.spend_per_hour

    @property
    def bill(self) -> tuple[Line, ...]:
        """Every item ever billed; the amounts add up to what left the balance."""
        with self.moment() as now:
            return self._ledger.bill(now)

    @property
    def requests(self) -> Counter[str]:
        """How often each root field was asked for, whatever the answer."""
        with self.moment():
            return self._journal.counts.copy()

    @property
    def log(self) -> tuple[Request, ...]:
        """The latest requests as they came in."""
        with self.moment():
            return tuple(self._journal.entries)

    # --- answering requests

    def record(self, request: Request) -> None:
        """Counts and keeps a request."""
        with self.moment():
            self._journal.add(request)

    def read(self, cluster_id: str) -> Cluster | None:
        """One cluster for an answer, which counts as a read of it; None if unknown."""
        with self.moment():
            return self._life.read(cluster_id) if cluster_id in self._life.clusters else None

    def read_list(self) -> list[Cluster]:
        """All clusters the list shows by now, for an answer, which counts as a read of each."""
        with self.moment() as now:
            return [self._life.read(each.id) for each in self.clusters.values() if each.listed_at <= now]

    # --- steering

    @property
    def boot(self) -> Boot:
        """Progression of the starts to come."""
        return self._life.boot

    @boot.setter
    def boot(self, boot: Boot) -> None:
        self._life.boot = boot

    @contextmanager
    def listing_lags(self, seconds: float) -> Generator[None]:
        """Keeps clusters deployed inside off the list for so many seconds, although they run and cost."""
        with self.moment():
            self._life.listing_lag = seconds
            try:
                yield
            finally:
                self._life.listing_lag = 0.0

    def preempt(self, cluster_id: str) -> None:
        """Has another account outbid a running spot cluster.

        Raises:
            ValueError: No running spot cluster has this id.
        """
        with self.moment() as now:
            cluster = self._life.clusters.get(cluster_id)
            if cluster is None or not cluster.spot or not cluster.running:
                raise ValueError(f"{cluster_id!r} is no running spot cluster: nothing else can be preempted")
            self._life.preempt(cluster, now)

    def occupy(self, machine_id: str, gpus: int) -> None:
        """Lets other accounts rent so many GPUs of a machine, 0 to give them back; nothing is displaced for it.

        Raises:
            ValueError: More than are free, or negative.
        """
        with self.moment():
            self._fleet.occupy(machine_id, gpus)

    def sell_out(self, gpu_type_id: str) -> None:
        """Lets other accounts rent every free GPU of one type."""
        with self.moment():
            for host in self._fleet:
                if host.gpu_type_id == gpu_type_id:
                    self._fleet.occupy(host.machine_id, host.occupied + self._fleet.free_gpus(host.machine_id))

    def set_minimum_bid(self, gpu_type_id: str, price: Decimal | str | None) -> None:
        """Holds a minimum bid at a price, and preempts what bids less; None lets it move again."""
        with self.moment() as now:
            self._market.pin(gpu_type_id, None if price is None else Decimal(price))
            self._life.preempt_below_minimum(now)

    def set_price(self, gpu_type_id: str, cloud: Cloud, price: Decimal | str) -> None:
        """Changes a fixed price for the starts to come."""
        with self.moment():
            self._market.reprice(gpu_type_id, cloud, Decimal(price))

    def pay_in(self, amount: Decimal | str) -> None:
        """Adds to the balance; a negative amount takes from it."""
        with self.moment():
            self._ledger.pay_in(Decimal(amount))

    def _happen(self, now: float, until: float) -> float | None:
        """The next market move or empty balance, if it is due; Timeline's contract."""
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
