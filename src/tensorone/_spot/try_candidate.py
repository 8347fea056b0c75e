"""One attempt of a search at one candidate: sent at most once, and logged whatever its result."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import anyio

from tensorone._clusters import rent_once, requests
from tensorone._delivery import DeadlineDelivery
from tensorone._errors import TensorOneError
from tensorone._graphql import calls
from tensorone._market import on_demand_price
from tensorone._market.spot_unsupported import asking_for_spot
from tensorone._session.cluster_status import lost

from .candidates import narrowed
from .result import SpotRental, adopted, won
from .search_state import is_recoverable, is_transient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tensorone._market.attempt_log import Candidate, MarketKind
    from tensorone._market.bidding import Bid
    from tensorone._market.quotes import SpotQuote
    from tensorone._session.session import Session

    from .request import SpotRequest

INTERRUPTED = {True: "cancelled, and undone", False: "rate limited until the deadline; nothing was sent"}


class Renter:
    """Rents for one search, with one token.

    Attributes:
        scope: The cancel scope of the search. Its deadline is suspended while a rental is under way, so that the
            rental ends as won, refused or unknown; see `DeadlineDelivery`.
    """

    def __init__(self, session: Session, request: SpotRequest) -> None:
        self.scope = anyio.CancelScope()
        self._session = session
        self._request = request
        self._log = request.log

    async def adopt(self) -> SpotRental | None:
        """The cluster of an earlier call with the token; it counts at the ceiling, since its price is unknown."""
        request = self._request
        cluster = await rent_once.adopt(self._session, request.token, sent_at=request.sent_at)
        if cluster is None:
            return None
        ceiling = Decimal(request.terms.bidding.ceiling)
        self._session.spending.adopted(cluster, ceiling * request.spec.gpu_count)
        return adopted(request, cluster)

    async def bid(self, candidate: Candidate, bid: Bid) -> SpotRental | TensorOneError:
        """Bids for a spot cluster. Returns a refusal that another attempt may change, and raises any other."""
        spec = narrowed(self._request.spec, candidate)
        tags = self._tags(candidate, bid.bid_per_gpu, "spot")
        wanted = requests.spot(spec, candidate.gpu_type_id, float(bid.bid_per_gpu), tags)
        with asking_for_spot():
            return await self._send(candidate, requests.renting(wanted), bid.bid_per_gpu, bid.reason, "spot")

    async def deploy(self, candidate: Candidate, quote: SpotQuote | None) -> SpotRental | TensorOneError | None:
        """Rents an on-demand cluster at its fixed price, likewise. None if that price is unknown or too high."""
        price = await self._affordable(candidate, quote)
        if price is None:
            return None
        tags = self._tags(candidate, price, "on_demand")
        wanted = requests.on_demand(narrowed(self._request.spec, candidate), candidate.gpu_type_id, tags)
        reason = f"on-demand at {price} USD per GPU-hour, since no bid won"
        return await self._send(candidate, requests.deploying(wanted), price, reason, "on_demand")

    def _tags(self, candidate: Candidate, paying: Decimal, kind: MarketKind) -> dict[str, str]:
        spec, hourly = self._request.spec, paying * self._request.spec.gpu_count
        return requests.about(self._session, spec, candidate.gpu_type_id, self._request.tags, kind=kind, hourly=hourly)

    async def _send(
        self, candidate: Candidate, request: requests.BillableRequest, paying: Decimal, reason: str, kind: MarketKind
    ) -> SpotRental | TensorOneError:
        delivery, hourly = DeadlineDelivery(self.scope), paying * self._request.spec.gpu_count
        try:
            cluster = await rent_once.rent(
                self._session, request, self._request.token, hourly=hourly, delivery=delivery
            )
        except TensorOneError as error:
            await self._refused(candidate, delivery, error, paying, reason, kind)
            return error
        except BaseException:
            if delivery.sent:
                self._log.note(candidate, reason, paying=paying, answer=INTERRUPTED[delivery.begun], kind=kind)
            raise
        self._log.note(candidate, reason, paying=paying, answer="won", kind=kind)
        return won(self._request, cluster, candidate, paying=paying, kind=kind)

    async def _refused(  # noqa: PLR0913 - what one attempt was
        self,
        candidate: Candidate,
        delivery: DeadlineDelivery,
        error: TensorOneError,
        paying: Decimal,
        reason: str,
        kind: MarketKind,
    ) -> None:
        if delivery.sent:
            self._log.note(candidate, reason, paying=paying, answer=str(error), kind=kind)
        else:
            self._log.note(candidate, str(error), kind=kind)
        delivery.settled()
        if not is_recoverable(error):
            raise error
        await anyio.lowlevel.checkpoint()  # if it came late, the search ends here

    async def lost(self, won: Mapping[str, float]) -> frozenset[str]:
        """Which of these clusters, won at these times, no longer run; empty if the listing fails."""
        try:
            fetched = await self._session.listing.fresh()
        except TensorOneError:
            return frozenset()
        return lost(won, fetched.value, asked_at=fetched.asked_at, settle_time=self._session.settle_time)

    async def _affordable(self, candidate: Candidate, quote: SpotQuote | None) -> Decimal | None:
        """The fixed price, US dollars per GPU and hour; None, with a reason in the log, if unknown or too high.

        Args:
            candidate: What to rent.
            quote: Its quoted prices; None for a server without spot, from which only the fixed price is read.
        """
        ceiling = self._request.terms.on_demand_ceiling or 0
        try:
            with calls.named(self._log.call):
                price = await self._price(candidate, quote)
        except TensorOneError as error:
            words = "on-demand: the fixed price could not be read"
            self._log.note(candidate, words, answer=str(error), kind="on_demand")
            if not is_transient(error, 1):
                raise
            return None
        if price is not None and price <= ceiling:
            return price
        words = "unknown" if price is None else f"{price} USD per GPU-hour, above the on_demand_ceiling of {ceiling}"
        self._log.note(candidate, f"on-demand: the fixed price is {words}", kind="on_demand")
        return None

    async def _price(self, candidate: Candidate, quote: SpotQuote | None) -> Decimal | None:
        gpu_type_id, gpu_count = candidate.gpu_type_id, self._request.spec.gpu_count
        if quote is None:
            quoted = await on_demand_price.lowest(self._session, gpu_type_id, gpu_count=gpu_count)
        else:
            quoted = quote.on_demand_price
        return await on_demand_price.of(self._session, gpu_type_id, candidate.cloud_type, quoted)
