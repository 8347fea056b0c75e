"""`client.clusters`: one method per operation, and loops that wait for clusters, watch or end them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tensorone import _checks
from tensorone._clusters import end, get_many, rent_once, wait
from tensorone._clusters.reap import reap
from tensorone._display.listing import Listing
from tensorone._session import token_and_expiry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from decimal import Decimal

    from tensorone._account.bills import ClusterBill
    from tensorone._clusters.lease import OnExit
    from tensorone._clusters.reap import Reaped
    from tensorone._clusters.spec import ClusterSpec
    from tensorone._clusters.watch import Watch
    from tensorone._generated import Cluster, ClusterState, PlacedCluster
    from tensorone._market.attempt_log import Attempt
    from tensorone._market.bidding import BidPolicy
    from tensorone._session.session import Session

__all__ = ["Clusters"]


class Clusters:
    """On-demand clusters, and what applies to all clusters."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def deploy(
        self,
        spec: ClusterSpec,
        *,
        client_token: str | None = None,
        token_sent_at: datetime | None = None,
        expires_in: float | None = None,
    ) -> PlacedCluster:
        """Deploys an on-demand cluster; returns once it has a machine, before its container runs.

        Bills compute and container disk while it runs, and the volume until it is terminated. Sends one request;
        further GPU types of the spec are tried only after a definite refusal. When an answer is lost, the call
        searches the account's clusters for the token until it knows what happened. When the call is cancelled, it
        terminates what it rented before the cancellation continues.

        Args:
            spec: What to deploy.
            client_token: A token of your own makes the call repeatable, also by another process: if a cluster
                carries it, the call returns that one and rents nothing. Up to 128 letters, digits and ``. : _ + -``.
            token_sent_at: When another process may last have sent the token, as after a crash or in a queue that
                hands out a job twice; ``datetime.now(UTC)`` if that is not known. The server may commit that rental
                late, so the call looks for it until `settle_time` after this moment before it rents. Without it, the
                call looks once.
            expires_in: Seconds after which `reap` may end the cluster; kept in its environment.

        Raises:
            NoCapacity: No machine fits; nothing was rented.
            SpendLimitReached: It would cost more than `max_hourly_spend` leaves; no rental was sent.
            OutcomeUnknown: The answer was lost, and the outcome could not be found out; the error holds the token.
            TensorOneError: Anything else in the tree of errors.

        Source: ``clusterFindAndDeployOnDemand`` in the published example requests.
        """
        from tensorone._clusters.deploy import deploy

        return await deploy(
            self._session, spec, client_token=client_token, token_sent_at=token_sent_at, expires_in=expires_in
        )

    async def resume(self, cluster_id: str, *, gpu_count: int, gpu_type_id: str | None = None) -> PlacedCluster:
        """Starts a stopped on-demand cluster on the machine it is bound to.

        Bills compute and container disk from now on. Sends one request; after a lost answer it reads the cluster.

        Args:
            cluster_id: The cluster.
            gpu_count: GPUs to start with; 0 starts without, to reach the data. The server may give fewer.
            gpu_type_id: The cluster's GPU type. Needed only under a `max_hourly_spend`, which counts the start at
                the highest list price of that type.

        Raises:
            NoCapacity: Others rent the machine's GPUs; nothing was started.
            SpendLimitReached: It would cost more than `max_hourly_spend` leaves, or its price is unknown.
            ClusterNotFound: The account has no such cluster.
            OutcomeUnknown: The answer was lost, and the cluster has not started so far.
            QueryError: The server refused, for instance because it is a spot cluster: use ``spot.resume``.

        Source: ``clusterResume`` in the published example requests.
        """
        from tensorone._clusters.resume import resume

        return await resume(self._session, cluster_id, gpu_count=gpu_count, gpu_type_id=gpu_type_id)

    async def stop(self, cluster_id: str) -> ClusterState:
        """Stops a cluster: releases its GPUs and empties its container disk. Safe to repeat.

        Ends the bill for compute and container disk. The volume stays and stays billed, at RunPod for twice as much.

        Args:
            cluster_id: The cluster.

        Raises:
            ClusterNotFound: The account has no such cluster.
            TensorOneError: Anything else in the tree of errors; the cluster may still run and be billed.

        Source: ``clusterStop`` in the published example requests.
        """
        return await end.stop(self._session, cluster_id)

    async def terminate(self, cluster_id: str) -> None:
        """Deletes a cluster with its volume and ends its whole bill. Safe to repeat: a missing cluster is no error.

        Args:
            cluster_id: The cluster.

        Raises:
            TensorOneError: It failed; the cluster may still exist and be billed.

        Source: ``podTerminate`` of the sibling API, by analogy; not among the published example requests.
        """
        await end.terminate(self._session, cluster_id)

    async def get(self, cluster_id: str) -> Cluster:
        """One cluster as it is now. Bills nothing.

        Calls that wait at the same time share a request, but each has its own result, error and time limit; see the
        client's `merge_reads`.

        Args:
            cluster_id: The cluster.

        Raises:
            ClusterNotFound: The account has no such cluster, or no longer has it.
            TensorOneError: Anything else in the tree of errors.

        Source: ``cluster(input: {clusterId})`` in the published example requests.
        """
        return await get_many.get(self._session, cluster_id)

    async def find(self, client_token: str, *, timeout: float = 0.0) -> Cluster | None:
        """The cluster that carries a client token, or None. Bills nothing.

        A listing may lag and a server may commit late. After a crash, pass a `timeout`: the call then repeats the
        search for so many seconds before it returns None. It never returns a terminated cluster.

        Args:
            client_token: The token given to `deploy` or ``spot.rent``, or found in an `OutcomeUnknown`.
            timeout: Seconds to repeat the search; 0 searches once.

        Raises:
            TensorOneError: A listing failed.
        """
        return await rent_once.find(
            self._session, token_and_expiry.token(_checks.text("client_token", client_token)), timeout
        )

    async def wait_until(
        self, cluster_id: str, predicate: Callable[[Cluster], bool], *, timeout: float, every: float = 5.0
    ) -> Cluster:
        """Waits until a cluster reaches a wanted state. All waits on one client share one listing per interval.

        Args:
            cluster_id: The cluster.
            predicate: Called with the cluster at each poll; a true result ends the wait.
            timeout: Seconds to wait at most; has no default, since a waiting cluster is billed.
            every: Seconds between polls.

        Raises:
            WaitTimedOut: It did not reach the state in time; `.last_seen` is the cluster as last seen.
            ClusterNotFound: The cluster does not exist, or no longer exists.
            TensorOneError: A poll failed permanently; transient failures are retried until the `timeout`.
        """
        return await wait.wait_until(self._session, cluster_id, predicate, timeout=timeout, every=every)

    async def wait_until_running(
        self, cluster_id: str, *, timeout: float, port: int | None = None, every: float = 5.0
    ) -> Cluster:
        """Waits until a cluster's container is up: status RUNNING, a runtime, and the port if one is named.

        RUNNING alone is the desired state. It is billed although the image may still be pulled, which takes up to
        20 minutes for large images at the sibling service.

        Args:
            cluster_id: The cluster.
            timeout: Seconds to wait at most.
            port: A port inside the container that must be mapped too.
            every: Seconds between polls.

        Raises:
            WaitTimedOut: It does not run yet, and is billed; `.last_seen` shows how far it is. Raised at once if it
                was RUNNING and is now stopped: it was preempted, or someone stopped it, and only another resume
                starts it. A cluster that is stopped from the first poll on may still be resumed, so the wait goes on.
            ClusterNotFound: The cluster does not exist, or no longer exists.
            InvalidArgument: Its container runs, and the cluster does not open the port: it is asked once, at the second
                look at a container without it. The cluster is left as it is, and billed, as `.billing` says.
        """
        if port is not None:
            _checks.port_number("port", port)
        return await wait.wait_until_up(self._session, cluster_id, port, timeout=timeout, every=every)

    async def ensure_running(  # noqa: PLR0913 - each a keyword of its own
        self,
        cluster_id: str,
        *,
        gpu_count: int,
        timeout: float,
        bidding: BidPolicy | None = None,
        gpu_type_id: str | None = None,
        wait_for_gpus: float = 0.0,
        start_without_gpus: bool = False,
        min_gpu_count: int | None = None,
        port: int | None = None,
        every: float = 5.0,
        on_attempt: Callable[[Attempt], object] | None = None,
    ) -> Cluster:
        """Makes sure that a cluster runs, and waits until its container is up; it never leaves its machine.

        Resumes a stopped cluster, on-demand or by bids, as `plan_resume` decides, and leaves a running one as it is.
        Bills as `resume` and ``spot.resume`` do.

        Args:
            cluster_id: The cluster.
            gpu_count: GPUs to start with.
            timeout: Seconds after which nothing new is sent.
            bidding: How to bid; required for a spot cluster. Its ceiling also applies to the fixed price of an
                on-demand cluster.
            gpu_type_id: The cluster's GPU type, to fetch the market's prices; required with `bidding`, and under a
                `max_hourly_spend`.
            wait_for_gpus: Seconds to wait for the machine's GPUs when others rent them; the volume is billed. Less than
                `timeout` with `start_without_gpus`.
            start_without_gpus: When others rent the GPUs, start without any, to save the data.
            min_gpu_count: Fewer GPUs than this are an error; without it, fewer than `gpu_count` are. At least 1, but
                with `start_without_gpus` or a `gpu_count` of 0.
            port: A port inside the container that must be mapped too. One that the cluster does not open is refused
                before it is started, where the server tells which it opens.
            every: Seconds between polls.
            on_attempt: Called with each attempt as it is made; an exception that it raises is logged.

        Raises:
            NoCapacity: Others rent the machine's GPUs; or the cluster runs with too few, and `.billing` says so.
            BidCeilingReached: The market asks more than the policy allows, and the policy gives up.
            ClusterNotFound: It was terminated, or never existed.
            WaitTimedOut: It did not run in time; `.last_seen` is the cluster.
            QueryError: It is a spot cluster and no `bidding` was given, or the server refuses every kind of resume.

        Source: a loop over ``cluster``, ``gpuTypes``, ``clusterResume`` and ``clusterBidResume``; the ports of a
        cluster are known from the sibling API.
        """
        from tensorone._recovery.ensure_running import ensure_running

        return await ensure_running(
            self._session,
            cluster_id,
            gpu_count=gpu_count,
            timeout=timeout,
            bidding=bidding,
            gpu_type_id=gpu_type_id,
            wait_for_gpus=wait_for_gpus,
            start_without_gpus=start_without_gpus,
            min_gpu_count=min_gpu_count,
            port=port,
            every=every,
            on_attempt=on_attempt,
        )

    def lease(
        self,
        spec: ClusterSpec,
        *,
        timeout: float,
        on_exit: OnExit,
        port: int | None = None,
        expires_in: float | None = None,
    ) -> AbstractAsyncContextManager[Cluster]:
        """An on-demand cluster for the length of a block: ``async with client.clusters.lease(…) as cluster:``.

        Deploys it and waits until it runs. At the end of the block, stops or terminates it, also after an error and
        when cancelled; this takes `settle_time` and 15 s at most. Bills as `deploy` does.

        Args:
            spec: What to rent.
            timeout: Seconds for its start.
            on_exit: ``"terminate"`` deletes its volume; ``"stop"`` keeps the volume, which stays billed.
            port: A port inside the container that must be mapped before the block begins.
            expires_in: Seconds after which `reap` may end the cluster, should this process die; more than `timeout`.

        Raises:
            WaitTimedOut: It was rented and did not run in time, or was stopped while it started. It was then ended
                as `on_exit` says.
            OutcomeUnknown: Ending the cluster after the block did not succeed; `.billing` names it.
            TensorOneError: It was not rented; see `deploy`.

        Source: ``clusterFindAndDeployOnDemand``, then ``clusterStop`` or ``clusterTerminate``, of the published
        example requests.
        """
        from tensorone._clusters.lease import lease_on_demand

        return lease_on_demand(self._session, spec, timeout=timeout, on_exit=on_exit, port=port, expires_in=expires_in)

    def watch(self, cluster_ids: Iterable[str] | None = None, *, every: float = 5.0) -> Watch:
        """Reports changes of clusters. All who watch or wait on one client share one listing per interval.

        ``async with client.clusters.watch() as changes: async for change in changes: ...`` yields `Appeared` for
        each cluster that exists at the first poll. From then on it yields `Appeared`, `StatusChanged`, `RuntimeUp`,
        `RuntimeDown`, `PortsChanged` and `Gone`, each the difference between two consecutive polls. What begins and
        ends between two polls is not seen. The iterator polls only while it is asked, and starts no task: a reader
        that was busy gets everything that changed since its last poll. Transient failures are logged and retried.
        Bills nothing.

        Args:
            cluster_ids: The clusters to watch; None for all of the account, including future ones. A named cluster
                that is missing from the first two listings is `Gone`; if the listing lagged, it may still appear.
            every: Seconds between polls.

        Raises:
            InvalidArgument: An argument is invalid; nothing was sent.
            ConfigurationError: The iterator is used outside of its block.
            TensorOneError: From the iterator: a poll failed permanently. The iterator can still be used.

        Source: ``myself { clusters }`` in the published example requests.
        """
        from tensorone._clusters.watch import Watch

        return Watch(self._session, cluster_ids, every=every)

    async def reap(self, *, action: Literal["stop", "terminate"], dry_run: bool) -> Listing[Reaped]:
        """Ends the clusters whose `expires_in` has passed; made for cron.

        Reads the deadlines from the clusters themselves, so it works although the process that rented them is gone.
        It never touches a cluster without a deadline.

        Args:
            action: ``"stop"`` keeps the volume, which stays billed; ``"terminate"`` deletes it.
            dry_run: True only reports what would be done.

        Returns:
            One entry per expired cluster, with the error where ending it failed.

        Raises:
            TensorOneError: The listing failed; nothing was done.
        """
        return Listing(await reap(self._session, action=action, dry_run=dry_run))

    async def get_many(self, cluster_ids: Iterable[str]) -> Listing[Cluster | None]:
        """Many clusters as they are now, by one request for every 50 of them. Bills nothing.

        If one cluster of a request cannot be read, the others are read by a second request, and this one by itself.
        A request that the server refuses as a whole is halved, down to single clusters if necessary.

        Args:
            cluster_ids: The clusters, in any order; one that is named twice is read once.

        Returns:
            One entry per id, in the order given; None where the account has no such cluster, or no longer has it.

        Raises:
            InvalidArgument: An id is invalid; nothing was sent.
            TensorOneError: A cluster could not be read, even by itself. The others are not returned then: for one
                outcome per cluster, use ``fan_out(client.clusters.get, cluster_ids)``.

        Source: ``cluster(input: {clusterId})`` in the published example requests, with aliases.
        """
        return Listing(await get_many.get_many(self._session, cluster_ids))

    async def bills(self) -> Listing[ClusterBill]:
        """What is known of the price, kind and size of each cluster of the account. Bills nothing.

        No public source of the service shows these fields; they are known from the sibling API. Where the server lacks
        them, which the client remembers, the bills are those of the clusters that a client with ``label=True`` rented.
        What nobody tells is None.

        Returns:
            One entry per cluster, stopped ones too.

        Raises:
            AuthenticationError: The key is not valid.
            TensorOneError: Anything else in the tree of errors.

        Source: ``costPerHr``, ``podType``, ``gpuCount``, ``volumeInGb``, ``lastStatusChange`` and ``gpuDisplayName``
        of the sibling API, by analogy.
        """
        from tensorone._account.bills import bills

        return Listing(await bills(self._session))

    async def highest_price(self, spec: ClusterSpec) -> Decimal | None:
        """The most that `deploy` may cost with this spec, US dollars per hour, disks not included. Bills nothing.

        The highest list price of its GPU types in its cloud type; in any cloud type, where it names none, since the
        server then chooses. As ``limited(max_hourly_spend=…)`` the price binds the deployment.

        Args:
            spec: What to deploy.

        Returns:
            The price; None where the server does not tell that of each GPU type.

        Raises:
            NoCapacity: No GPU of any of its types is free.
            InvalidArgument: One of its GPU types does not exist.
            TensorOneError: The prices could not be read.

        Source: ``lowestPrice`` in the published example requests; ``securePrice`` and ``communityPrice`` of the
        sibling API.
        """
        from tensorone._clusters.deploy import highest_price

        return await highest_price(self._session, spec)

    # Last, because its name hides the builtin from the annotations that follow it.
    async def list(self) -> Listing[Cluster]:
        """All clusters of the account, stopped ones too. Bills nothing.

        Raises:
            AuthenticationError: The key is not valid.
            TensorOneError: Anything else in the tree of errors.

        Source: ``myself { clusters }`` in the published example requests.
        """
        return Listing(await self._session.clusters())
