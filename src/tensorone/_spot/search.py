"""The loop of one search: bids on one candidate after the other, until one wins. `search_state` decides."""

from __future__ import annotations

import random
from itertools import takewhile
from typing import TYPE_CHECKING

import anyio

from tensorone._errors import BidTooLow, InvalidArgument, NoCapacity, OperationUnsupported, TensorOneError
from tensorone._market import catalogue
from tensorone._market.bidding import Bid
from tensorone._market.own_bids import OwnBids
from tensorone._market.shared_prices import FRESH_ENOUGH, shared_prices
from tensorone._session import token_and_expiry

from .result import SpotRental
from .search_state import ONLY_OWN, SearchState
from .try_candidate import Renter

if TYPE_CHECKING:
    from tensorone._market.attempt_log import Candidate
    from tensorone._market.shared_prices import Prices
    from tensorone._session.session import Session

    from .request import SpotRequest


class Search:
    """One search for a spot cluster.

    It runs in one cancel scope that ends at the deadline, and reads the clock again before it sends anything.
    """

    def __init__(
        self,
        session: Session,
        request: SpotRequest,
        *,
        prices: Prices | None = None,
        held: OwnBids | None = None,
        turn: int = 0,
    ) -> None:
        spec = request.spec
        self._session = session
        self._request = request
        self._log = request.log
        self._held = held or OwnBids()
        self._state = SearchState(request, held=self._held, turn=turn)
        self._renter = Renter(session, request)
        self._prices = prices or shared_prices(session, spec.candidates, gpu_count=spec.gpu_count)
        self._start = self._end = 0.0
        self._once = False
        self._checked: dict[Candidate, str] = {}  # what is wrong with them, if anything

    async def run(self, timeout: float, *, once: bool = False) -> SpotRental:
        """Bids until one wins, every candidate is given up, the time is over, or, if `once`, each was tried.

        Raises:
            TensorOneError: No bid won, or a refusal that bidding cannot change; `.ledger` has all attempts.
        """
        self._start, self._once = anyio.current_time(), once
        self._renter.scope.deadline = self._end = self._start + timeout
        request = self._request
        with self._log.attach_to_errors(), token_and_expiry.given(request.token if request.adopt else None):
            try:
                with self._renter.scope:
                    rental = await self._repeatable(once=once) if request.adopt else await self._rounds(once=once)
                    if rental is not None:
                        return rental
            except InvalidArgument as error:
                if error.field == "gpu_type_id":  # the market does not know it: the catalogue has the nearest name
                    await catalogue.check(self._session, self._request.spec.candidates, error)
                raise
            failure = self._state.failure(self._log, timeout)
            raise failure from self._state.no_spot or failure.__cause__

    async def _repeatable(self, *, once: bool) -> SpotRental | None:
        async with self._session.tokens.turn(self._request.token):
            return await self._renter.adopt() or await self._rounds(once=once)

    async def _rounds(self, *, once: bool) -> SpotRental | None:
        while not self._state.over and self._in_time():
            if (rental := await self._round()) is not None or once:
                return rental
            pause = self._state.pause(anyio.current_time(), _draw())
            self._log.end_round(pause)
            await anyio.sleep(pause)
        return None

    def _in_time(self) -> bool:
        return anyio.current_time() < self._end

    async def _round(self) -> SpotRental | None:
        """Tries each candidate that is not on cool-down, once."""
        if not await self._read_prices(anyio.current_time() - FRESH_ENOUGH * self._state.slept):
            return None
        self._state.begin_round()
        if self._state.may_outbid_own():
            self._held.forget(await self._renter.lost(self._held.won))
        for candidate in self._state.due("spot", anyio.current_time()):
            if self._in_time() and (rental := await self._bid(candidate)) is not None:
                return rental
        if self._request.terms.capacity == "auto":
            return await self._fall_back()
        self._state.end_round()
        return None

    async def _read_prices(self, moment: float | None = None) -> bool:
        """Reads the market's prices, not older than `moment`, or fresh ones. True if it could."""
        if self._state.no_spot is not None:
            return True
        try:
            fetched = await (self._prices.fresh() if moment is None else self._prices.since(moment))
        except TensorOneError as error:
            self._log.note(None, "the market's prices could not be read", answer=str(error))
            self._state.read_failed(error)
            self._note_no_spot()
            return self._state.no_spot is not None
        self._state.read(fetched.value)
        return True

    async def _bid(self, candidate: Candidate) -> SpotRental | None:
        """One turn of a candidate: bids, each higher than the refused one before; a long run continues next round."""
        ends = anyio.current_time() + self._request.terms.every
        while anyio.current_time() < min(ends, self._end):
            move = self._state.next_bid(candidate)
            if not isinstance(move, Bid):
                if move is not None:
                    self._log.note(candidate, move)
                return None
            try:
                answer = await self._renter.bid(candidate, move)
            except OperationUnsupported as error:
                self._state.unsupported(error)
                self._note_no_spot()
                return None
            if isinstance(answer, SpotRental):
                self._held.add(answer.cluster.id, candidate.gpu_type_id, move.bid_per_gpu, at=anyio.current_time())
                return answer
            if not isinstance(answer, BidTooLow):
                self._state.set_aside("spot", candidate, answer, anyio.current_time(), _draw())
                await self._check_cloud(candidate, answer)
                return None
            self._state.refused(candidate, move.bid_per_gpu)
            if not await self._read_prices():
                return None
            await anyio.sleep(self._state.pause_before_raise(candidate, _draw()))
        return None

    def _note_no_spot(self) -> None:
        if self._state.no_spot is not None:
            self._log.note(None, "this server offers no spot clusters")

    async def _fall_back(self) -> SpotRental | None:
        """Tries the candidates on-demand, after `on_demand_after` and when no bid of the round won."""
        if anyio.current_time() < self._start + self._request.terms.on_demand_after:
            return None
        if self._held.won and not await self._read_prices():  # another search of the call may just have won it
            return None
        for candidate in takewhile(lambda _: self._in_time(), self._state.due("on_demand", anyio.current_time())):
            if self._state.would_outbid_own(candidate):
                self._log.note(candidate, f"on-demand: {ONLY_OWN}", kind="on_demand")
            else:
                answer = await self._renter.deploy(candidate, self._state.quotes.get(candidate.gpu_type_id))
                if isinstance(answer, SpotRental):
                    return answer
                if answer is not None:
                    self._state.set_aside("on_demand", candidate, answer, anyio.current_time(), _draw())
                    await self._check_cloud(candidate, answer)
        return None

    async def _check_cloud(self, candidate: Candidate, refusal: TensorOneError) -> None:
        """Asks once, after a lack of capacity, whether the cloud type offers the GPU type at all, and drops it if not.

        Raises:
            InvalidArgument: No candidate is left: nothing could ever be rented.
        """
        if self._once or candidate in self._checked or not isinstance(refusal, NoCapacity):
            return
        self._checked[candidate] = ""
        other = await catalogue.only_in(self._session, candidate.gpu_type_id, candidate.cloud_type)
        if other is not None:
            self._checked[candidate] = words = f"{candidate.gpu_type_id}: offered in {other.value} only"
            self._log.note(candidate, words)
            if not self._state.drop(candidate):
                found = "; ".join(filter(None, self._checked.values()))
                field = "cloud_type" if self._request.terms.cloud_types is None else "cloud_types"
                advice, made = "use that, or leave it out", len(self._log.attempts)
                raise InvalidArgument(field, f"{found}; {advice}", operation=refusal.operation, attempts=made)


def _draw() -> float:
    return random.random()  # noqa: S311 - jitter
