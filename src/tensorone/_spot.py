"""`client.spot`: preemptible clusters, at a bid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _checks, _inputs, _markers, _rental, _resumption
from ._gpu_types import get as get_gpu_type
from ._specs import checked_spec

if TYPE_CHECKING:
    from ._generated import ClusterRentInterruptableInput, GraphQLClient, PlacedCluster
    from ._rental import Send
    from ._session import Session
from ._specs import ClusterSpec

__all__ = ["Spot", "SpotQuote"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotQuote:
    """What the market asks for a GPU type now; it promises no capacity.

    Attributes:
        gpu_type_id: The GPU type.
        gpu_count: GPUs in one cluster that the prices are for.
        minimum_bid: Least bid that would win now, US dollars per GPU and hour; None where there is no stock.
        on_demand_price: Fixed price, US dollars per GPU and hour; None where there is no stock.
    """

    gpu_type_id: str
    gpu_count: int
    minimum_bid: float | None
    on_demand_price: float | None

    @property
    def available(self) -> bool:
        """Whether there is anything to bid for."""
        return self.minimum_bid is not None

    @property
    def discount(self) -> float | None:
        """How much less the minimum bid is than the on-demand price: 0.6 for 60 per cent less."""
        if self.minimum_bid is None or not self.on_demand_price:
            return None
        return 1.0 - self.minimum_bid / self.on_demand_price


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
        price = (await get_gpu_type(self._session, gpu_type_id, gpu_count=gpu_count)).lowest_price
        return SpotQuote(
            gpu_type_id=gpu_type_id,
            gpu_count=gpu_count,
            minimum_bid=price.minimum_bid_price if price else None,
            on_demand_price=price.uninterruptable_price if price else None,
        )

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
        return await _rental.rent(self._session, _renting(wanted), token)

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


def _renting(wanted: ClusterRentInterruptableInput) -> Send:
    async def send(graphql: GraphQLClient) -> PlacedCluster | None:
        return (await graphql.rent_spot_cluster(wanted)).cluster_rent_interruptable

    return send
