"""What the namespaces of one client share."""

from __future__ import annotations

import copy
import math
import secrets
import time
from typing import TYPE_CHECKING, Literal, TypeVar
from weakref import WeakValueDictionary

import anyio

from tensorone._errors import AuthenticationError
from tensorone._events.rentals import Ended
from tensorone._generated import GraphQLClient
from tensorone._graphql import calls

from .given_tokens import GivenTokens
from .interruptions import Interruptions
from .merged_reads import MergedReads
from .polling import Poller, listing
from .rented import Rentals
from .spending import Spending

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from tensorone._concurrency.single_flight import SingleFlight
    from tensorone._delivery import Delivery
    from tensorone._generated import CloudType, Cluster
    from tensorone._graphql.executor import Executor
    from tensorone._graphql.operation import Operation


T = TypeVar("T")


class Session:
    """The executor, the generated client on it, and the shared listing.

    Attributes:
        events: Where everything that happens is reported.
        settle_time: Seconds after a lost response within which the server is expected to show what it did.
        reads: Reads that may share a request, and how many the server takes in one.
        tokens: What calls were given as `client_token`.
        by: Names this client among those that take turns at a fleet.
        unsettled: Tokens of a fleet that were sent, and when, while nobody saw what came of it, or while the call that
            rented may be repeated; seconds since 1970.
        fixed_prices: What on-demand GPUs cost, US dollars per GPU and hour, as they were read last: by GPU type and
            cloud type, with None the lowest of a type.
        label: Whether rentals carry a label that says what they are.
        bills_unsupported: Whether the server was found to tell no cluster's price.
        ports_unsupported: Whether it was found not to tell which ports a cluster opens.
    """

    def __init__(self, executor: Executor, *, settle_time: float, merge_reads: bool = True) -> None:
        self.executor = executor
        self.events = executor.events
        self.graphql = GraphQLClient(executor)
        self.reads = MergedReads(executor, merge=merge_reads)
        self._listing = listing(self.clusters)
        self.settle_time = settle_time
        self.fixed_prices: dict[tuple[str, CloudType | None], Decimal] = {}
        self.label = False
        self.bills_unsupported = self.ports_unsupported = False
        self._spending = Spending(self._listing, settle_time=settle_time)
        self.rentals = Rentals(settle_time=settle_time, events=self.events)
        self.tokens = GivenTokens()
        self.interruptions = Interruptions(self.events)
        self.by = secrets.token_hex(8)
        self._offset = -math.inf
        self.unsettled: dict[str, float] = {}
        self._pollers: WeakValueDictionary[float, Poller] = WeakValueDictionary()

    def now(self) -> float:
        """Seconds since 1970, by a clock that does not go back while this client lives."""
        self._offset = max(self._offset, time.time() - anyio.current_time())
        return self._offset + anyio.current_time()

    @property
    def listing(self) -> SingleFlight[dict[str, Cluster]]:
        """The shared listing; who shares it must be on the client's event loop."""
        self.executor.lifetime.require_open("ListClusters")
        return self._listing

    @property
    def spending(self) -> Spending:
        """What is spent per hour, and the limits; likewise, since what is spent is corrected by the listing."""
        self.executor.lifetime.require_open("ListClusters")
        return self._spending

    async def clusters(self) -> list[Cluster]:
        """All clusters of the account, by one request."""
        asked_at = anyio.current_time()
        account = known_account((await self.graphql.list_clusters()).myself, "ListClusters")
        clusters = [cluster for cluster in account.clusters or () if cluster is not None]
        self.rentals.listed(clusters, asked_at=asked_at)
        return clusters

    def ended(self, cluster_id: str, how: Literal["stop", "terminate"], *, told: bool = True) -> None:
        """A cluster was stopped or terminated: it counts towards no limit, and is not rented any more."""
        self.spending.ended(cluster_id)
        self.rentals.ended(cluster_id)
        if told:
            self.events.emit(Ended, cluster_id=cluster_id, how=how)

    def poller(self, every: float) -> Poller:
        """The polls of all who wait so many seconds between two of them."""
        self.executor.lifetime.require_open("ListClusters")
        poller = self._pollers.get(every)
        if poller is None:
            poller = self._pollers[every] = Poller(self._listing, every)
        return poller

    def limited(self, max_hourly_spend: Decimal) -> Session:
        """The same session, in which less may be spent."""
        scope = copy.copy(self)
        scope._spending = self._spending.within(max_hourly_spend)  # noqa: SLF001 - one of its own kind
        return scope

    def brief(self) -> Session:
        """The same session for calls that wait for nothing: what is unknown after one look is said to be unknown."""
        scope = copy.copy(self)
        scope.settle_time = 0.0
        return scope

    def tracked(self, delivery: Delivery) -> GraphQLClient:
        """The generated client for a single call that notes whether its request began to leave."""
        return GraphQLClient(_Tracked(self.executor, delivery))


class _Tracked:
    """An executor for one call."""

    def __init__(self, executor: Executor, delivery: Delivery) -> None:
        self._executor = executor
        self._delivery = delivery

    async def execute(self, operation: Operation[T], variables: Mapping[str, object]) -> T:
        """Runs the operation."""
        return await self._executor.run(operation, variables, self._delivery)


def known_account(account: T | None, operation: str) -> T:
    """The account that an answer holds.

    Raises:
        AuthenticationError: It holds none: null is how a server says that it does not know the key.
    """
    if account is None:
        raise AuthenticationError(
            f"{calls.name(operation)}: the server has no account for this key (check the key in TENSORONE_API_KEY)",
            operation=operation,
            attempts=1,
        )
    return account
