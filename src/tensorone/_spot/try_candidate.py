"""One attempt of a search at one candidate: sent at most once, and noted whatever came of it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import anyio

from tensorone import _delivery
from tensorone._clusters import rent_once, requests
from tensorone._errors import BidTooLow, QueryError, SpendLimitReached, TensorOneError, UnexpectedResponse
from tensorone._market import on_demand_price
from tensorone._market.spot_unsupported import asking_for_spot
from tensorone._session.cluster_status import lost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorone._clusters.spec import ClusterSpec
    from tensorone._generated import Cluster, PlacedCluster
    from tensorone._market.attempt_log import AttemptLog, Candidate, MarketKind
    from tensorone._market.bidding import Bid
    from tensorone._market.quotes import SpotQuote
    from tensorone._session.session import Session


CUT_OFF = {True: "cancelled, and undone", False: "put off by the server, and the time was over"}


MAX_FAILED_READS = 3  # reads in a row that fail in a way that need not pass


class Renter:
    """Rents for one search, with one token.

    Attributes:
        scope: In which everything happens. Its deadline rests while a request that rents is under way, so that such a
            one ends as won, refused or unknown; see `_aftermath.DeadlineDelivery`.
    """

    def __init__(
        self, session: Session, spec: ClusterSpec, ledger: AttemptLog, *, token: str, tags: dict[str, str]
    ) -> None:
        self.scope = anyio.CancelScope()
        self._session = session
        self._spec = spec
        self._ledger = ledger
        self._token = token
        self._tags = tags

    async def adopt(self, ceiling: Decimal | float) -> Cluster | None:
        """The cluster of an earlier call with the same token; its price is not known, and no more than the ceiling."""
        cluster = await rent_once.adopt(self._session, self._token)
        if cluster is not None:
            self._session.spending.adopted(cluster, Decimal(ceiling) * self._spec.gpu_count)
        return cluster

    async def bid(self, candidate: Candidate, bid: Bid) -> PlacedCluster | TensorOneError:
        """A spot cluster at a bid; answers with a refusal that can be mended, and raises any other."""
        spec = candidate.of(self._spec)
        wanted = requests.spot(spec, candidate.gpu_type_id, float(bid.bid_per_gpu), self._tags)
        with asking_for_spot():
            return await self._send(candidate, requests.renting(wanted), bid.bid_per_gpu, bid.reason, "spot")

    async def deploy(self, candidate: Candidate, price: Decimal) -> PlacedCluster | TensorOneError:
        """An on-demand cluster at the fixed price; likewise."""
        wanted = requests.on_demand(candidate.of(self._spec), candidate.gpu_type_id, self._tags)
        reason = f"on-demand at {price} USD per GPU-hour, since no bid won"
        return await self._send(candidate, requests.deploying(wanted), price, reason, "on_demand")

    async def _send(
        self, candidate: Candidate, send: requests.Send, paying: Decimal, reason: str, kind: MarketKind
    ) -> PlacedCluster | TensorOneError:
        delivery, hourly = _delivery.DeadlineDelivery(self.scope), paying * self._spec.gpu_count
        answer: PlacedCluster | TensorOneError
        try:
            answer = await rent_once.rent(self._session, send, self._token, hourly=hourly, delivery=delivery)
        except TensorOneError as error:
            answer = error
        except BaseException:
            if delivery.sent:
                self._ledger.note(candidate, reason, paying=paying, answer=CUT_OFF[delivery.begun], kind=kind)
            raise
        if not isinstance(answer, TensorOneError):
            self._ledger.note(candidate, reason, paying=paying, answer="won", kind=kind)
            return answer
        if delivery.sent:
            self._ledger.note(candidate, reason, paying=paying, answer=str(answer), kind=kind)
        else:
            self._ledger.note(candidate, str(answer), kind=kind)
        delivery.settled()
        if not can_be_mended(answer):
            raise answer
        await anyio.lowlevel.checkpoint()  # if it came late, the search ends here
        return answer

    async def lost(self, won: Mapping[str, float]) -> frozenset[str]:
        """Which of these clusters, won at these times, do not run any more; none where nobody can tell."""
        try:
            seen = await self._session.listing.fresh()
        except TensorOneError:
            return frozenset()
        return lost(won, seen.value, asked_at=seen.asked_at, settle_time=self._session.settle_time)

    async def price(self, candidate: Candidate, quote: SpotQuote | None, *, ceiling: Decimal | float) -> Decimal | None:
        """The fixed price, US dollars per GPU and hour; None where it is not to be paid, which is noted.

        Args:
            candidate: What for.
            quote: What the market asks; None for a server without spot, which is asked for the fixed price alone.
            ceiling: What is paid at most.
        """
        try:
            price = await self._price(candidate, quote)
        except TensorOneError as error:
            self._ledger.note(
                candidate, "on-demand: the fixed price could not be read", answer=str(error), kind="on_demand"
            )
            if not passes(error, 1):
                raise
            return None
        if price is not None and price <= ceiling:
            return price
        known = "not known now" if price is None else f"{price} USD per GPU-hour, more than {ceiling}"
        self._ledger.note(candidate, f"on-demand: the fixed price is {known}", kind="on_demand")
        return None

    async def _price(self, candidate: Candidate, quote: SpotQuote | None) -> Decimal | None:
        gpu_type_id, gpu_count = candidate.gpu_type_id, self._spec.gpu_count
        if quote is None:
            quoted = await on_demand_price.lowest(self._session, gpu_type_id, gpu_count=gpu_count)
        else:
            quoted = quote.on_demand_price
        return await on_demand_price.of(self._session, gpu_type_id, candidate.cloud_type, quoted)


def can_be_mended(error: TensorOneError) -> bool:
    """Whether a rental that failed rented nothing, and another candidate, bid or time may do. Pure."""
    return isinstance(error, BidTooLow | SpendLimitReached) or (error.retryable and error.billing is None)


def passes(error: TensorOneError, times: int) -> bool:
    """Whether a read that failed so many times in a row is worth another try: one bad answer proves nothing. Pure."""
    return error.retryable or (type(error) in (QueryError, UnexpectedResponse) and times < MAX_FAILED_READS)
