"""What a search has tried, what it may try now, and why it failed: the decisions of `search`. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tensorone._errors import (
    BidCeilingReached,
    BidTooLow,
    InvalidArgument,
    NoCapacity,
    OperationUnsupported,
    QueryError,
    SpendLimitReached,
    TensorOneError,
    UnexpectedResponse,
    WaitTimedOut,
)
from tensorone._events.event import seconds
from tensorone._market.bidding import Bid, GiveUp, Wait, next_bid, price
from tensorone._market.quotes import no_such
from tensorone._market.spot_unsupported import SPOT

from .backoff import CandidateRecord, pause
from .candidates import candidates, ordered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from tensorone._market.attempt_log import AttemptLog, Candidate, MarketKind
    from tensorone._market.own_bids import OwnBids
    from tensorone._market.quotes import SpotQuote

    from .request import SpotRequest

CLOCK_TOLERANCE = 0.01  # seconds by which a clock may end a pause too early
MAX_FAILED_READS = 3  # consecutive failed reads, of a kind that may be permanent
ONLY_OWN = "Only clusters of this call hold its capacity"


class SearchState:
    """One search. The caller passes in times, random draws, prices and answers; nothing here waits or sends.

    Args:
        request: What to search for.
        held: The clusters that this call already holds; the search does not outbid them.
        turn: The number of this search among several.

    Attributes:
        quotes: The market's prices by GPU type, as last read.
        no_spot: The refusal of a server that offers no spot clusters; None while it does.
        slept: Seconds of the latest pause between rounds.
    """

    def __init__(self, request: SpotRequest, *, held: OwnBids, turn: int = 0) -> None:
        self.quotes: Mapping[str, SpotQuote] = {}
        self.no_spot: OperationUnsupported | None = None
        self.slept = pause("round", 0, request.terms.every, 0.0)
        self._terms = request.terms
        self._held = held
        self._turn = turn
        self._all = self._left = candidates(request.spec, request.terms.cloud_types)
        self._above_ceiling: dict[Candidate, float] = {}  # with the minimum bid of its latest price
        self._over_limit: dict[Candidate, SpendLimitReached] = {}
        self._records: defaultdict[tuple[MarketKind, Candidate], CandidateRecord] = defaultdict(CandidateRecord)
        self._failed_reads = self._rounds = 0
        self._unread: TensorOneError | None = None  # why the latest prices could not be read

    @property
    def over(self) -> bool:
        """Whether every candidate was given up and on-demand is not allowed."""
        return not self._left and self._terms.capacity == "spot"

    def due(self, kind: MarketKind, now: float) -> tuple[Candidate, ...]:
        """The candidates to try now, in order: those that are not on cool-down."""
        among = self._left if kind == "spot" else self._all
        ready = [one for one in among if self._records[kind, one].cool_down_until <= now + CLOCK_TOLERANCE]
        return ordered(ready, self._terms.order, self.quotes, self._turn)

    def read(self, quotes: Mapping[str, SpotQuote]) -> None:
        """The market's prices were read."""
        self.quotes, self._failed_reads, self._unread = quotes, 0, None

    def read_failed(self, error: TensorOneError) -> None:
        """The market's prices could not be read.

        Raises:
            TensorOneError: The same error, if another read would not help.
        """
        self._failed_reads += 1
        if isinstance(error, OperationUnsupported):
            self.unsupported(error)
            return
        self._unread = error
        if not is_transient(error, self._failed_reads):
            raise error

    def drop(self, candidate: Candidate) -> bool:
        """Never tries a candidate again; whether there are others."""
        self._all = tuple(each for each in self._all if each != candidate)
        self._left = tuple(each for each in self._left if each != candidate)
        return bool(self._all)

    def unsupported(self, error: OperationUnsupported) -> None:
        """The server offers no spot clusters: only on-demand is left, if allowed.

        Raises:
            OperationUnsupported: On-demand is not allowed, or the server lacks something else.
        """
        if error.unsupported not in SPOT or self._terms.capacity == "spot":
            raise error
        self.no_spot, self._left, self.quotes, self._unread = error, (), {}, None
        self._above_ceiling.clear()

    def begin_round(self) -> None:
        """A new round begins: candidates that were above a spending limit may fit now."""
        self._over_limit.clear()

    def end_round(self) -> None:
        """The round ends and nothing was won.

        Raises:
            SpendLimitReached: No candidate fits the limit, and waiting does not change a limit.
        """
        if self._terms.capacity == "spot" and self._left and self._over_limit.keys() >= {*self._left}:
            raise self._over_limit[self._left[0]]

    def pause(self, now: float, draw: float) -> float:
        """Seconds until the next round, or until the first cool-down ends, if that is sooner."""
        seconds = pause("round", self._rounds, self._terms.every, draw)
        cool_downs = [one.cool_down_until - now for one in self._records.values()]
        self.slept = min([seconds, *(left for left in cool_downs if left > CLOCK_TOLERANCE)])
        self._rounds += 1
        return self.slept

    def next_bid(self, candidate: Candidate) -> Bid | str | None:
        """The bid to make now, or the reason not to bid; None for a server that offers no spot clusters.

        Raises:
            InvalidArgument: There is no such GPU type.
        """
        quote, record = self.quotes.get(candidate.gpu_type_id), self._records["spot", candidate]
        if quote is None:
            return None
        record.seen(quote.minimum_bid)
        self._above_ceiling.pop(candidate, None)
        own = self.would_outbid_own(candidate, record.refused)
        move = Wait(f"{ONLY_OWN}.") if own else next_bid(self._terms.bidding, quote, record.refused)
        if isinstance(move, Bid):
            return move
        unknown = no_such(candidate.gpu_type_id)
        if quote.problem == unknown:
            raise InvalidArgument("gpu_type_id", unknown, operation="GetGpuTypes", attempts=1)
        if quote.minimum_bid is not None and price(quote.minimum_bid) is not None and not own:
            self._above_ceiling[candidate] = quote.minimum_bid
        if isinstance(move, GiveUp):
            self._left = tuple(each for each in self._left if each != candidate)
        record.refused.clear()
        return quote.problem or move.reason

    def would_outbid_own(self, candidate: Candidate, refused: Sequence[Decimal] = ()) -> bool:
        """Whether winning it would only displace a cluster of this call."""
        quote = self.quotes.get(candidate.gpu_type_id)
        minimum = None if quote is None else quote.minimum_bid
        return self._held.would_be_outbid(candidate.gpu_type_id, minimum, refused)

    def may_outbid_own(self) -> bool:
        """Whether some minimum bid would displace a cluster of this call, which may be lost by now."""
        return any(self._held.would_be_outbid(one.gpu_type_id, one.minimum_bid) for one in self.quotes.values())

    def refused(self, candidate: Candidate, bid: Decimal) -> None:
        """A bid was too low."""
        self._records["spot", candidate].refused.append(bid)

    def pause_before_raise(self, candidate: Candidate, draw: float) -> float:
        """Seconds before a higher bid: 0 after a first refusal that a risen minimum explains."""
        refused, quote = self._records["spot", candidate].refused, self.quotes.get(candidate.gpu_type_id)
        minimum = None if quote is None else price(quote.minimum_bid)
        if len(refused) == 1 and minimum is not None and minimum > refused[0]:
            return 0.0
        return pause("raise", len(refused) - 1, self._terms.every, draw)

    def set_aside(self, kind: MarketKind, candidate: Candidate, error: TensorOneError, now: float, draw: float) -> None:
        """An attempt failed: puts the candidate on cool-down, or, after a spending limit, skips it for this round."""
        if isinstance(error, SpendLimitReached):
            self._over_limit[candidate] = error
        else:
            self._records[kind, candidate].cool_down(now, self._terms.every, draw)

    def failure(self, log: AttemptLog, timeout: float) -> TensorOneError:
        """Why no bid won: prices that nobody could read, a market above the ceiling, a spending limit, no capacity."""
        end = "every candidate was given up" if self.over else f"no bid won within {seconds(timeout)}"
        if self._unread is not None or not (self.quotes or log.attempts):
            why = str(self._unread or "nothing could be read in that time")
            error = WaitTimedOut(f"{log.call}: {end}: {why}", operation="GetGpuTypes", attempts=len(log.attempts))
            error.__cause__ = self._unread
            return error
        words = f"{log.call}: {end}: {log.summary() or 'nothing could be tried in that time'}"
        if not self._above_ceiling:
            over = next(iter(self._over_limit.values()), None)
            words += " (name more GPU types, or give a longer timeout)"
            return over or NoCapacity(words, operation="RentSpotCluster", attempts=len(log.attempts))
        return BidCeilingReached(
            f"{words} (raise the ceiling, or name more GPU types)",
            ceiling=float(self._terms.bidding.ceiling),
            minimum_bid=min(self._above_ceiling.values()),
            last_bid=log.last_bid,
            operation="RentSpotCluster",
            attempts=len(log.attempts),
        )


def is_recoverable(error: TensorOneError) -> bool:
    """Whether a failed rental certainly rented nothing, and another candidate, bid or time may succeed."""
    return isinstance(error, BidTooLow | SpendLimitReached) or (error.retryable and error.billing is None)


def is_transient(error: TensorOneError, times: int) -> bool:
    """Whether a read that failed so many times in a row should be repeated: one bad answer proves nothing."""
    return error.retryable or (type(error) in (QueryError, UnexpectedResponse) and times < MAX_FAILED_READS)
