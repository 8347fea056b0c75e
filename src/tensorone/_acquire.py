"""Getting a spot cluster: bids at what the market asks, on one candidate after the other, until one wins."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import anyio

from . import _fixed_price, _inputs, _rental
from ._bidding import Bid, GiveUp, next_bid
from ._candidates import Candidate, candidates, ordered
from ._errors import (
    BidCeilingReached,
    BidTooLow,
    NoCapacity,
    OperationUnsupported,
    QueryError,
    TensorOneError,
)
from ._gpu_types import no_such
from ._ledger import SpotRental
from ._quotes import market
from ._specs import preferring

if TYPE_CHECKING:
    from decimal import Decimal

    from ._candidates import Terms
    from ._generated import PlacedCluster
    from ._ledger import Kind, Ledger
    from ._quotes import Prices, SpotQuote
    from ._session import Session
    from ._specs import ClusterSpec

FRESH_ENOUGH = 0.2  # share of an interval that prices asked for by another search may be old


class Search:
    """One search for a spot cluster: the candidates, and what was tried so far."""

    def __init__(  # noqa: PLR0913 - what one search is about
        self,
        session: Session,
        spec: ClusterSpec,
        terms: Terms,
        *,
        markers: dict[str, str],
        token: str,
        adopt: bool,
        ledger: Ledger,
        prices: Prices | None = None,
        turn: int = 0,
    ) -> None:
        self._session = session
        self._spec = spec
        self._terms = terms
        self._markers = markers
        self._token = token
        self._adopt = adopt
        self._turn = turn
        self._ledger = ledger
        self._all = self._left = candidates(spec, terms.cloud_types)
        self._prices = prices or market(session, spec)
        self._quotes: dict[str, SpotQuote] = {}
        self._too_dear: dict[str, SpotQuote] = {}
        self._start = self._end = 0.0

    async def run(self, timeout: float, *, once: bool = False) -> SpotRental:
        """Bids until one wins, every candidate is given up, the time is over, or, if `once`, each was tried."""
        if self._adopt and (existing := await _rental.adopt(self._session, self._token)):
            tried = tuple(self._ledger.attempts)
            return SpotRental(
                cluster=existing, spec=self._spec, gpu_type_id=None, bid_per_gpu=None, attempts=tried, kind=None
            )
        self._start = anyio.current_time()
        self._end = self._start + timeout
        while (self._left or self._terms.capacity == "auto") and self._in_time():
            if (rental := await self._round()) is not None:
                return rental
            if once:
                break
            with anyio.CancelScope(deadline=self._end):
                await anyio.sleep(random.uniform(0.75, 1.0) * self._terms.every)  # noqa: S311 - jitter
        raise self._failure(timeout)

    def _in_time(self) -> bool:
        # Only looks and pauses are cut off at the deadline: a bid under way must end as won, refused or unknown.
        return anyio.current_time() < self._end

    async def _round(self) -> SpotRental | None:
        """Each candidate once. One that is refused for want of capacity rests until the next round."""
        if not await self._look(anyio.current_time() - FRESH_ENOUGH * self._terms.every):
            return None
        for candidate in ordered(self._left, self._terms.order, self._quotes, self._turn):
            if (rental := await self._bid(candidate)) is not None:
                return rental
        return await self._fall_back()

    async def _look(self, moment: float) -> bool:
        """Reads the market's prices, as they are since a moment; whether it could."""
        try:
            with anyio.CancelScope(deadline=self._end):
                seen = await self._prices.since(moment)
                self._quotes = seen.value
                return True
        except OperationUnsupported as error:
            raise no_spot(error) from error
        except TensorOneError as error:
            if not error.retryable:
                raise
            self._ledger.note(None, "the market's prices could not be read", answer=str(error))
        return False

    async def _bid(self, candidate: Candidate) -> SpotRental | None:
        """A run of bids for one candidate, each higher than the one refused before."""
        refused: list[Decimal] = []
        while self._in_time():
            quote = self._quotes[candidate.gpu_type_id]
            self._too_dear.pop(candidate.gpu_type_id, None)
            move = next_bid(self._terms.bidding, quote, refused)
            if not isinstance(move, Bid):
                self._stay_out(candidate, quote, move.reason, for_good=isinstance(move, GiveUp))
                return None
            try:
                cluster = await self._rent(candidate, move.bid_per_gpu)
            except BidTooLow as error:
                refused.append(move.bid_per_gpu)
                self._ledger.note(candidate, move.reason, paying=move.bid_per_gpu, answer=str(error))
                if not await self._look(anyio.current_time()):
                    return None
            except NoCapacity as error:
                self._ledger.note(candidate, move.reason, paying=move.bid_per_gpu, answer=str(error))
                return None
            except OperationUnsupported as error:
                self._no_more_spot(candidate, error)
                return None
            else:
                return self._won(cluster, candidate, move.reason, bid=move.bid_per_gpu)
        return None

    async def _rent(self, candidate: Candidate, bid: Decimal) -> PlacedCluster:
        wanted = _inputs.spot(candidate.of(self._spec), candidate.gpu_type_id, float(bid), self._markers)
        return await _rental.rent(
            self._session, _rental.renting(wanted), self._token, hourly=bid * self._spec.gpu_count
        )

    def _stay_out(self, candidate: Candidate, quote: SpotQuote, reason: str, *, for_good: bool) -> None:
        if quote.problem and no_such(candidate.gpu_type_id) in quote.problem:
            raise QueryError(f"GetGpuTypes: {quote.problem}", operation="GetGpuTypes", attempts=1)
        if quote.available:
            self._too_dear[candidate.gpu_type_id] = quote
        if for_good:
            self._left = tuple(each for each in self._left if each != candidate)
        self._ledger.note(candidate, quote.problem or reason)

    def _no_more_spot(self, candidate: Candidate, error: OperationUnsupported) -> None:
        if self._terms.capacity == "spot":
            raise no_spot(error) from error
        self._left = ()
        self._ledger.note(candidate, "this server offers no spot clusters", answer=str(error))

    async def _fall_back(self) -> SpotRental | None:
        """The candidates on-demand, where that is allowed and all bids failed on the market."""
        if self._terms.capacity != "auto" or anyio.current_time() < self._start + self._terms.on_demand_after:
            return None
        for candidate in ordered(self._all, self._terms.order, self._quotes, self._turn):
            if self._in_time() and (rental := await self._deploy(candidate)) is not None:
                return rental
        return None

    async def _deploy(self, candidate: Candidate) -> SpotRental | None:
        """One candidate on-demand, if its price is known and low enough."""
        quoted = self._quotes[candidate.gpu_type_id].on_demand_price
        price = await _fixed_price.of(self._session, candidate, quoted)
        ceiling = self._terms.on_demand_ceiling
        if price is None or ceiling is None or price > ceiling:
            known = "not known now" if price is None else f"{price} USD per GPU-hour, more than {ceiling}"
            self._ledger.note(candidate, f"on-demand: the fixed price is {known}", kind="on_demand")
            return None
        reason = f"on-demand at {price} USD per GPU-hour, since no bid won"
        wanted = _inputs.on_demand(candidate.of(self._spec), candidate.gpu_type_id, self._markers)
        try:
            cluster = await _rental.rent(
                self._session, _rental.deploying(wanted), self._token, hourly=price * self._spec.gpu_count
            )
        except NoCapacity as error:
            self._ledger.note(candidate, reason, paying=price, answer=str(error), kind="on_demand")
            return None
        return self._won(cluster, candidate, reason, fixed=price)

    def _won(
        self,
        cluster: PlacedCluster,
        candidate: Candidate,
        reason: str,
        *,
        bid: Decimal | None = None,
        fixed: Decimal | None = None,
    ) -> SpotRental:
        kind: Kind = "on_demand" if bid is None else "spot"
        self._ledger.note(candidate, reason, paying=fixed if bid is None else bid, answer="won", kind=kind)
        return SpotRental(
            cluster=cluster,
            spec=preferring(self._spec, candidate.gpu_type_id),
            gpu_type_id=candidate.gpu_type_id,
            cloud_type=candidate.cloud_type,
            kind=kind,
            bid_per_gpu=None if bid is None else float(bid),
            on_demand_price=None if fixed is None else float(fixed),
            attempts=tuple(self._ledger.attempts),
        )

    def _failure(self, timeout: float) -> TensorOneError:
        """Why no bid won: the market is too dear, or there is no capacity."""
        tried = tuple(self._ledger.attempts)
        last = next((attempt.reason for attempt in reversed(tried)), "")
        words = f"spot.acquire: no bid won within {timeout:g} s after {len(tried)} attempts: {last}"
        if not self._too_dear:
            return NoCapacity(words, operation="RentSpotCluster", attempts=len(tried), ledger=tried)
        asked = [quote.minimum_bid for quote in self._too_dear.values() if quote.minimum_bid is not None]
        return BidCeilingReached(
            words,
            ceiling=float(self._terms.bidding.ceiling),
            minimum_bid=min(asked),
            last_bid=self._ledger.last_bid,
            operation="RentSpotCluster",
            attempts=len(tried),
            ledger=tried,
        )


def no_spot(error: OperationUnsupported) -> OperationUnsupported:
    """The one error of a server that no longer offers spot."""
    return OperationUnsupported(
        f"this server offers no spot clusters to this version of the SDK: {error}."
        " Use clusters.deploy, or capacity='auto' with an on_demand_ceiling; see `make update-schema`",
        unsupported=error.unsupported,
        operation=error.operation,
        attempts=error.attempts,
        errors=error.errors,
        status_code=error.status_code,
        request_id=error.request_id,
    )
