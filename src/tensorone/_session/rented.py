"""What a client rented and has not seen ended: `client.rented`, and the warning where a call ends early."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, NamedTuple
from weakref import WeakSet

import anyio

from tensorone._concurrency import unreported
from tensorone._data.dataclass import dataclass
from tensorone._events.emitter import Emitter
from tensorone._events.rentals import Ended, LeftBehind

from .cluster_status import STOPPED
from .token_and_expiry import CLIENT_TOKEN, value_of

if TYPE_CHECKING:
    from collections.abc import Container, Generator, Iterable, Mapping
    from decimal import Decimal

    from tensorone._generated import Cluster

__all__ = ["RentedCluster"]

MOST = 10_000  # records kept, and tokens; the oldest go first


@dataclass(frozen=True, slots=True, kw_only=True)
class RentedCluster:
    """A cluster that a client rented, resumed or adopted; a small value that serialises.

    Attributes:
        cluster_id: The cluster.
        client_token: The token it was rented with; None for one that was resumed.
        gpu_type_id: Its GPU type, as asked for; None where that is not known.
        gpu_count: Its GPUs, as asked for; None where that is not known.
        kind: ``"spot"`` or ``"on_demand"``; None where an earlier call rented it.
        usd_per_hour: What its GPUs cost, US dollars per hour; disks are not in it. Of a spot cluster its bid. Of an
            on-demand cluster the highest list price where `max_hourly_spend` had it read; else the price of its cloud
            type, or, where the server chose that, the lowest price of its GPU type, as this client last read them for
            another call such as ``spot.quotes``. None if it read none: a rental asks for nothing that it does not need.
        at: When, UTC.
    """

    cluster_id: str
    client_token: str | None
    gpu_type_id: str | None
    gpu_count: int | None
    kind: Literal["spot", "on_demand"] | None
    usd_per_hour: float | None
    at: datetime


class _Made(NamedTuple):
    """A rental on its way to whoever asked for it."""

    cluster_id: str
    rentals: Rentals

    def report(self, among: Iterable[unreported.Reportable], where: str) -> None:
        """Warns of those that are not known to have ended."""
        by_client: dict[int, tuple[Rentals, list[str]]] = {}
        for one in among:
            assert isinstance(one, _Made)  # noqa: S101 - several of one kind
            by_client.setdefault(id(one.rentals), (one.rentals, []))[1].append(one.cluster_id)
        for rentals, cluster_ids in by_client.values():
            rentals.warn(cluster_ids, where)


class Rentals:
    """The rentals of one client, its limited scopes included."""

    def __init__(self, *, settle_time: float, events: Emitter | None = None) -> None:
        self._settle_time = settle_time
        self._events = events or Emitter()
        self._events.pays(self)
        self._records: dict[str, tuple[RentedCluster, float]] = {}
        self._unsettled: dict[str, RentedCluster] = {}
        self._warned: set[str] = set()
        self._lost: dict[str, None] = {}
        self._under_way: set[str] = set()
        OPEN.add(self)

    @property
    def records(self) -> tuple[RentedCluster, ...]:
        """What was rented and not seen ended, the oldest first."""
        return tuple(record for record, _ in self._records.values())

    def since(self, token: str) -> float | None:
        """How long ago the latest one with a token was rented or adopted, seconds; None if there is none."""
        times = [since for record, since in self._records.values() if record.client_token == token]
        return anyio.current_time() - max(times) if times else None

    @property
    def usd_per_hour(self) -> float:
        """What they cost, as far as that is known."""
        return sum(record.usd_per_hour or 0.0 for record, _ in tuple(self._records.values()))

    @property
    def common(self) -> Mapping[str, str | int | float | bool | tuple[str, ...]]:
        """The attributes of its client."""
        return self._events.common

    @property
    def unsettled(self) -> tuple[str, ...]:
        """Tokens of rentals that may have happened."""
        return tuple(self._unsettled)

    @property
    def lost(self) -> Container[str]:
        """Those that were seen to run no more without this client's doing, of which an event has told."""
        return self._lost.keys()

    def add(self, record: RentedCluster) -> None:
        """A cluster was rented, resumed or adopted just now."""
        self._records.pop(record.cluster_id, None)
        self._records[record.cluster_id] = record, anyio.current_time()
        self._warned.discard(record.cluster_id)
        self._lost.pop(record.cluster_id, None)
        if record.client_token is not None:
            self._unsettled.pop(record.client_token, None)
        if len(self._records) > MOST:
            self.ended(next(iter(self._records)))
        unreported.note(_Made(record.cluster_id, self))

    def unknown(self, token: str, about: RentedCluster) -> None:
        """A rental may have happened: if its cluster shows up in a listing, it belongs here."""
        self._unsettled[token] = about
        if len(self._unsettled) > MOST:
            del self._unsettled[next(iter(self._unsettled))]

    def ended(self, cluster_id: str) -> None:
        """A cluster was stopped or terminated, or is gone."""
        self._records.pop(cluster_id, None)
        self._warned.discard(cluster_id)

    def seen(self, cluster: Cluster) -> None:
        """A cluster was read."""
        if cluster.desired_status in STOPPED:
            self._seen_ended(cluster.id)

    def listed(self, clusters: Iterable[Cluster], *, asked_at: float) -> None:
        """The account was listed: what is stopped or gone has ended, what was in doubt may show up."""
        if not self._records and not self._unsettled:
            return
        shown = {cluster.id: cluster for cluster in clusters}
        for cluster_id, (_, since) in tuple(self._records.items()):
            if cluster_id in shown:
                self.seen(shown[cluster_id])
            elif asked_at >= since + self._settle_time:  # before that the listing may lag
                self._seen_ended(cluster_id)
        if self._unsettled:
            for cluster in shown.values():
                self._settled(cluster)

    def _seen_ended(self, cluster_id: str) -> None:
        if cluster_id in self._records:
            self.ended(cluster_id)
            self._lost[cluster_id] = None
            if len(self._lost) > MOST:
                del self._lost[next(iter(self._lost))]
            self._events.emit(Ended, cluster_id=cluster_id, how="seen")

    def _settled(self, cluster: Cluster) -> None:
        token = value_of(cluster.env, CLIENT_TOKEN) or ""
        if token in self._unsettled and cluster.desired_status not in STOPPED:
            about = self._unsettled[token]
            self.add(replace(about, cluster_id=cluster.id))

    @contextmanager
    def under_way(self, what: str) -> Generator[None]:
        """While a call that bills has no answer.

        Args:
            what: The call in words, with its token or cluster.
        """
        self._under_way.add(what)
        try:
            yield
        finally:
            self._under_way.discard(what)

    def closing(self) -> None:
        """One warning of the calls without an answer: nobody may be left whom it reaches."""
        if self._under_way:
            calls = ", ".join(sorted(self._under_way))
            words = f"the client was closed before the answer to {calls}; what it began may run on and be billed"
            look = "look with client.clusters.list() or find()"
            self._events.emit(LeftBehind, cluster_ids=(), usd_per_hour=None, text=f"{words}: {look}")

    def told(self, cluster_ids: Iterable[str]) -> None:
        """A warning has named these: no other one does."""
        self._warned |= self._records.keys() & set(cluster_ids)

    def warn(self, cluster_ids: Iterable[str], where: str) -> None:
        """One warning that names what still runs, what it costs, and the call that ends it."""
        left = [self._records[each][0] for each in cluster_ids if each in self._records and each not in self._warned]
        if not left:
            return
        self.told(each.cluster_id for each in left)
        known = [each.usd_per_hour for each in left if each.usd_per_hour is not None]
        self._events.emit(
            LeftBehind,
            cluster_ids=tuple(each.cluster_id for each in left),
            usd_per_hour=sum(known) if known else None,
            text=f"{where} ended early. {described(left)}",
        )


OPEN: WeakSet[Rentals] = WeakSet()
"""Those of every client of this process: what may still be billed when it ends."""


def record(  # noqa: PLR0913 - what is known of one rental
    cluster_id: str,
    *,
    token: str | None,
    gpu_type_id: str | None,
    gpu_count: int | None,
    kind: Literal["spot", "on_demand"] | None,
    hourly: Decimal | None,
) -> RentedCluster:
    """A record of now; a price of zero where GPUs are billed is one that nobody asked for."""
    known = hourly is not None and (hourly > 0 or gpu_count == 0)
    return RentedCluster(
        cluster_id=cluster_id,
        client_token=token,
        gpu_type_id=gpu_type_id,
        gpu_count=gpu_count,
        kind=kind,
        usd_per_hour=float(hourly) if hourly is not None and known else None,
        at=datetime.now(UTC),
    )


def described(left: list[RentedCluster]) -> str:
    """What runs, what it costs and how to end it, as two sentences."""
    count, ids = len(left), [each.cluster_id for each in left]
    one = count == 1
    end = f"client.clusters.terminate({ids[0]!r})" if one else f"fan_out(client.clusters.terminate, {ids!r})"
    runs = f"1 cluster was rented and runs on{_price(left)}" if one else f"{count} clusters run on{_price(left)}"
    return f"{runs}: {', '.join(ids)}. To end {'it' if one else 'them'}: await {end}"


def _price(left: list[RentedCluster]) -> str:
    known = [each.usd_per_hour for each in left if each.usd_per_hour is not None]
    if not known:
        return ", at a price that is not known"
    total, unknown = f" at {sum(known):.2f} USD per hour", len(left) - len(known)
    return total + (f" and {unknown} more at a price that is not known" if unknown else "")
