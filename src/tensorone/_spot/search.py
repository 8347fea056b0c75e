"""Getting a spot cluster: bids at what the market asks, on one candidate after the other, until one wins."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING

import anyio

from tensorone._clusters.spec import preferring
from tensorone._errors import (
    BidCeilingReached,
    BidTooLow,
    NoCapacity,
    OperationUnsupported,
    QueryError,
    SpendLimitReached,
    TensorOneError,
)
from tensorone._market.bidding import Bid, GiveUp, Wait, next_bid
from tensorone._market.own_bids import OwnBids
from tensorone._market.quotes import no_such
from tensorone._market.shared_prices import FRESH_ENOUGH, market
from tensorone._market.spot_unsupported import SPOT

from .backoff import CandidateRecord, pause
from .candidates import candidates, ordered
from .result import SpotRental
from .try_candidate import Renter, passes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from tensorone._clusters.spec import ClusterSpec
    from tensorone._generated import PlacedCluster
    from tensorone._market.attempt_log import AttemptLog, Candidate, MarketKind
    from tensorone._market.quotes import SpotQuote
    from tensorone._market.shared_prices import Prices
    from tensorone._session.session import Session

    from .terms import SearchTerms


EARLY = 0.01  # seconds by which a clock may end a pause too early


OWN = "All that is left of it are clusters of this very call"


class Search:
    """One search for a spot cluster: the candidates, and what was tried so far.

    Everything happens in one scope that ends at the deadline, and looks at the clock besides before it sends.
    """

    def __init__(  # noqa: PLR0913 - what one search is about
        self,
        session: Session,
        spec: ClusterSpec,
        terms: SearchTerms,
        *,
        tags: dict[str, str],
        token: str,
        adopt: bool,
        ledger: AttemptLog,
        prices: Prices | None = None,
        held: OwnBids | None = None,
        turn: int = 0,
    ) -> None:
        self._spec = spec
        self._terms = terms
        self._renter = Renter(session, spec, ledger, token=token, tags=tags)
        self._adopt = adopt
        self._turn = turn
        self._ledger = ledger
        self._all = self._left = candidates(spec, terms.cloud_types)
        self._prices = prices or market(session, spec)
        self._held = held or OwnBids()
        self._quotes: dict[str, SpotQuote] = {}
        self._too_dear: dict[str, SpotQuote] = {}
        self._over: dict[Candidate, SpendLimitReached] = {}
        self._records: defaultdict[tuple[MarketKind, Candidate], CandidateRecord] = defaultdict(CandidateRecord)
        self._spotless: OperationUnsupported | None = None
        self._failed_looks = 0
        self._slept = pause("round", 0, terms.every, 0.0)
        self._start = self._end = 0.0

    async def run(self, timeout: float, *, once: bool = False) -> SpotRental:
        """Bids until one wins, every candidate is given up, the time is over, or, if `once`, each was tried.

        Raises:
            TensorOneError: None won, or a refusal that bidding cannot mend; `.ledger` holds what was tried.
        """
        self._start = anyio.current_time()
        self._renter.scope.deadline = self._end = self._start + timeout
        with self._ledger.attach_to_errors():
            with self._renter.scope:
                rental = await self._adopted() or await self._rounds(once=once)
                if rental is not None:
                    return rental
            raise self._failure(timeout) from self._spotless

    async def _adopted(self) -> SpotRental | None:
        existing = await self._renter.adopt(self._terms.bidding.ceiling) if self._adopt else None
        if existing is None:
            return None
        tried = tuple(self._ledger.attempts)
        return SpotRental(
            cluster=existing, spec=self._spec, gpu_type_id=None, bid_per_gpu=None, attempts=tried, kind=None
        )

    async def _rounds(self, *, once: bool) -> SpotRental | None:
        rounds = 0
        while (self._left or self._terms.capacity == "auto") and self._in_time():
            if (rental := await self._round()) is not None or once:
                return rental
            self._slept = self._until_next(pause("round", rounds, self._terms.every, _draw()))
            await anyio.sleep(self._slept)
            rounds += 1
        return None

    def _until_next(self, seconds: float) -> float:
        """A pause, cut short where a candidate has rested enough before it is over."""
        now = anyio.current_time()
        rests = [one.rests_until - now for one in self._records.values()]
        return min([seconds, *(rest for rest in rests if rest > EARLY)])

    def _in_time(self) -> bool:
        return anyio.current_time() < self._end

    async def _round(self) -> SpotRental | None:
        """Each candidate once that does not rest."""
        if not await self._look(anyio.current_time() - FRESH_ENOUGH * self._slept):
            return None
        self._over.clear()
        if any(self._held.would_be_outbid(quote.gpu_type_id, quote.minimum_bid) for quote in self._quotes.values()):
            self._held.forget(await self._renter.lost(self._held.won))
        for candidate in self._due("spot", self._left):
            if self._in_time() and (rental := await self._bid(candidate)) is not None:
                return rental
        if self._terms.capacity == "auto":
            return await self._fall_back()
        if self._left and self._over.keys() >= {*self._left}:
            raise self._over[self._left[0]]  # the limit is not the market's: waiting does not mend it
        return None

    def _due(self, kind: MarketKind, among: tuple[Candidate, ...]) -> Iterable[Candidate]:
        soon = anyio.current_time() + EARLY
        rested = [one for one in among if self._records[kind, one].rests_until <= soon]
        return ordered(rested, self._terms.order, self._quotes, self._turn)

    async def _look(self, moment: float | None = None) -> bool:
        """Reads the market's prices, as they are since a moment, or from now on; whether it could."""
        if self._spotless is not None:
            return True
        try:
            seen = await (self._prices.fresh() if moment is None else self._prices.since(moment))
            self._quotes = seen.value
        except TensorOneError as error:
            self._ledger.note(None, "the market's prices could not be read", answer=str(error))
            self._failed_looks += 1
            if isinstance(error, OperationUnsupported):
                self._no_more_spot(error)
            elif not passes(error, self._failed_looks):
                raise
            return self._spotless is not None
        self._failed_looks = 0
        return True

    async def _bid(self, candidate: Candidate) -> SpotRental | None:
        """One turn of a candidate: bids, each higher than the one refused before; a long run goes on next round."""
        standing, ends = self._records["spot", candidate], anyio.current_time() + self._terms.every
        while anyio.current_time() < min(ends, self._end) and (move := self._next(candidate, standing)) is not None:
            try:
                answer = await self._renter.bid(candidate, move)
            except OperationUnsupported as error:
                self._no_more_spot(error)
                return None
            if not isinstance(answer, TensorOneError):
                self._held.add(answer.id, candidate.gpu_type_id, move.bid_per_gpu, at=anyio.current_time())
                return self._won(answer, candidate, bid=move.bid_per_gpu)
            if not isinstance(answer, BidTooLow):
                self._set_aside("spot", candidate, answer)
                return None
            standing.refused.append(move.bid_per_gpu)
            if not await self._asked_anew(candidate, standing):
                return None
        return None

    def _next(self, candidate: Candidate, standing: CandidateRecord) -> Bid | None:
        """The bid to make now, if any."""
        quote = self._quotes.get(candidate.gpu_type_id)
        if quote is None:
            return None  # the server offers no spot clusters
        standing.seen(quote.minimum_bid)
        self._too_dear.pop(candidate.gpu_type_id, None)
        in_the_way = self._in_the_way(candidate, quote, standing.refused)
        move = Wait(f"{OWN}.") if in_the_way else next_bid(self._terms.bidding, quote, standing.refused)
        if isinstance(move, Bid):
            return move
        if quote.problem and no_such(candidate.gpu_type_id) in quote.problem:
            raise QueryError(f"GetGpuTypes: {quote.problem}", operation="GetGpuTypes", attempts=1)
        if quote.available and not in_the_way:
            self._too_dear[candidate.gpu_type_id] = quote
        if isinstance(move, GiveUp):
            self._left = tuple(each for each in self._left if each != candidate)
        standing.refused.clear()
        self._ledger.note(candidate, quote.problem or move.reason)
        return None

    def _in_the_way(self, candidate: Candidate, quote: SpotQuote, refused: Sequence[Decimal] = ()) -> bool:
        return self._held.would_be_outbid(candidate.gpu_type_id, quote.minimum_bid, refused)

    async def _asked_anew(self, candidate: Candidate, standing: CandidateRecord) -> bool:
        """Looks at the market after a bid was too low; at once again goes who was overtaken for the first time."""
        bid, times = standing.refused[-1], len(standing.refused) - 1
        if not await self._look():
            return False
        quote = self._quotes.get(candidate.gpu_type_id)
        overtaken = quote is not None and (quote.minimum_bid or 0) > bid
        if times > 0 or not overtaken:
            await anyio.sleep(pause("raise", times, self._terms.every, _draw()))
        return True

    def _set_aside(self, kind: MarketKind, candidate: Candidate, error: TensorOneError) -> None:
        """It is not tried again at once."""
        if isinstance(error, SpendLimitReached):
            self._over[candidate] = error
        else:
            self._records[kind, candidate].rest(anyio.current_time(), self._terms.every, _draw())

    def _no_more_spot(self, error: OperationUnsupported) -> None:
        if error.unsupported not in SPOT or self._terms.capacity == "spot":
            raise error
        self._spotless, self._left, self._quotes = error, (), {}
        self._ledger.note(None, "this server offers no spot clusters")

    async def _fall_back(self) -> SpotRental | None:
        """The candidates on-demand, where that is allowed and all bids failed on the market."""
        if anyio.current_time() < self._start + self._terms.on_demand_after:
            return None
        if self._held.won and not await self._look():  # a sibling may just have won what was free
            return None
        for candidate in self._due("on_demand", self._all):
            if self._in_time() and (rental := await self._deploy(candidate)) is not None:
                return rental
        return None

    async def _deploy(self, candidate: Candidate) -> SpotRental | None:
        """One candidate on-demand, if its price is known and low enough."""
        quote = self._quotes.get(candidate.gpu_type_id)
        if quote is not None and self._in_the_way(candidate, quote):
            self._ledger.note(candidate, f"on-demand: {OWN}", kind="on_demand")
            return None
        price = await self._renter.price(candidate, quote, ceiling=self._terms.on_demand_ceiling or 0)
        if price is None:
            return None
        answer = await self._renter.deploy(candidate, price)
        if isinstance(answer, TensorOneError):
            self._set_aside("on_demand", candidate, answer)
            return None
        return self._won(answer, candidate, fixed=price)

    def _won(
        self, cluster: PlacedCluster, candidate: Candidate, *, bid: Decimal | None = None, fixed: Decimal | None = None
    ) -> SpotRental:
        return SpotRental(
            cluster=cluster,
            spec=preferring(self._spec, candidate.gpu_type_id),
            gpu_type_id=candidate.gpu_type_id,
            cloud_type=candidate.cloud_type,
            kind="on_demand" if bid is None else "spot",
            bid_per_gpu=None if bid is None else float(bid),
            on_demand_price=None if fixed is None else float(fixed),
            attempts=tuple(self._ledger.attempts),
        )

    def _failure(self, timeout: float) -> TensorOneError:
        """Why no bid won: the market is too expensive, a limit was reached, or there is no capacity."""
        tried = self._ledger.attempts
        last = next((f"{attempt.reason} {attempt.answer}".strip() for attempt in reversed(tried)), "")
        words = f"spot.acquire: no bid won within {timeout:g} s after {len(tried)} attempts: {last}"
        if not self._too_dear:
            over = next(iter(self._over.values()), None)
            return over or NoCapacity(words, operation="RentSpotCluster", attempts=len(tried))
        asked = [quote.minimum_bid for quote in self._too_dear.values() if quote.minimum_bid is not None]
        return BidCeilingReached(
            words,
            ceiling=float(self._terms.bidding.ceiling),
            minimum_bid=min(asked),
            last_bid=self._ledger.last_bid,
            operation="RentSpotCluster",
            attempts=len(tried),
        )


def _draw() -> float:
    return random.random()  # noqa: S311 - jitter
