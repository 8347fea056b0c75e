"""Limits on what a client commits per hour: counted before anything is sent, corrected by what the account shows."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import anyio

from tensorone._errors import OutcomeUnknown, SpendLimitReached, TensorOneError
from tensorone._graphql import calls

from . import cluster_status, token_and_expiry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tensorone._concurrency.single_flight import SingleFlight
    from tensorone._delivery import Delivery
    from tensorone._generated import Cluster, PlacedCluster

    from .polling import Snapshot

KNOWN_BY_TYPE = " (a gpu_type_id helps, where the server lists its price)"


class Commitment(NamedTuple):
    """What one rental or resume costs per hour; `settled_at` is None while its request is under way."""

    hourly: Decimal
    cluster_id: str | None = None
    settled_at: float | None = None


class SpendLimit:
    """One limit in US dollars per hour, and what counts towards it, by token or cluster."""

    def __init__(self, amount: Decimal) -> None:
        self.amount = amount
        self.held: dict[str, Commitment] = {}

    def of(self, key: str) -> dict[str, Commitment]:
        """What is held under a key, or for the cluster of that name."""
        return {held: one for held, one in self.held.items() if key in (held, one.cluster_id)}

    def committed(self, key: str = "") -> Decimal:
        """The sum, without what is held under the key: that is about to be replaced."""
        mine = self.of(key)
        return sum((one.hourly for held, one in self.held.items() if held not in mine), Decimal(0))

    def counted(self, key: str, hourly: Decimal) -> Decimal:
        """What a request counts for: what it asks for, or the larger amount of what may still run under its key."""
        return max([hourly, *(one.hourly for one in self.of(key).values())])

    def excess(self, key: str, hourly: Decimal) -> Decimal:
        """How much more than allowed there would be."""
        return self.committed(key) + self.counted(key, hourly) - self.amount

    def hold(self, key: str, hourly: Decimal) -> dict[str, Commitment]:
        """Counts a request that is about to be sent; answers with what it counts instead of."""
        before, counted = self.of(key), self.counted(key, hourly)
        self.drop(key)
        self.held[key] = Commitment(counted)
        return {held: one for held, one in before.items() if one.settled_at is not None}

    def restore(self, key: str, before: dict[str, Commitment]) -> None:
        """Counts what was counted before a request that was refused."""
        self.drop(key)
        self.held |= before

    def settle(self, key: str, hourly: Decimal, cluster_id: str | None) -> None:
        """The request is over: it got a cluster, or, with None, nobody knows."""
        counted = self.counted(key, hourly)
        self.drop(key)
        self.held[key] = Commitment(counted, cluster_id, anyio.current_time())

    def drop(self, key: str) -> None:
        """Counts no longer what is held under a key or for the cluster of that name."""
        mine = self.of(key)
        self.held = {held: one for held, one in self.held.items() if held not in mine}

    def reached(self, operation: str, requested: Decimal | None, key: str, *, hint: str = "") -> SpendLimitReached:
        """The error of a request that does not fit; None for a price that is not known."""
        committed = self.committed(key)
        if requested is None:
            words = f"its price is not known{hint}, so it does not fit max_hourly_spend={self.amount}"
        else:
            words = f"{self.counted(key, requested)} USD per hour more would exceed max_hourly_spend={self.amount}"
        return SpendLimitReached(
            f"{calls.name(operation)}: {words}, of which {committed} are committed; nothing was sent"
            " (end a cluster, or raise the limit)",
            limit=float(self.amount),
            committed=float(committed),
            requested=None if requested is None else float(requested),
            operation=operation,
        )


class Spending:
    """The limits that hold for one client, or for a scope of it; what is committed counts towards each."""

    def __init__(
        self, listing: SingleFlight[dict[str, Cluster]], *, settle_time: float, limits: tuple[SpendLimit, ...] = ()
    ) -> None:
        self._listing = listing
        self._settle_time = settle_time
        self._limits = limits

    def within(self, amount: Decimal) -> Spending:
        """The same with a limit more."""
        return Spending(self._listing, settle_time=self._settle_time, limits=(*self._limits, SpendLimit(amount)))

    @property
    def limited(self) -> bool:
        """Whether any limit holds."""
        return bool(self._limits)

    async def covering(  # noqa: PLR0913 - what one call that bills is about
        self,
        key: str,
        hourly: Decimal | None,
        call: Callable[[], Awaitable[PlacedCluster]],
        *,
        operation: str,
        delivery: Delivery,
        known: str | None = None,
    ) -> PlacedCluster:
        """Makes a call that costs so much per hour, if it fits; counts it for as long as it may be billed.

        Args:
            key: What the call is for: the token of a rental, or the cluster to resume.
            hourly: US dollars per hour; None if unknown, which fits no limit.
            call: What costs.
            operation: The operation that it sends.
            delivery: Whether its request began to leave.
            known: The cluster, where there is one already.

        Raises:
            SpendLimitReached: It would cross a limit, also after a fresh listing of what still runs; nothing was sent.
        """
        before = await self._reserve(operation, key, hourly, hint=KNOWN_BY_TYPE if known else "")
        try:
            placed = await call()
        except BaseException as error:
            if not delivery.begun or (isinstance(error, TensorOneError) and _refused(error)):
                for limit, held in zip(self._limits, before, strict=True):
                    limit.restore(key, held)
            else:
                self._settle(key, hourly, known)
            raise
        self._settle(key, hourly, placed.id)
        return placed

    def adopted(self, cluster: Cluster, hourly: Decimal | None) -> None:
        """Counts a cluster that an earlier call rented, if it may run; None, an unknown price, fills a limit."""
        if cluster.desired_status in cluster_status.STOPPED:
            return
        for limit in self._limits:
            limit.settle(cluster.id, limit.amount if hourly is None else hourly, cluster.id)

    def ended(self, key: str) -> None:
        """A cluster was stopped or terminated."""
        for limit in self._limits:
            limit.drop(key)

    async def _reserve(
        self, operation: str, key: str, hourly: Decimal | None, *, hint: str
    ) -> list[dict[str, Commitment]]:
        for limit in self._limits:
            if hourly is None:
                raise limit.reached(operation, None, key, hint=hint)
            if limit.excess(key, hourly) > 0 or limit.counted(key, hourly) > hourly:
                await self._refresh(limit)
        asked = hourly or Decimal(0)
        for limit in self._limits:  # nothing is awaited from here on, so that no two requests take the same room
            if limit.excess(key, asked) > 0:
                raise limit.reached(operation, asked, key)
        return [limit.hold(key, asked) for limit in self._limits]

    def _settle(self, key: str, hourly: Decimal | None, cluster_id: str | None) -> None:
        for limit in self._limits:
            limit.settle(key, hourly or Decimal(0), cluster_id)

    async def _refresh(self, limit: SpendLimit) -> None:
        """Forgets what a listing shows to run no more; without a listing, everything goes on counting."""
        try:
            snapshot = await self._listing.fresh()
        except TensorOneError:
            return
        limit.held = {key: one for key, one in limit.held.items() if self._counts(key, one, snapshot)}

    def _counts(self, key: str, one: Commitment, snapshot: Snapshot) -> bool:
        if one.settled_at is None or snapshot.asked_at < one.settled_at + self._settle_time:
            return True  # under way, or so new that the listing may lag
        if one.cluster_id is None:
            found = token_and_expiry.with_token(snapshot.value.values(), key)
        else:
            found = [cluster for cluster in (snapshot.value.get(one.cluster_id),) if cluster is not None]
        return any(cluster.desired_status not in cluster_status.STOPPED for cluster in found)


def _refused(error: TensorOneError) -> bool:
    """Whether nothing runs because of a request that failed so."""
    return not isinstance(error, OutcomeUnknown) and error.billing is None
