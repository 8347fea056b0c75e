"""The emulated service itself: a seeded state machine with its own clock; no sockets, no threads of its own."""

from __future__ import annotations

import time
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from ._account import Account
from ._clock import Clock
from ._journal import Journal, Request

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Generator

    from ._boot import Boot
    from ._cluster import Cloud
    from ._scenario import Scenario


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
