"""`client.spot`: preemptible clusters, at a bid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Unpack

from tensorone._display.listing import Listing
from tensorone._market.quotes import quote, quotes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from decimal import Decimal

    from tensorone._clusters.lease import OnExit
    from tensorone._clusters.spec import ClusterSpec
    from tensorone._concurrency.outcome import Outcome
    from tensorone._fleet._store.store import Store
    from tensorone._fleet.keep_running import KeepRunning
    from tensorone._generated import CloudType, Cluster, PlacedCluster
    from tensorone._market.attempt_log import Attempt
    from tensorone._market.bidding import BidPolicy
    from tensorone._market.quotes import SpotQuote
    from tensorone._recovery.policy import Strategy
    from tensorone._session.session import Session
    from tensorone._spot.acquire_many import Mode
    from tensorone._spot.candidates import Order
    from tensorone._spot.lease import SearchOptions
    from tensorone._spot.result import SpotRental
    from tensorone._spot.terms import Capacity

__all__ = ["Spot"]


class Spot:
    """Spot clusters: cheaper, and preempted when someone bids more."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def quote(self, gpu_type_id: str, *, gpu_count: int = 1) -> SpotQuote:
        """The market's prices for a GPU type. Bills nothing.

        Args:
            gpu_type_id: Full product name, such as ``"NVIDIA RTX A6000"``.
            gpu_count: GPUs in one cluster.

        Raises:
            QueryError: There is no such GPU type.

        Source: ``gpuTypes(input: {id})`` with ``lowestPrice`` in the published example requests.
        """
        return await quote(self._session, gpu_type_id, gpu_count=gpu_count)

    async def quotes(self, gpu_type_ids: Iterable[str] | None = None, *, gpu_count: int = 1) -> Listing[SpotQuote]:
        """The market's prices for several GPU types, by one request for every 50 of them. Bills nothing.

        Args:
            gpu_type_ids: Full product names; without them all types that the service lists, by one more request.
            gpu_count: GPUs in one cluster.

        Returns:
            Lowest minimum bid first. A type without stock comes last, with `.available` False; so does one that
            the service does not know or fails to price, with the reason in `.problem`.

        Raises:
            TensorOneError: The request failed for all of them.

        Source: as in `quote`, with aliases.
        """
        return Listing(await quotes(self._session, gpu_type_ids, gpu_count=gpu_count))

    async def rent(
        self,
        spec: ClusterSpec,
        *,
        bid_per_gpu: float,
        client_token: str | None = None,
        token_sent_at: datetime | None = None,
        expires_in: float | None = None,
    ) -> PlacedCluster:
        """Bids once for a spot cluster; returns once it has a machine, before its container runs.

        Bills the bid per GPU and hour while it runs, container disk while it runs, and the volume until it is
        terminated. Handles lost answers and cancellation as ``clusters.deploy`` does.

        Args:
            spec: What to rent; names a single GPU type.
            bid_per_gpu: US dollars per GPU and hour.
            client_token: A token of your own makes the call repeatable, also by another process.
            token_sent_at: When another process may last have sent the token, as in ``clusters.deploy``.
            expires_in: Seconds after which ``clusters.reap`` may end the cluster; kept in its environment.

        Raises:
            BidTooLow: The market asks more; nothing was rented.
            NoCapacity: No machine fits; nothing was rented.
            OutcomeUnknown: The answer was lost, and the outcome could not be found out; the error holds the token.

        Source: ``clusterRentInterruptable`` in the published example requests.
        """
        from tensorone._clusters.deploy import rent_spot

        return await rent_spot(
            self._session,
            spec,
            bid_per_gpu=bid_per_gpu,
            client_token=client_token,
            token_sent_at=token_sent_at,
            expires_in=expires_in,
        )

    async def acquire(  # noqa: PLR0913 - each a keyword of its own
        self,
        spec: ClusterSpec,
        *,
        bidding: BidPolicy,
        timeout: float,
        cloud_types: Iterable[CloudType | str] | None = None,
        order: Order = "prioritized",
        capacity: Capacity = "spot",
        on_demand_ceiling: Decimal | float | None = None,
        on_demand_after: float = 0.0,
        every: float = 15.0,
        client_token: str | None = None,
        token_sent_at: datetime | None = None,
        expires_in: float | None = None,
        on_attempt: Callable[[Attempt], object] | None = None,
    ) -> SpotRental:
        """Bids until a spot cluster is won, within a ceiling and a deadline.

        Fetches the prices of all GPU types of the spec and bids for one candidate after the other as the policy says.
        Raises a bid that was too low, and puts a candidate without capacity on cool-down. Pauses and cool-downs
        double, with jitter, up to `every`. Retries transient failures until the deadline, and skips a candidate that
        exceeds a limit or whose price cannot be read. Never rents more than one cluster: a lost answer is looked up
        before anything else is tried. A bid under way at the deadline is followed to its end, and nothing is sent
        after it; a cancelled bid is cleaned up as in `rent`. Bills the bid that wins, as `rent` does.

        Args:
            spec: What to rent; several GPU types are tried.
            bidding: How to bid; its ceiling is never exceeded.
            timeout: Seconds after which nothing new is sent.
            cloud_types: Cloud types to try (``"SECURE"``, ``"COMMUNITY"``), in order of preference: each GPU type in
                each of them.
            order: Which candidate is tried first: ``"prioritized"`` in the order given, ``"lowest_price"`` by the
                market's minimum bid, ``"diversified"`` another one each time, so that one event hits fewer.
            capacity: ``"auto"`` rents on-demand when every bid of a round failed on the market, or the server
                offers no spot clusters at all. An on-demand cluster is billed its fixed price and never preempted.
            on_demand_ceiling: Required for ``"auto"``: the highest fixed price to pay, US dollars per GPU and hour.
                It is compared with the list price of the candidate's cloud type, with the highest list price if no
                cloud type is given, and with the lowest quoted price for ``"ALL"``. If that price is unknown, nothing
                is rented on-demand.
            on_demand_after: Seconds to bid before on-demand is considered; less than `timeout`.
            every: Longest pause between two rounds, and between two attempts at one candidate, seconds.
            client_token: A token of your own makes the call repeatable, also by another process.
            token_sent_at: When another process may last have sent the token, as in ``clusters.deploy``. The call then
                looks for its cluster until `settle_time` after this moment; `timeout` must be longer than that.
            expires_in: Seconds after its rental when ``clusters.reap`` may end the cluster; kept in its environment.
            on_attempt: Called with each attempt as it is made; an exception that it raises is logged.

        Raises:
            BidCeilingReached: The market asks more than the policy allows.
            NoCapacity: There is no spot capacity.
            WaitTimedOut: At the deadline the market could not be read, as in an outage; nothing was rented.
            OperationUnsupported: This server offers no spot clusters.
            SpendLimitReached: No bid fits what `max_hourly_spend` leaves.
            OutcomeUnknown: An answer was lost, and the outcome could not be found out; the error holds the token.
            InvalidArgument: An argument is invalid; or the cluster of the `client_token` is stopped, and `recover`
                would start it.
            TensorOneError: A refusal that bidding cannot change, such as an invalid key or exhausted credit. Each of
                these errors has all attempts in `.ledger`.

        Source: a loop over ``gpuTypes`` and ``clusterRentInterruptable``.
        """
        from tensorone._spot.acquire import acquire

        return await acquire(
            self._session,
            spec,
            bidding=bidding,
            timeout=timeout,
            cloud_types=cloud_types,
            order=order,
            capacity=capacity,
            on_demand_ceiling=on_demand_ceiling,
            on_demand_after=on_demand_after,
            every=every,
            client_token=client_token,
            token_sent_at=token_sent_at,
            expires_in=expires_in,
            on_attempt=on_attempt,
        )

    async def acquire_many(  # noqa: PLR0913 - each a keyword of its own
        self,
        spec: ClusterSpec,
        count: int,
        *,
        bidding: BidPolicy,
        timeout: float,
        mode: Mode,
        cloud_types: Iterable[CloudType | str] | None = None,
        order: Order = "diversified",
        capacity: Capacity = "spot",
        on_demand_ceiling: Decimal | float | None = None,
        on_demand_after: float = 0.0,
        every: float = 15.0,
        client_token: str | None = None,
        token_sent_at: datetime | None = None,
        expires_in: float | None = None,
        on_attempt: Callable[[Attempt], object] | None = None,
    ) -> Listing[Outcome[int, SpotRental]]:
        """Several spot clusters at once, each won as `acquire` does; all searches share their price requests.

        Bills each winning bid from the moment it wins. When the call is cancelled, it terminates all that it won.
        No search outbids another: a minimum bid that would only displace a cluster of this call counts as no capacity.
        A listing at the end finds clusters that were lost in the meantime. They count as not won, and are terminated,
        since their volumes would be billed; clusters that an earlier call with the same `client_token` rented stay.

        Args:
            spec: What to rent.
            count: How many clusters.
            bidding: How to bid for each.
            timeout: Seconds after which no new bid is made.
            mode: ``"all_or_nothing"`` terminates the clusters it won when one cannot be won, and raises;
                ``"best_effort"`` keeps them.
            cloud_types: As in `acquire`.
            order: As in `acquire`; ``"diversified"`` spreads the clusters over the candidates.
            capacity: As in `acquire`.
            on_demand_ceiling: As in `acquire`.
            on_demand_after: As in `acquire`.
            every: As in `acquire`.
            client_token: A token of your own makes the call repeatable; the n-th cluster's is ``<token>-<n>``.
            token_sent_at: As in `acquire`.
            expires_in: As in `acquire`.
            on_attempt: As in `acquire`.

        Returns:
            One outcome per cluster: a `SpotRental`, or the error of the search that won none.

        Raises:
            TensorOneError: With ``"all_or_nothing"``, the first error. The clusters won before it were terminated;
                `.billing` names those that may still run.

        Source: a loop over ``gpuTypes`` and ``clusterRentInterruptable``.
        """
        from tensorone._spot.acquire_many import acquire_many

        return Listing(
            await acquire_many(
                self._session,
                spec,
                count,
                bidding=bidding,
                timeout=timeout,
                mode=mode,
                cloud_types=cloud_types,
                order=order,
                capacity=capacity,
                on_demand_ceiling=on_demand_ceiling,
                on_demand_after=on_demand_after,
                every=every,
                client_token=client_token,
                token_sent_at=token_sent_at,
                expires_in=expires_in,
                on_attempt=on_attempt,
            )
        )

    def lease(
        self,
        spec: ClusterSpec,
        *,
        bidding: BidPolicy,
        timeout: float,
        on_exit: OnExit,
        port: int | None = None,
        **search: Unpack[SearchOptions],
    ) -> AbstractAsyncContextManager[Cluster]:
        """A spot cluster for the length of a block: ``async with client.spot.lease(…) as cluster:``.

        Bids as `acquire` does and waits until the cluster runs. At the end of the block, stops or terminates it, also
        after an error and when cancelled; this takes `settle_time` and 15 s at most. It does not replace a preempted
        cluster: a preemption during the start ends the wait at once.

        Args:
            spec: What to rent; several GPU types are tried.
            bidding: How to bid; its ceiling is never exceeded.
            timeout: Seconds for winning it and for its start, together.
            on_exit: ``"terminate"`` deletes its volume; ``"stop"`` keeps the volume, which stays billed.
            port: A port inside the container that must be mapped before the block begins.
            **search: `cloud_types`, `order`, `capacity`, `on_demand_ceiling`, `on_demand_after`, `every`, `expires_in`
                and `on_attempt`, each as in `acquire`.

        Raises:
            WaitTimedOut: It was rented and did not run in time, or was preempted while it started, as `.last_seen`
                shows. It was then ended as `on_exit` says.
            OutcomeUnknown: Ending the cluster after the block did not succeed; `.billing` names it.
            TensorOneError: It was not won; see `acquire`.

        Source: ``clusterRentInterruptable``, then ``clusterStop`` or ``clusterTerminate``, of the published requests.
        """
        from tensorone._spot.lease import lease_spot

        return lease_spot(self._session, spec, bidding=bidding, timeout=timeout, on_exit=on_exit, port=port, **search)

    async def recover(  # noqa: PLR0913 - each a keyword of its own
        self,
        cluster_id: str,
        spec: ClusterSpec,
        *,
        bidding: BidPolicy,
        timeout: float,
        strategy: Strategy = "in_place",
        wait_for_gpus: float = 0.0,
        start_without_gpus: bool = False,
        cloud_types: Iterable[CloudType | str] | None = None,
        order: Order = "prioritized",
        every: float = 15.0,
        own_bids: Mapping[str, Iterable[Decimal | float]] | None = None,
        client_token: str | None = None,
        expires_in: float | None = None,
        on_attempt: Callable[[Attempt], object] | None = None,
    ) -> SpotRental:
        """Gets a spot cluster running again that was preempted or stopped; what `plan_resume` decides, done.

        Bills the bid that wins. A cluster that runs already is returned as it is. The old cluster is never
        terminated: where another takes its place, its volume stays where it was and stays billed, which the result
        says in `left_behind`, and the log as a warning.

        Args:
            cluster_id: The cluster.
            spec: What it was rented as, with the cluster's own GPU type first: the `.spec` of its `SpotRental`. Bids
                for it follow that type's prices. Its volume size tells what a volume left behind costs.
            bidding: How to bid; its ceiling is never passed.
            timeout: Seconds after which nothing new is begun.
            strategy: ``"in_place"`` never leaves the machine; ``"replace_same"`` rents the same GPU type elsewhere
                when the machine's GPUs are gone or the cluster is; ``"replace_next"`` any GPU type of the spec, in
                `order`, also when the market asks too much for this one; ``"replace_cheapest"`` the cheapest, also
                when that only costs less than this one, with the volume that is left behind.
            wait_for_gpus: Seconds to wait for the machine's GPUs before anything else is tried; less than `timeout`
                where anything else is allowed.
            start_without_gpus: When the GPUs are gone and the strategy is to stay in place, start with none, to save
                the data.
            cloud_types: For a replacement, as in `acquire`.
            order: For a replacement, as in `acquire`.
            every: Seconds between polls.
            own_bids: The bids of your own running clusters by GPU type, US dollars per GPU and hour, as in
                ``{"NVIDIA A40": [0.21, 0.22]}``. Where the market's minimum is caused by one of them (up to a cent, or
                five per cent, more), winning would only end that cluster, and nothing is bid. So recoveries in several
                processes do not outbid each other.
            client_token: A token of your own makes the call repeatable, also after a crash. What an earlier call rented
                with it comes first: if it runs, it is the result, with `kind` None and the old cluster in
                `left_behind`; if it is stopped, it is started again where it is, and the old cluster is not. With a
                strategy that may rent, the call ends `settle_time` after it began at the earliest: then the token is
                looked for once more, since a rental of a call that was killed may be committed late, and of several
                clusters one is kept. A cluster that carries the token itself is not replaced by it.
            expires_in: For a replacement, as in `acquire`.
            on_attempt: Called with each attempt as it is made, not awaited; what it raises is logged.

        Raises:
            NoCapacity: The machine's GPUs are taken and the strategy allows nothing else; there are none elsewhere; or
                at the deadline nothing was on offer.
            BidCeilingReached: The market asks more than the policy allows: at the deadline, or at once where the policy
                gives up.
            ClusterNotFound: It was terminated, or never was, and the strategy is to stay in place.
            WaitTimedOut: The time is over for another reason, such as reads that fail; `.last_seen` is the cluster.
            InvalidArgument: An argument is invalid, and nothing was sent; or the cluster found by the token was stopped
                just now.
            OutcomeUnknown: The answer to a replacement's rental was lost and what happened stayed unknown.

        Source: a loop over ``cluster``, ``gpuTypes``, ``clusterBidResume`` and ``clusterRentInterruptable``.
        """
        from tensorone._spot.recover import recover

        return await recover(
            self._session,
            cluster_id,
            spec,
            bidding=bidding,
            timeout=timeout,
            strategy=strategy,
            wait_for_gpus=wait_for_gpus,
            start_without_gpus=start_without_gpus,
            cloud_types=cloud_types,
            order=order,
            every=every,
            own_bids=own_bids,
            client_token=client_token,
            expires_in=expires_in,
            on_attempt=on_attempt,
        )

    def keep_running(  # noqa: PLR0913 - each a keyword of its own
        self,
        specs: Mapping[str, ClusterSpec],
        *,
        bidding: BidPolicy,
        every: float = 15.0,
        strategy: Strategy = "in_place",
        wait_for_gpus: float = 0.0,
        start_without_gpus: bool = False,
        cloud_types: Iterable[CloudType | str] | None = None,
        order: Order = "prioritized",
        bids: Mapping[str, Decimal | float | None] | None = None,
        width: int = 4,
        budget: Decimal | float | None = None,
        max_hourly_spend: Decimal | float | None = None,
        backoff_initial: float = 15.0,
        backoff_max: float = 300.0,
        stable_after: float = 120.0,
        expires_in: float | None = None,
        left_behind: Literal["keep", "terminate"] = "keep",
        store: Store | None = None,
        state: str | Callable[[], str | None] | None = None,
        on_state: Callable[[str], object] | None = None,
    ) -> KeepRunning:
        """Keeps spot clusters running: ``async with client.spot.keep_running({id: spec}, …) as events: async for …``.

        Yields `Preempted`, `BidMade`, `Recovered`, `Moved`, `GaveUp`, `StatusUnknown` and `BudgetReached`. One
        listing per interval polls all clusters; for what stopped one round of attempts is made, as `recover` does,
        several side by side, and where the market has nothing to bid for, the next one follows at the next poll. All
        of it happens while the iterator is asked, so ask it again soon: between two calls nothing is watched, and no
        task lives. Asking with a timeout loses nothing: a bid under way then may come to its end, for `settle_time`
        and 15 s at most, and is undone otherwise. A cluster that you stop yourself is recovered like any other: end
        this first. One that the first listings do not show and that is not in `bids` is given up, whatever the
        strategy: its id may be mistyped. The fleet does not bid where the market's minimum is caused by the bid of
        another of its own clusters: is that bid and up to a cent, or five per cent, more.

        A cluster is replaced once, whoever does it: the token of a replacement follows from the cluster's id. What an
        earlier run or another keeper of the same clusters rented is adopted, and of two that were rented at the same
        time one is kept. So that another keeper is seen in time, the rentals of a round begin at a moment that is drawn
        from the first half of the interval. ``.left_behind`` has the clusters that were replaced and still exist.

        Args:
            specs: The clusters by id, each with the spec that it was rented as and its own GPU type first: the
                `.spec` of its `SpotRental`.
            bidding: How to bid for all of them.
            every: Seconds between polls.
            strategy: As in `recover`.
            wait_for_gpus: As in `recover`.
            start_without_gpus: As in `recover`; `Recovered` says so, and the cluster then counts as running.
            cloud_types: For replacements, as in `acquire`.
            order: For replacements, as in `acquire`.
            bids: What the clusters are billed now, US dollars per GPU and hour, where that is known: the
                `.bid_per_gpu` of their `SpotRental`. What is not known counts as the ceiling until its next bid, and is
                not known to be outbid by another of the fleet.
            width: Recoveries side by side at most.
            budget: US dollars for all clusters from the first poll on, estimated from bids, GPUs and time, after
                which nothing is bid for; what runs goes on running.
            max_hourly_spend: US dollars per hour that a recovery must not lead across.
            backoff_initial: Seconds before the second recovery in a row of one cluster; doubles with each further one.
            backoff_max: Seconds, upper bound of that.
            stable_after: Seconds of running after which a cluster's next recovery starts at once again.
            expires_in: For replacements, as in `acquire`.
            left_behind: What to do with a cluster that another one replaced, once that runs: ``"keep"`` it, whose
                volume stays billed, or ``"terminate"`` it, which deletes its volume.
            store: Where the state is kept between two runs: ``FileStore("fleet.json")``. It is read when the block is
                entered, written whenever `on_state` would be called, and belongs to one run at a time. That one writes
                what changed; a store of your own gets the whole state, unless it is a `tensorone.fleet.JournalStore`.
            state: A saved state to continue from, of a process that ended: ``.state``, or what `on_state` was called
                with. Or a function that reads it, called at the start and before each save: then a keeper that finds
                that another one has continued from its state refuses to go on, and needs to draw no moment.
            on_state: Called with the state as text, not awaited: after each poll, before anything is done or reported,
                before each rental, and after each round of recoveries. What it raises comes out of the iterator; after
                a poll nothing is done or reported then, a rental is not sent, and after a round its events are yielded
                by the next call. The state holds what was sent, what was left behind, and the events not read yet: a
                process that continues from it yields those of the last save again.

        Raises:
            InvalidArgument: An argument is invalid; nothing was sent. From the iterator of a new fleet, before anything
                is rented: a GPU type does not exist, or none of a spec's is offered in its cloud type.
            ConfigurationError: The iterator is asked outside of its block, another run has the store, or another keeper
                has taken the clusters over.
            TensorOneError: From the iterator: polls fail in a way that is not transient, from the third consecutive
                failure on for a wrong key or a server that lacks the listing, from the twentieth for other answers of
                the server; lost connections are survived for ever. It may be asked again.

        Source: a loop over ``myself { clusters }`` and what `recover` uses.
        """
        from tensorone._fleet.keep_running import keep_running

        return keep_running(
            self._session,
            specs,
            terms={"bidding": bidding, "cloud_types": cloud_types, "order": order, "every": every},
            strategy=strategy,
            wait_for_gpus=wait_for_gpus,
            start_without_gpus=start_without_gpus,
            bids=bids,
            width=width,
            budget=budget,
            max_hourly_spend=max_hourly_spend,
            backoff_initial=backoff_initial,
            backoff_max=backoff_max,
            stable_after=stable_after,
            expires_in=expires_in,
            left_behind=left_behind,
            store=store,
            state=state,
            on_state=on_state,
        )

    async def resume(self, cluster_id: str, *, bid_per_gpu: float, gpu_count: int) -> PlacedCluster:
        """Starts a stopped spot cluster on the machine it is bound to, with a new bid. One attempt.

        Bills the bid per GPU and hour from now on. After a lost answer it reads the cluster.

        Args:
            cluster_id: The cluster.
            bid_per_gpu: US dollars per GPU and hour.
            gpu_count: GPUs to start with; the server may give fewer.

        Raises:
            BidTooLow: The market asks more; nothing was started.
            NoCapacity: Others rent the machine's GPUs; nothing was started.
            ClusterNotFound: The account has no such cluster.
            OutcomeUnknown: The answer was lost, and the cluster has not started so far.
            QueryError: The server refused, for instance because it is an on-demand cluster: use ``clusters.resume``.

        Source: ``clusterBidResume`` in the published example requests.
        """
        from tensorone._clusters.resume import resume_spot

        return await resume_spot(self._session, cluster_id, bid_per_gpu=bid_per_gpu, gpu_count=gpu_count)
