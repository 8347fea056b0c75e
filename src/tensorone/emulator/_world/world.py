"""The emulated service: a seeded state machine with its own clock, without sockets or threads."""

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
    """The account as it changes over time, with everything that a test may want to control; from any thread.

    Args:
        scenario: The initial state.
        speed: Seconds of the world per real second.
        clock: Returns real time in seconds, from any origin.
    """

    def __init__(self, scenario: Scenario, *, speed: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(scenario, Clock(clock, speed))
        self._journal = Journal()
        self.saved = Saved(scenario.seed)

    # --- time

    def advance(self, seconds: float) -> None:
        """Moves the clock forward at once; everything due in that time happens."""
        self._timeline.advance(seconds)

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Calls a function once a number of the world's seconds have passed."""
        self._timeline.later(seconds, action)

    # --- requests

    @property
    def requests(self) -> Counter[str]:
        """How often each root field was requested, whether answered or refused."""
        with self.moment():
            return self._journal.counts.copy()

    @property
    def log(self) -> tuple[Request, ...]:
        """The latest requests, in order."""
        with self.moment():
            return tuple(self._journal.entries)

    def record(self, request: Request) -> None:
        """Counts and keeps a request."""
        with self.moment():
            self._journal.add(request)

    # --- control

    @property
    def boot(self) -> Boot:
        """Progression of future starts."""
        return self._life.boot

    @boot.setter
    def boot(self, boot: Boot) -> None:
        self._life.boot = boot

    @contextmanager
    def listing_lags(self, seconds: float) -> Generator[None]:
        """Omits clusters deployed in this context from the list for a number of seconds, though they run and cost."""
        with self.moment():
            self._life.listing_lag = seconds
            try:
                yield
            finally:
                self._life.listing_lag = 0.0

    def preempt(self, cluster_id: str, *, notice: float = 0.0) -> None:
        """Makes another account outbid a running spot cluster, with notice in seconds.

        The notice shows in the cluster's last status change; a cluster that was restarted meanwhile keeps running.

        Raises:
            ValueError: No running spot cluster has this id.
        """
        with self.moment() as now:
            cluster = self._life.clusters.get(cluster_id)
            if cluster is None or not cluster.spot or not cluster.running:
                raise ValueError(f"{cluster_id!r} is not a running spot cluster, and nothing else can be preempted")
            if notice > 0:
                self._life.announce(cluster, f"Outbid: stops in {notice:g} s", now)
                self.later(notice, lambda: self._life.preempt_started(cluster.id, cluster.starts, self.now))
            else:
                self._life.preempt(cluster, now)

    def lose_host(self, machine_id: str) -> None:
        """Removes a machine, with every cluster and volume on it."""
        with self.moment() as now:
            for tenant in self._fleet.tenants(machine_id):
                self._life.terminate(tenant.id, now)
            self._fleet.lose(machine_id)

    def leave_free(self, gpu_type_id: str, gpus: int) -> None:
        """Makes other accounts rent all free GPUs of one type but a number; -1 makes them return all of theirs."""
        with self.moment():
            for host in self._fleet:
                if host.gpu_type_id == gpu_type_id:
                    free = host.occupied + self._fleet.free_gpus(host.machine_id)
                    left = free if gpus < 0 else min(free, gpus)
                    gpus = gpus if gpus < 0 else gpus - left
                    self._fleet.occupy(host.machine_id, free - left)

    def play(self, moves: Iterable[MarketMove]) -> None:
        """Schedules the moves of a market, from now on.

        Raises:
            ValueError: A move names a GPU type that the catalogue lacks; then no move is scheduled.
        """
        script, known = tuple(moves), {model.id for model in self.gpu_models}
        if unknown := sorted({move.gpu_type_id for move in script} - known):
            raise ValueError(f"the catalogue has no GPU type {', '.join(unknown)}")
        for move in script:
            self.later(move.at, partial(self._apply, move))

    def _apply(self, move: MarketMove) -> None:
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
        """Makes other accounts rent a number of GPUs of a machine, 0 to return them; displaces nothing.

        Raises:
            ValueError: The number is negative, or exceeds the free GPUs.
        """
        with self.moment():
            self._fleet.occupy(machine_id, gpus)

    def sell_out(self, gpu_type_id: str) -> None:
        """Makes other accounts rent every free GPU of one type."""
        self.leave_free(gpu_type_id, 0)

    def set_minimum_bid(self, gpu_type_id: str, price: Decimal | str | None) -> None:
        """Fixes a minimum bid, and preempts clusters that bid less; None lets it move again."""
        with self.moment() as now:
            self._market.pin(gpu_type_id, None if price is None else Decimal(price))
            self._life.preempt_below_minimum(now)

    def set_price(self, gpu_type_id: str, cloud: Cloud, price: Decimal | str) -> None:
        """Changes a fixed price for future starts."""
        with self.moment():
            self._market.reprice(gpu_type_id, cloud, Decimal(price))

    def pay_in(self, amount: Decimal | str) -> None:
        """Adds to the balance; a negative amount reduces it."""
        with self.moment():
            self._ledger.pay_in(Decimal(amount))
