"""Getting a stopped cluster running again: a loop round `plan_resume`, which decides."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import anyio

from tensorone._clusters import requests
from tensorone._clusters.resume_once import resume_once
from tensorone._delivery import DeadlineDelivery
from tensorone._errors import (
    ClusterNotFound,
    NoCapacity,
    OperationUnsupported,
    OutcomeUnknown,
    QueryError,
    SpendLimitReached,
    TensorOneError,
)
from tensorone._events.cleanup import Setback
from tensorone._market import catalogue, on_demand_price
from tensorone._market.attempt_log import Candidate
from tensorone._market.bidding import GiveUp, Wait
from tensorone._market.quotes import quote
from tensorone._market.spot_unsupported import no_spot
from tensorone._session import cluster_status

from .actions import AlreadyRunning, RentElsewhere, ResumeOnDemand, StartWithoutGpus, WaitForGpus
from .failures import Facts, Later, out_of_options, out_of_time
from .plan_resume import plan_resume
from .policy import learn, refusal_of

if TYPE_CHECKING:
    from tensorone._generated import Cluster, PlacedCluster
    from tensorone._market.attempt_log import AttemptLog, MarketKind
    from tensorone._market.quotes import SpotQuote
    from tensorone._market.shared_prices import SharedPrices
    from tensorone._session.session import Session

    from .actions import ResumeAttempt
    from .policy import Resumable, ResumePolicy


RATE_LIMITED = "rate limited until the deadline; nothing was sent"

LAST_POLL = 1.0  # seconds before the end at which the last poll begins


class Recovery:
    """One cluster: what is known of it, and what was tried.

    Attributes:
        known: What is known.
        cluster: As it was read last.
        bid_per_gpu: What it was resumed for, US dollars per GPU and hour; None for an on-demand resume or none at all.
        without_gpus: Whether it was started without GPUs, to save its data.
    """

    def __init__(  # noqa: PLR0913 - what one recovery is about
        self,
        session: Session,
        known: Resumable,
        policy: ResumePolicy,
        *,
        gpu_type_id: str | None,
        every: float,
        log: AttemptLog,
        seen: Cluster | None = None,
        misses: int = 0,
        market: SharedPrices | None = None,
    ) -> None:
        """Nothing is read or sent.

        Args:
            session: The client's.
            known: What is known of the cluster.
            policy: What is allowed.
            gpu_type_id: Its GPU type; None where no prices matter.
            every: Seconds between polls.
            log: Where attempts are written down.
            seen: The cluster as it was read just now, instead of a first poll.
            misses: Polls before this that did not find it.
            market: Where prices are asked for in a fleet, or of several GPU types; None asks for those of its own.
        """
        self.known = known
        self.cluster: Cluster | None = None
        self.bid_per_gpu: Decimal | None = None
        self.without_gpus = False
        self._session = session
        self._policy = policy
        self._gpu_type_id = gpu_type_id
        self._every = every
        self._log = log
        self._seen = seen
        self._market = market
        self._quote: SpotQuote | None = None
        self._cheapest: SpotQuote | None = None
        self._misses = misses
        self._started_at: float | None = None
        self._begun = 0.0
        self._last: Later | None = None  # a read that fails later says nothing new

    @property
    def started(self) -> bool:
        """Whether it was started here."""
        return self._started_at is not None

    async def run(self, end: float, *, until_up: bool) -> PlacedCluster | RentElsewhere:
        """Takes one step after the other until the cluster runs, or another has to be rented.

        Args:
            end: When no further step is begun, by anyio's clock.
            until_up: Wait for the container; otherwise a cluster that was started is enough.

        Raises:
            BidCeilingReached: The time is over, and at the end the market asked more than the ceiling.
            NoCapacity: The time is over, and at the end there were no GPUs to be had.
            WaitTimedOut: The time is over for another reason.
            TensorOneError: There is nothing more to be done.
        """
        self._begun = anyio.current_time()
        with self._log.attach_to_errors():
            while isinstance(found := await self.attempt(end, until_up=until_up), Later):
                if found.for_capacity:
                    self._log.note(self._candidate(), found.reason)
                await self._pause(found, end)
        return found

    async def attempt(self, end: float, *, until_up: bool) -> PlacedCluster | RentElsewhere | Later:
        """As `run`, up to where there is nothing to be done but wait: polls, and sends what may be sent now."""
        while await self._poll(end):
            plan = plan_resume(self.known, self._quote, self._policy, self._cheapest)
            if isinstance(plan, AlreadyRunning) and self.cluster is not None and (plan.up or not until_up):
                return self.cluster
            if isinstance(plan, RentElsewhere):
                return plan
            if isinstance(plan, GiveUp):
                raise out_of_options(self._facts(), plan.reason)
            if isinstance(plan, WaitForGpus):
                return Later(plan.seconds, plan.reason, awaits="gpus")
            if isinstance(plan, AlreadyRunning | Wait):
                return Later(self._every, plan.reason, awaits="market" if self._bids() else None)
            outcome = await self._try(plan, end)
            if isinstance(outcome, Later) or (outcome is not None and not until_up):
                return outcome
        return Later(self._every, f"cluster {self.known.cluster_id} could not be read, or only in part", awaits="read")

    async def _poll(self, end: float) -> bool:
        """Reads the cluster, and the prices if they matter; whether what was read may be built upon."""
        try:
            with anyio.CancelScope(deadline=end) as scope:
                self.cluster = await self._read()
                await self._ask_prices()
        except TensorOneError as error:
            if not error.retryable:
                raise
            cluster_id = self.known.cluster_id
            words = f"cluster {cluster_id} or its market could not be read: {error}"
            self._session.events.emit(Setback, text=words, cluster_id=cluster_id, error_type=type(error).__name__)
            return False
        if scope.cancelled_caught:
            return False
        if self._lags():
            return False
        self.known = self.known.seen(self.cluster)
        return True

    async def _read(self) -> Cluster | None:
        """The cluster; None once it was missing often enough in a row, read again at once, to be gone."""
        found, self._seen, misses = self._seen, None, self._misses
        while found is None and misses < cluster_status.MISSES_UNTIL_GONE:
            found, misses = await self._read_once(), misses + 1
        return found

    async def _read_once(self) -> Cluster | None:
        try:
            return (await self._session.graphql.get_cluster(self.known.cluster_id)).cluster
        except ClusterNotFound:
            return None

    def _prices_matter(self) -> bool:
        stopped = self.cluster is not None and self.cluster.desired_status == "EXITED"
        return stopped and self._policy.bidding is not None and self._gpu_type_id is not None

    def _bids(self) -> bool:
        """Whether it starts by a bid, as far as is known."""
        return self._prices_matter() and self.known.kind != "on_demand" and "spot" not in self.known.refused_kinds

    async def _ask_prices(self) -> None:
        if self._prices_matter() and self._gpu_type_id is not None:
            if self._market is None:
                self._quote = await self._own_quote(self._gpu_type_id)
                return
            self._quote = await self._market.quote(self._gpu_type_id, self.known.refused_bids)
            self._cheapest = await self._market.cheapest(self._gpu_type_id)

    async def _own_quote(self, gpu_type_id: str) -> SpotQuote:
        try:
            return await quote(self._session, gpu_type_id, gpu_count=max(self.known.gpu_count, 1))
        except QueryError as error:
            if type(error) is QueryError:  # such as for a GPU type that does not exist
                await catalogue.check(self._session, [gpu_type_id], error)
            raise

    def _lags(self) -> bool:
        """Whether what was read may be older than the start that was accepted."""
        if self._started_at is None or self.cluster is None or self.cluster.desired_status != "EXITED":
            return False
        return anyio.current_time() < self._started_at + self._session.settle_time

    async def _pause(self, later: Later, end: float) -> None:
        """Waits for the next poll: shortly before the end there is a last one."""
        if self._last is None or later.awaits != "read":
            self._last = later
        left = end - LAST_POLL - anyio.current_time()
        if left <= 0:
            raise out_of_time(self._facts(), self._last, max(end - self._begun, 0.0), seen=self.cluster)
        seconds = min(self._every, later.seconds, left)
        self._log.end_round(seconds)
        await anyio.sleep(seconds)
        waited = self.known.waited + (seconds if later.awaits == "gpus" else 0)
        self.known = replace(self.known, gpus_gone=False, refused_bids=(), waited=waited)

    async def _try(self, plan: ResumeAttempt, end: float) -> PlacedCluster | Later | None:
        """Sends one resume; a refusal becomes knowledge, and None. The cluster, if it started."""
        paying = None if isinstance(plan, ResumeOnDemand) else plan.bid_per_gpu
        kind: MarketKind = "on_demand" if paying is None else "spot"
        candidate = self._candidate()
        try:
            started = await self._send(plan, paying, end)
        except TensorOneError as error:
            sent = None if isinstance(error, SpendLimitReached) else paying
            self._log.note(candidate, plan.reason, paying=sent, answer=str(error), kind=kind)
            return self._refused(plan, error)
        if started is None:
            self._log.note(candidate, plan.reason, paying=paying, answer=RATE_LIMITED, kind=kind)
            return Later(self._every, RATE_LIMITED)
        self._log.note(candidate, plan.reason, paying=paying, answer="started", kind=kind)
        self._started_at, self.bid_per_gpu = anyio.current_time(), paying
        self.without_gpus = isinstance(plan, StartWithoutGpus)
        return started

    def _facts(self) -> Facts:
        return Facts(known=self.known, bidding=self._policy.bidding, quote=self._quote, log=self._log)

    def _candidate(self) -> Candidate | None:
        return None if self._gpu_type_id is None else Candidate(self._gpu_type_id, None)

    async def _send(self, plan: ResumeAttempt, bid: Decimal | None, end: float) -> PlacedCluster | None:
        """The cluster that started; None if the time was over before the request began to leave."""
        cluster_id = self.known.cluster_id
        gpu_count = 0 if isinstance(plan, StartWithoutGpus) else plan.gpu_count

        if bid is None:
            request = requests.resuming(cluster_id, gpu_count, self._gpu_type_id)
        else:
            request = requests.resuming_spot(cluster_id, gpu_count, float(bid))
        with anyio.CancelScope(deadline=end) as scope:
            hourly = await self._hourly(bid, gpu_count)
            delivery = DeadlineDelivery(scope)
            return await resume_once(self._session, cluster_id, request, hourly=hourly, delivery=delivery)
        return None

    async def _hourly(self, bid: Decimal | None, gpu_count: int) -> Decimal | None:
        """What a start costs, US dollars per hour; None where the fixed price is not known."""
        if bid is not None or gpu_count == 0:
            return (bid or Decimal(0)) * gpu_count
        if self._gpu_type_id is None:
            return None
        try:
            return await on_demand_price.hourly(self._session, self._gpu_type_id, gpu_count=gpu_count, cloud_type=None)
        except NoCapacity as error:  # which says nothing about the machine that the cluster is bound to
            await catalogue.check(self._session, [self._gpu_type_id], error)
            return None

    def _refused(self, plan: ResumeAttempt, error: TensorOneError) -> Later | None:
        refusal = refusal_of(error)
        if refusal is not None:
            self.known = learn(self.known, plan, refusal)
            return None
        if isinstance(error, OperationUnsupported) and not isinstance(plan, ResumeOnDemand):
            raise no_spot(error) from error
        if isinstance(error, OutcomeUnknown) or error.retryable:
            return Later(self._every, str(error))  # its state shows by then: a second start makes no duplicate
        raise error
