"""`client.spot`: preemptible clusters, at a bid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _checks, _inputs, _lease, _markers, _rental, _resumption
from ._acquire import Search, SpotRental, checked_bidding, renting
from ._quotes import quote, quotes
from ._specs import checked_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractAsyncContextManager

    from ._acquire import Attempt
    from ._bidding import BidPolicy
    from ._generated import Cluster, GraphQLClient, PlacedCluster
    from ._lease import OnExit
    from ._quotes import SpotQuote
    from ._session import Session
from ._specs import ClusterSpec

__all__ = ["Spot"]


class Spot:
    """Spot clusters: cheaper, and taken away when someone pays more."""

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

    async def quotes(self, gpu_type_ids: Iterable[str] | None = None, *, gpu_count: int = 1) -> list[SpotQuote]:
        """The market's prices for several GPU types, by one request for every 50 of them. Bills nothing.

        Args:
            gpu_type_ids: Full product names; without them all types that the service lists, by one request more.
            gpu_count: GPUs in one cluster.

        Returns:
            Cheapest minimum bid first. A type without stock comes last, with `.available` False; so does one that
            the service does not know or fails to price, with `.problem` saying why.

        Raises:
            TensorOneError: The request failed for all of them.

        Source: as in `quote`, with aliases.
        """
        return await quotes(self._session, gpu_type_ids, gpu_count=gpu_count)

    async def rent(
        self,
        spec: ClusterSpec,
        *,
        bid_per_gpu: float,
        client_token: str | None = None,
        expires_in: float | None = None,
    ) -> PlacedCluster:
        """Bids once for a spot cluster; answers once it has a machine, before its container runs.

        Bills the bid per GPU and hour while it runs, container disk while it runs, and the volume until it is
        terminated. Lost answers and cancellation are treated as in ``clusters.deploy``.

        Args:
            spec: What to rent; names a single GPU type.
            bid_per_gpu: US dollars per GPU and hour.
            client_token: A token of your own makes the call repeatable, also by another process.
            expires_in: Seconds after which ``clusters.reap`` may end the cluster; kept in its environment.

        Raises:
            BidTooLow: The market asks more; nothing was rented.
            NoCapacity: No machine fits; nothing was rented.
            OutcomeUnknown: The answer was lost and what happened stayed unknown; the error holds the token.

        Source: ``clusterRentInterruptable`` in the published example requests.
        """
        checked_spec(spec)
        token = _markers.token(client_token)
        markers = _inputs.markers(token, expires_in)
        wanted = _inputs.spot(spec, _inputs.only_candidate(spec), _inputs.bid(bid_per_gpu), markers)
        if client_token is not None and (existing := await _rental.adopt(self._session, token)):
            return existing
        return await _rental.rent(self._session, renting(wanted), token)

    async def acquire(  # noqa: PLR0913 - each a keyword of its own
        self,
        spec: ClusterSpec,
        *,
        bidding: BidPolicy,
        timeout: float,
        client_token: str | None = None,
        expires_in: float | None = None,
        on_attempt: Callable[[Attempt], object] | None = None,
    ) -> SpotRental:
        """Bids until a spot cluster is won, within a ceiling and a deadline.

        Asks the market for the price of each GPU type of the spec in turn, bids as the policy says, raises what
        was refused as too low, and takes the next type where there is no capacity; then begins anew, after a pause.
        At no time is more than one cluster rented: a lost answer is looked up before anything else is tried.
        Bills the bid that wins, as `rent` does. A bid under way at the deadline is followed to its end; a
        cancelled one is cleaned up as in `rent`.

        Args:
            spec: What to rent; several GPU types are tried in order of preference.
            bidding: How to bid; its ceiling is never passed.
            timeout: Seconds after which no new bid is made.
            client_token: A token of your own makes the call repeatable, also by another process.
            expires_in: Seconds after which ``clusters.reap`` may end the cluster; kept in its environment.
            on_attempt: Called with each attempt as it is made; what it raises is logged.

        Raises:
            BidCeilingReached: The market asks more than the policy allows; `.ledger` holds all attempts.
            NoCapacity: There is no spot capacity; `.ledger` holds all attempts.
            OutcomeUnknown: An answer was lost and what happened stayed unknown; the error holds the token.
            TensorOneError: A refusal that bidding cannot mend: bad input, the key, the credit.

        Source: a loop over ``gpuTypes`` and ``clusterRentInterruptable``.
        """
        checked_spec(spec)
        _checks.seconds("timeout", timeout)
        checked_bidding(bidding)
        token = _markers.token(client_token)
        markers = _inputs.markers(token, expires_in)
        search = Search(self._session, spec, bidding, markers=markers, token=token, on_attempt=on_attempt)
        if client_token is not None and (existing := await _rental.adopt(self._session, token)):
            return SpotRental(cluster=existing, gpu_type_id=None, bid_per_gpu=None, attempts=())
        return await search.run(timeout)

    def lease(  # noqa: PLR0913 - each a keyword of its own
        self,
        spec: ClusterSpec,
        *,
        bidding: BidPolicy,
        timeout: float,
        on_exit: OnExit,
        port: int | None = None,
        expires_in: float | None = None,
    ) -> AbstractAsyncContextManager[Cluster]:
        """A spot cluster for the length of a block: ``async with client.spot.lease(…) as cluster:``.

        Bids as `acquire` does and waits until the cluster runs; on the way out stops or terminates it, also after an
        error and when cancelled, for `settle_time` and 15 s at most. It does not replace a cluster that is preempted.

        Args:
            spec: What to rent; several GPU types are tried in order of preference.
            bidding: How to bid; its ceiling is never passed.
            timeout: Seconds for winning it and for its start, together.
            on_exit: ``"terminate"`` deletes its volume; ``"stop"`` keeps the volume, which stays billed.
            port: A port inside the container that must be mapped before the block begins.
            expires_in: Seconds after which ``clusters.reap`` may end the cluster, should this process die.

        Raises:
            WaitTimedOut: It was rented and did not run in time; it was ended as `on_exit` says.
            OutcomeUnknown: The block is over, and ending the cluster did not succeed; `.billing` names it.
            TensorOneError: It was not won; see `acquire`.

        Source: ``clusterRentInterruptable``, then ``clusterStop`` or ``clusterTerminate``, of the published requests.
        """

        async def rent() -> str:
            rental = await self.acquire(spec, bidding=bidding, timeout=timeout, expires_in=expires_in)
            return rental.cluster.id

        return _lease.lease(self._session, rent, timeout=timeout, on_exit=on_exit, port=port)

    async def resume(self, cluster_id: str, *, bid_per_gpu: float, gpu_count: int) -> PlacedCluster:
        """Starts a stopped spot cluster on the machine it is bound to, with a new bid. One attempt.

        Bills the bid per GPU and hour from now on. A lost answer is settled by reading the cluster.

        Args:
            cluster_id: The cluster.
            bid_per_gpu: US dollars per GPU and hour.
            gpu_count: GPUs to start with; the server may give fewer.

        Raises:
            BidTooLow: The market asks more; nothing was started.
            NoCapacity: The machine's GPUs are taken; nothing was started.
            ClusterNotFound: The account has no such cluster.
            OutcomeUnknown: The answer was lost and the cluster did not start so far.
            QueryError: The server refused, for instance because it is an on-demand cluster: use ``clusters.resume``.

        Source: ``clusterBidResume`` in the published example requests.
        """
        _checks.cluster_id(cluster_id)
        bid = _inputs.bid(bid_per_gpu)
        _checks.integer("gpu_count", gpu_count, least=0)

        async def send(graphql: GraphQLClient) -> PlacedCluster | None:
            answer = await graphql.resume_spot_cluster(cluster_id, bid_per_gpu=bid, gpu_count=gpu_count)
            return answer.cluster_bid_resume

        return await _resumption.resume(self._session, cluster_id, send, operation="ResumeSpotCluster")
