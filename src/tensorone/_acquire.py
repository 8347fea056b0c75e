"""Getting a spot cluster: bids at what the market asks, on one GPU type after the other, until one wins."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio

from . import _inputs, _rental
from ._bidding import Bid, BidPolicy, GiveUp, next_bid
from ._errors import BidCeilingReached, BidTooLow, InvalidArgument, NoCapacity, TensorOneError
from ._quotes import quote

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from ._generated import ClusterRentInterruptableInput, GraphQLClient, PlacedCluster
    from ._quotes import SpotQuote
    from ._rental import Send
    from ._session import Session
    from ._specs import ClusterSpec

__all__ = ["Attempt", "SpotRental"]

FIRST_PAUSE = 5.0  # seconds between rounds over the candidates, at first
LONGEST_PAUSE = 60.0

logger = logging.getLogger("tensorone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One thing that was tried.

    Attributes:
        at: When, UTC.
        gpu_type_id: For which GPU type.
        bid_per_gpu: The bid, US dollars per GPU and hour, or None if none was made.
        reason: Why this bid, or why none.
        answer: What came of it: "won", or the server's refusal in its own words, or "" if nothing was sent.
    """

    at: datetime
    gpu_type_id: str
    bid_per_gpu: float | None
    reason: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotRental:
    """A spot cluster that was won.

    Attributes:
        cluster: The cluster; it is billed from now on.
        gpu_type_id: Its GPU type; None where the cluster of an earlier call was found by its token.
        bid_per_gpu: The bid that won, US dollars per GPU and hour; None likewise.
        attempts: Everything that was tried, in order.
    """

    cluster: PlacedCluster
    gpu_type_id: str | None
    bid_per_gpu: float | None
    attempts: tuple[Attempt, ...]


class Search:
    """One search for a spot cluster: the candidates, and what was tried so far."""

    def __init__(  # noqa: PLR0913 - what one search is about
        self,
        session: Session,
        spec: ClusterSpec,
        bidding: BidPolicy,
        *,
        markers: dict[str, str],
        token: str,
        on_attempt: Callable[[Attempt], object] | None,
    ) -> None:
        self._session = session
        self._spec = spec
        self._bidding = bidding
        self._markers = markers
        self._token = token
        self._on_attempt = on_attempt
        self._attempts: list[Attempt] = []
        self._too_dear: dict[str, SpotQuote] = {}
        self._left = list(candidates(spec))
        self._end = 0.0

    async def run(self, timeout: float) -> SpotRental:
        """Bids until one wins, every candidate is given up, or the time is over."""
        pause = FIRST_PAUSE
        self._end = anyio.current_time() + timeout
        while self._left and self._in_time():
            for gpu_type_id in tuple(self._left):
                if (rental := await self._try(gpu_type_id)) is not None:
                    return rental
            with anyio.CancelScope(deadline=self._end):
                await anyio.sleep(random.uniform(0.5, 1.0) * pause)  # noqa: S311 - jitter
            pause = min(2 * pause, LONGEST_PAUSE)
        raise self._failure(timeout)

    def _in_time(self) -> bool:
        # Only looks and pauses are cut off at the deadline: a bid under way must end as won, refused or unknown.
        return anyio.current_time() < self._end

    async def _try(self, gpu_type_id: str) -> SpotRental | None:
        """A run of bids for one GPU type, each higher than the one refused before."""
        refused: list[Decimal] = []
        prices = await self._prices(gpu_type_id)
        while prices is not None and self._in_time():
            self._too_dear.pop(gpu_type_id, None)
            move = next_bid(self._bidding, prices, refused)
            if not isinstance(move, Bid):
                self._stay_out(gpu_type_id, prices, move.reason, for_good=isinstance(move, GiveUp))
                return None
            try:
                cluster = await self._rent(gpu_type_id, move.bid_per_gpu)
            except BidTooLow as error:
                refused.append(move.bid_per_gpu)
                self._note(gpu_type_id, move.bid_per_gpu, move.reason, str(error))
            except NoCapacity as error:
                self._note(gpu_type_id, move.bid_per_gpu, move.reason, str(error))
                return None
            else:
                self._note(gpu_type_id, move.bid_per_gpu, move.reason, "won")
                return SpotRental(
                    cluster=cluster,
                    gpu_type_id=gpu_type_id,
                    bid_per_gpu=float(move.bid_per_gpu),
                    attempts=tuple(self._attempts),
                )
        return None

    async def _prices(self, gpu_type_id: str) -> SpotQuote | None:
        """The market's prices; None at the deadline, and after a failure that will pass."""
        try:
            with anyio.CancelScope(deadline=self._end):
                return await quote(self._session, gpu_type_id, gpu_count=self._spec.gpu_count)
        except TensorOneError as error:
            if not error.retryable:
                raise
            self._note(gpu_type_id, None, "the market's prices could not be read", str(error))
        return None

    async def _rent(self, gpu_type_id: str, bid: Decimal) -> PlacedCluster:
        wanted = _inputs.spot(self._spec, gpu_type_id, float(bid), self._markers)
        return await _rental.rent(self._session, renting(wanted), self._token)

    def _stay_out(self, gpu_type_id: str, prices: SpotQuote, reason: str, *, for_good: bool) -> None:
        if prices.available:
            self._too_dear[gpu_type_id] = prices
        if for_good:
            self._left.remove(gpu_type_id)
        self._note(gpu_type_id, None, reason, "")

    def _note(self, gpu_type_id: str, bid: Decimal | None, reason: str, answer: str) -> None:
        amount = None if bid is None else float(bid)
        attempt = Attempt(
            at=datetime.now(UTC), gpu_type_id=gpu_type_id, bid_per_gpu=amount, reason=reason, answer=answer
        )
        self._attempts.append(attempt)
        if self._on_attempt is not None:
            try:
                self._on_attempt(attempt)
            except Exception:  # a hook must not cost the cluster that was just won
                logger.exception("on_attempt failed")

    def _failure(self, timeout: float) -> TensorOneError:
        """Why no bid won: the market is too dear, or there is no capacity."""
        tried = tuple(self._attempts)
        last = next((attempt.reason for attempt in reversed(tried)), "")
        words = f"spot.acquire: no bid won within {timeout:g} s after {len(tried)} attempts: {last}"
        if not self._too_dear:
            return NoCapacity(words, operation="RentSpotCluster", attempts=len(tried), ledger=tried)
        asked = [prices.minimum_bid for prices in self._too_dear.values() if prices.minimum_bid is not None]
        bids = [attempt.bid_per_gpu for attempt in tried if attempt.bid_per_gpu is not None]
        return BidCeilingReached(
            words,
            ceiling=float(self._bidding.ceiling),
            minimum_bid=min(asked),
            last_bid=bids[-1] if bids else None,
            operation="RentSpotCluster",
            attempts=len(tried),
            ledger=tried,
        )


def candidates(spec: ClusterSpec) -> tuple[str, ...]:
    """The GPU types of a spec to bid for, in order of preference."""
    found = tuple(gpu_type_id for gpu_type_id in spec.candidates if gpu_type_id is not None)
    if not found or spec.gpu_count == 0:
        raise InvalidArgument("gpu_count", "must be at least 1: there is no spot capacity without GPUs")
    return found


def checked_bidding(bidding: object) -> None:
    """Refuses what is no policy: a bare number says nothing of how to bid."""
    if not isinstance(bidding, BidPolicy):
        raise InvalidArgument("bidding", f"must be a BidPolicy(ceiling=…), not {type(bidding).__name__}")


def renting(wanted: ClusterRentInterruptableInput) -> Send:
    """The request of one spot rental."""

    async def send(graphql: GraphQLClient) -> PlacedCluster | None:
        return (await graphql.rent_spot_cluster(wanted)).cluster_rent_interruptable

    return send
