"""The account's money: deposits, and every line of the bill."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorone.emulator._market.cluster import Cluster


HOURS_PER_MONTH = Decimal(730)


CONTAINER_DISK = Decimal("0.10") / HOURS_PER_MONTH  # dollars per GB and hour, while running


VOLUME = Decimal("0.10") / HOURS_PER_MONTH


STOPPED_VOLUME = Decimal("0.20") / HOURS_PER_MONTH


VCPU = Decimal("0.03")  # dollars per vCPU and hour, billed only without GPUs


PRECISION = Decimal("1E-10")


@dataclass(frozen=True, slots=True)
class Line:
    """One item of one cluster over a period of time, billed by whole seconds.

    Attributes:
        rate: US dollars per hour.
        since: Start, in seconds since the world began.
        seconds: Whole seconds so far.
        open: Whether it still grows.
    """

    cluster_id: str
    item: str
    rate: Decimal
    since: float
    seconds: int = 0
    open: bool = True

    @property
    def amount(self) -> Decimal:
        """US dollars."""
        return (self.rate * self.seconds / 3600).quantize(PRECISION)

    def at(self, now: float) -> Line:
        """The line at a time."""
        return replace(self, seconds=int(now - self.since)) if self.open else self


def rates(cluster: Cluster) -> dict[str, Decimal]:
    """The present cost of a cluster, US dollars per hour by item; items without a cost are left out."""
    order = cluster.order
    if not cluster.running:
        items = {"volume, stopped": order.volume_in_gb * STOPPED_VOLUME}
    else:
        items = {
            "GPUs": cluster.gpu_count * cluster.price,
            "vCPUs": Decimal(0) if cluster.gpu_count else order.vcpus * VCPU,
            "container disk": order.container_disk_in_gb * CONTAINER_DISK,
            "volume": order.volume_in_gb * VOLUME,
        }
    return {item: rate.quantize(PRECISION) for item, rate in items.items() if rate}


class Ledger:
    """The deposits, and what each cluster costs."""

    def __init__(self, deposit: Decimal) -> None:
        self._deposit = deposit
        self._closed: list[Line] = []
        self._closed_amount = Decimal(0)
        self._open: dict[str, list[Line]] = {}
        self._spend = Decimal(0)
        # Sum of rate times start over the open lines, from which their cost follows without a loop over them.
        self._rates_times_starts = 0.0

    def set_rates(self, cluster_id: str, new_rates: Mapping[str, Decimal], now: float) -> None:
        """Closes the open lines of a cluster, and opens lines at new rates."""
        for line in self._open.pop(cluster_id, []):
            closed = replace(line.at(now), open=False)
            self._closed.append(closed)
            self._closed_amount += closed.amount
            self._add(line, -1)
        self._open[cluster_id] = [Line(cluster_id, item, rate, since=now) for item, rate in new_rates.items()]
        for line in self._open[cluster_id]:
            self._add(line, 1)

    def pay_in(self, amount: Decimal) -> None:
        """Adds to the deposit; a negative amount reduces it."""
        self._deposit += amount

    def bill(self, now: float) -> tuple[Line, ...]:
        """All lines, closed ones first."""
        return (*self._closed, *self._open_lines(now))

    def balance(self, now: float) -> Decimal:
        """The deposit less the bill."""
        return self._deposit - self._closed_amount - sum((line.amount for line in self._open_lines(now)), Decimal(0))

    @property
    def spend_per_hour(self) -> Decimal:
        """The present cost of everything, US dollars per hour."""
        return self._spend

    def covers_an_hour(self, extra: Decimal, now: float) -> bool:
        """Whether the balance pays for one hour at a rate, US dollars per hour."""
        return self._least_balance(now) >= float(extra)

    def empty_at(self, now: float) -> float:
        """The earliest time at which the balance is used up; whole seconds of billing may leave a little then."""
        if not self._spend:
            return float("inf")
        return now + max(0.0, self._least_balance(now) * 3600 / float(self._spend))

    def _open_lines(self, now: float) -> list[Line]:
        return [line.at(now) for lines in self._open.values() for line in lines]

    def _least_balance(self, now: float) -> float:
        owed = (now * float(self._spend) - self._rates_times_starts) / 3600
        return float(self._deposit - self._closed_amount) - owed

    def _add(self, line: Line, sign: int) -> None:
        self._spend += sign * line.rate
        self._rates_times_starts += sign * float(line.rate) * line.since
