"""The emulated service itself: a seeded state machine with its own clock; no sockets, no threads of its own."""

from __future__ import annotations

import time
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from .account import Account
from .clock import Clock
from .request_log import Journal, Request
from .saved_resources import Saved

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Generator, Iterable

    from tensorone.emulator._market.boot import Boot
    from tensorone.emulator._market.cluster import Cloud
    from tensorone.emulator._market.market_script import MarketMove

    from .scenario import Scenario


class World(Account):
    """The account in its time, with everything around it that a test may want to steer; from any thread.

    Args:
        scenario: How it begins.
        speed: Seconds of the world in one real second.
        clock: Real time in seconds, from any origin.
    """

    def __init__(self, scenario: Scenario, *, speed: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(scenario, Clock(clock, speed))
        self._journal = Journal()
        self.saved = Saved(scenario.seed)

    # --- time

    def advance(self, seconds: float) -> None:
        """Lets time pass at once, with everything that happens in it."""
        self._timeline.advance(seconds)

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Has something happen after so many seconds of the world."""
        self._timeline.later(seconds, action)

    # --- what was asked

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

    def record(self, request: Request) -> None:
        """Counts and keeps a request."""
        with self.moment():
            self._journal.add(request)

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

    def preempt(self, cluster_id: str, *, notice: float = 0.0) -> None:
        """Has another account outbid a running spot cluster, announced so many seconds before.

        The announcement shows in the cluster's last status change; a cluster that was started anew meanwhile is left.

        Raises:
            ValueError: No running spot cluster has this id.
        """
        with self.moment() as now:
            cluster = self._life.clusters.get(cluster_id)
            if cluster is None or not cluster.spot or not cluster.running:
                raise ValueError(f"{cluster_id!r} is no running spot cluster: nothing else can be preempted")
            if notice > 0:
                self._life.announce(cluster, f"Outbid: stops in {notice:g} s", now)
                self.later(notice, lambda: self._life.preempt_started(cluster.id, cluster.starts, self.now))
            else:
                self._life.preempt(cluster, now)

    def lose_host(self, machine_id: str) -> None:
        """A machine is lost, with every cluster and volume on it."""
        with self.moment() as now:
            for tenant in self._fleet.tenants(machine_id):
                self._life.terminate(tenant.id, now)
            self._fleet.lose(machine_id)

    def leave_free(self, gpu_type_id: str, gpus: int) -> None:
        """Lets other accounts rent all but so many of the free GPUs of one type; -1 gives all of theirs back."""
        with self.moment():
            for host in self._fleet:
                if host.gpu_type_id == gpu_type_id:
                    free = host.occupied + self._fleet.free_gpus(host.machine_id)
                    left = free if gpus < 0 else min(free, gpus)
                    gpus = gpus if gpus < 0 else gpus - left
                    self._fleet.occupy(host.machine_id, free - left)

    def play(self, moves: Iterable[MarketMove]) -> None:
        """Has a market happen, from now on.

        Raises:
            ValueError: A move is for a GPU type that the catalogue does not have; none of them happens then.
        """
        script, known = tuple(moves), {model.id for model in self.gpu_models}
        if unknown := sorted({move.gpu_type_id for move in script} - known):
            raise ValueError(f"there is no GPU type {', '.join(unknown)}")
        for move in script:
            self.later(move.at, partial(self._make, move))

    def _make(self, move: MarketMove) -> None:
        if move.minimum_bid is not None:
            self.set_minimum_bid(move.gpu_type_id, move.minimum_bid)
        if move.free_gpus is not None:
            self.leave_free(move.gpu_type_id, move.free_gpus)
        hosts = [host.machine_id for host in self._fleet if host.gpu_type_id == move.gpu_type_id]
        spot = [each for each in self._life.running() if each.spot and each.machine_id in hosts]
        for cluster in sorted(spot, key=lambda each: each.started_at)[: move.preempt]:
            self.preempt(cluster.id, notice=move.notice)
        hosts.sort(key=lambda machine_id: -len(self._fleet.tenants(machine_id)))
        for machine_id in hosts[: move.lose_hosts]:
            self.lose_host(machine_id)

    def occupy(self, machine_id: str, gpus: int) -> None:
        """Lets other accounts rent so many GPUs of a machine, 0 to give them back; nothing is displaced for it.

        Raises:
            ValueError: More than are free, or negative.
        """
        with self.moment():
            self._fleet.occupy(machine_id, gpus)

    def sell_out(self, gpu_type_id: str) -> None:
        """Lets other accounts rent every free GPU of one type."""
        self.leave_free(gpu_type_id, 0)

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
