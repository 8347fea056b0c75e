"""The decisions of a search, over random markets, answers, times and chance."""

from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tensorone import (
    Bid,
    BidCeilingReached,
    BidPolicy,
    CloudType,
    ClusterSpec,
    ConnectionFailed,
    InvalidArgument,
    NoCapacity,
    OperationUnsupported,
    QueryError,
    SpendLimitReached,
    SpotQuote,
    UnexpectedResponse,
)
from tensorone._market.attempt_log import Candidate
from tensorone._market.own_bids import OwnBids, outbids
from tensorone._market.quotes import no_such
from tensorone._spot.backoff import pause
from tensorone._spot.request import spot_request
from tensorone._spot.search_state import CLOCK_TOLERANCE, MAX_FAILED_READS, SearchState
from tensorone._spot.terms import SearchTerms

A40, L40S, A6000 = TYPES = ["NVIDIA A40", "NVIDIA L40S", "NVIDIA RTX A6000"]
SECURE, COMMUNITY = CloudType.SECURE, CloudType.COMMUNITY
TOO_LOW, NO_CAPACITY, OVER_LIMIT = "too low", "no capacity", "over the limit"
START = 100.0

DRAWS = st.floats(0, 1)
AMOUNTS = st.integers(100, 200).map(lambda mills: Decimal(mills) / 1000)
MARKETS = st.fixed_dictionaries(dict.fromkeys(TYPES, st.one_of(st.none(), st.just(0.0), AMOUNTS.map(float))))
ANSWERS = st.dictionaries(
    st.sampled_from([Candidate(name, cloud) for name in TYPES for cloud in (None, SECURE, COMMUNITY)]),
    st.lists(st.sampled_from([TOO_LOW, TOO_LOW, NO_CAPACITY, OVER_LIMIT]), max_size=4),
)


@dataclass
class Round:
    """One round: prices, the answers to each candidate's bids, prices after a refusal, and chance."""

    market: dict[str, float | None]
    answers: dict[Candidate, list[str]]
    moved: dict[str, float | None]
    draw: float


ROUNDS = st.lists(st.builds(Round, MARKETS, ANSWERS, MARKETS, DRAWS), min_size=1, max_size=6)


def policy(ceiling, **options):
    """A policy that stops at its ceiling alone."""
    return BidPolicy(ceiling=ceiling, allow_above_on_demand=True, **options)


POLICIES = st.builds(
    policy,
    AMOUNTS,
    margin=st.sampled_from([0, "5%", 0.01]),
    step=st.sampled_from(["5%", 0.001, 0.05]),
    above_ceiling=st.sampled_from(["wait", "give_up"]),
)


@dataclass(frozen=True)
class Turn:
    """One decision about a candidate: what the market asked, what its run of bids was refused, what followed."""

    candidate: Candidate
    minimum: Decimal | None
    run: tuple[Decimal, ...]
    move: Bid | str | None

    def above(self, ceiling: Decimal) -> bool:
        """Whether the price was above the ceiling: by the quote, or since a bid of the ceiling was refused."""
        return self.minimum is not None and (self.minimum > ceiling or max(self.run, default=0) >= ceiling)


@dataclass
class Play:
    """A search, played round by round, and what can be said of it from outside."""

    state: SearchState
    terms: SearchTerms
    candidates: frozenset[Candidate]
    log: object
    own: dict[str, Decimal]
    turns: list[Turn] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    given_up: set[Candidate] = field(default_factory=set)
    over_limit: set[Candidate] = field(default_factory=set)
    came_back: set[Candidate] = field(default_factory=set)
    limit_reached: list[bool] = field(default_factory=list)
    now: float = START
    _minima: dict[Candidate, Decimal | None] = field(default_factory=dict)
    _runs: dict[Candidate, list[Decimal]] = field(default_factory=dict)

    def round(self, one: Round) -> None:
        """One round of bids, as `search` makes it."""
        self.state.read(quotes(one.market))
        self.state.begin_round()
        self.over_limit = set()
        due = self.state.due("spot", self.now)
        self.came_back |= self.given_up & set(due)
        for candidate in due:
            answers = iter(one.answers.get(candidate, ()))
            while isinstance(move := self._decide(candidate), Bid):
                if not self._answered(candidate, move, next(answers, NO_CAPACITY), one):
                    break
        try:
            self.state.end_round()
        except SpendLimitReached:
            self.limit_reached.append(True)
        else:
            self.limit_reached.append(False)
        self.pauses.append(self.state.pause(self.now, one.draw))
        self.now += self.pauses[-1]

    @property
    def left(self) -> frozenset[Candidate]:
        """The candidates that were not given up."""
        return self.candidates - self.given_up

    def is_own(self, turn: Turn) -> bool:
        """Whether winning would only displace a cluster that this call holds."""
        own = self.own.get(turn.candidate.gpu_type_id)
        return outbids(turn.minimum, turn.run, [] if own is None else [own])

    def _decide(self, candidate: Candidate) -> Bid | str | None:
        asked = self.state.quotes[candidate.gpu_type_id].minimum_bid
        minimum = Decimal(str(asked)) if asked else None
        before, run = self._minima.get(candidate), self._runs.setdefault(candidate, [])
        if minimum is None or before is None or minimum < before:
            run.clear()
        self._minima[candidate] = minimum
        turn = Turn(candidate, minimum, tuple(run), self.state.next_bid(candidate))
        self.turns.append(turn)
        if not isinstance(turn.move, Bid):
            self.log.note(candidate, turn.move)
            run.clear()
            if self.terms.bidding.above_ceiling == "give_up" and not self.is_own(turn):
                self.given_up |= {candidate} if turn.above(self.terms.bidding.ceiling) else set()
        return turn.move

    def _answered(self, candidate: Candidate, move: Bid, answer: str, one: Round) -> bool:
        self.log.note(candidate, move.reason, paying=move.bid_per_gpu, answer=answer)
        if answer == TOO_LOW:
            self.state.refused(candidate, move.bid_per_gpu)
            self._runs[candidate].append(move.bid_per_gpu)
            self.state.read(quotes(one.moved))
            self.pauses.append(self.state.pause_before_raise(candidate, one.draw))
            self.now += self.pauses[-1]
            return True
        error = NoCapacity(answer) if answer == NO_CAPACITY else SpendLimitReached(answer, limit=1, committed=1)
        if answer == NO_CAPACITY:
            self._runs[candidate].clear()
        else:
            self.over_limit.add(candidate)
        self.state.set_aside("spot", candidate, error, self.now, one.draw)
        return False


def quotes(market):
    """What a market asks, as it is read."""
    return {
        name: SpotQuote(gpu_type_id=name, gpu_count=1, minimum_bid=minimum, on_demand_price=None)
        for name, minimum in market.items()
    }


def begun(names=(A40,), clouds=None, own=None, **terms):
    """A search that has not tried anything yet."""
    terms = SearchTerms(**{"bidding": policy(Decimal("0.15")), "cloud_types": clouds, **terms})
    spec = ClusterSpec(image_name="i", gpu_type_ids=names)
    request = spot_request(spec, terms, client_token=None, expires_in=None, on_attempt=None, call="spot.acquire")
    held = OwnBids()
    for name, bid in (own or {}).items():
        held.add(name.replace(" ", "-"), name, bid, at=START)
    tried = frozenset(Candidate(name, cloud) for name in names for cloud in clouds or (None,))
    return Play(SearchState(request, held=held), terms, tried, request.log, own or {})


SEARCHES = st.builds(
    begun,
    names=st.lists(st.sampled_from(TYPES), min_size=1, unique=True),
    clouds=st.sampled_from([None, (SECURE,), (SECURE, COMMUNITY)]),
    own=st.dictionaries(st.sampled_from(TYPES), AMOUNTS),
    bidding=POLICIES,
    order=st.sampled_from(["prioritized", "lowest_price", "diversified"]),
    every=st.floats(0.1, 60),
)


@st.composite
def plays(draw):
    """A search after some rounds."""
    play = draw(SEARCHES)
    for one in draw(ROUNDS):
        play.round(one)
    return play


@settings(deadline=None, max_examples=60)
@given(plays())
def test_no_bid_is_above_the_ceiling(play):
    """Every bid is within the ceiling, and at least what the market asks."""
    bids = [turn for turn in play.turns if isinstance(turn.move, Bid)]
    assert all(turn.minimum <= turn.move.bid_per_gpu <= play.terms.bidding.ceiling for turn in bids)


@settings(deadline=None, max_examples=60)
@given(plays())
def test_a_bid_after_a_refusal_is_higher_than_every_refused_bid_of_its_run(play):
    """Within a run of refusals no bid is made twice, and none is lower than one before."""
    assert all(turn.move.bid_per_gpu > max(turn.run, default=0) for turn in play.turns if isinstance(turn.move, Bid))


@settings(deadline=None, max_examples=60)
@given(plays())
def test_no_candidate_whose_win_would_displace_a_cluster_of_the_call_gets_a_bid(play):
    """Where only a cluster of the same call would be displaced, the search waits."""
    assert not any(isinstance(turn.move, Bid) for turn in play.turns if play.is_own(turn))


@settings(deadline=None, max_examples=60)
@given(plays())
def test_a_candidate_given_up_never_comes_back(play):
    """What was given up is not due in any later round, and not after any pause."""
    assert not play.came_back
    assert not play.given_up & set(play.state.due("spot", play.now + 1e6))
    assert set(play.state.due("spot", play.now + 1e6)) == play.left


@settings(deadline=None, max_examples=60)
@given(plays())
def test_a_search_is_over_only_when_every_candidate_was_given_up(play):
    """A search for spot clusters is over exactly when no candidate is left."""
    assert play.state.over is (not play.left)


@settings(deadline=None, max_examples=60)
@given(plays())
def test_every_pause_is_within_one_interval(play):
    """Neither between rounds nor before a higher bid does a search pause longer than `every`."""
    assert all(0 <= seconds <= play.terms.every for seconds in play.pauses)


@settings(deadline=None)
@given(SEARCHES, ROUNDS)
def test_a_round_ends_in_a_spending_limit_exactly_when_every_candidate_left_was_over_it(play, rounds):
    """One candidate that was not over the limit keeps the search going."""
    for one in rounds:
        play.round(one)
        assert play.limit_reached[-1] is (bool(play.left) and play.left <= play.over_limit)


@settings(deadline=None, max_examples=60)
@given(plays())
def test_a_search_fails_at_its_ceiling_exactly_when_a_latest_price_was_above_it(play):
    """The latest price of each candidate decides, whatever the order in which they were tried."""
    assume(play.turns)
    latest = {turn.candidate: turn for turn in play.turns}
    above = [each for each in latest.values() if each.above(play.terms.bidding.ceiling) and not play.is_own(each)]
    error = play.state.failure(play.log, 60.0)
    assert isinstance(error, BidCeilingReached) is bool(above)
    if above:
        assert error.minimum_bid == float(min(each.minimum for each in above))
        assert error.ceiling == float(play.terms.bidding.ceiling)
    elif play.over_limit:
        assert isinstance(error, SpendLimitReached)
    else:
        assert type(error) is NoCapacity


@settings(deadline=None, max_examples=60)
@given(plays())
def test_a_failure_names_each_candidate_with_its_latest_answer(play):
    """The message has the latest answer about each candidate, and the error all attempts of the log."""
    error = play.state.failure(play.log, 60.0)
    with pytest.raises(type(error)), play.log.attach_to_errors():
        raise error
    assert error.ledger == tuple(play.log.attempts)
    assume(not isinstance(error, SpendLimitReached))
    latest = {Candidate(each.gpu_type_id, each.cloud_type): each for each in play.log.attempts}
    for candidate, attempt in latest.items():
        words = (attempt.answer or attempt.reason).rstrip(".")
        assert f"{candidate}: {words[0].lower()}" in str(error)
        assert words[1:] in str(error)
    assert error.attempts == len(play.log.attempts)
    assert error.operation == "RentSpotCluster"
    assert ("within 60 s" if play.left else "every candidate was given up") in str(error)


@given(st.sampled_from(["spot", "on_demand"]), st.floats(1, 60), st.lists(DRAWS, min_size=1, max_size=8))
def test_a_cool_down_ends_when_it_says(kind, every, draws):
    """A candidate is not due before the end of its cool-down, is due from then on, and holds up no other market."""
    play, candidate, now = begun(every=every), Candidate(A40, None), START
    for failures, draw in enumerate(draws):
        play.state.set_aside(kind, candidate, NoCapacity(""), now, draw)
        end = now + pause("cool-down", failures, every, draw)
        assert play.state.due(kind, now) == play.state.due(kind, end - 2 * CLOCK_TOLERANCE) == ()
        assert play.state.due(kind, end) == play.state.due(kind, end + every) == (candidate,)
        assert play.state.due("spot" if kind == "on_demand" else "on_demand", now) == (candidate,)
        now = end


@settings(deadline=None)
@given(plays(), DRAWS)
def test_a_pause_ends_with_the_first_cool_down(play, draw):
    """No cool-down ends before the pause does, so that each candidate is tried again in time."""
    assume(not play.state.over)
    before = set(play.state.due("spot", play.now))
    seconds = play.state.pause(play.now, draw)
    assert set(play.state.due("spot", play.now + seconds - 2 * CLOCK_TOLERANCE)) <= before


@settings(deadline=None)
@given(plays(), st.lists(st.sampled_from(["read", "garbage", "refused", "lost"]), max_size=8))
def test_prices_that_stay_unreadable_end_a_search(play, reads):
    """Failures in a row that need not be transient end it; one price that is read starts the count again."""
    errors = {
        "garbage": UnexpectedResponse("", status_code=200),
        "refused": QueryError(""),
        "lost": ConnectionFailed(""),
    }
    in_a_row = 0
    for each in reads:
        in_a_row = 0 if each == "read" else in_a_row + 1
        if each == "read":
            play.state.read({})
        elif each != "lost" and in_a_row >= MAX_FAILED_READS:
            with pytest.raises(type(errors[each])):
                play.state.read_failed(errors[each])
            return
        else:
            play.state.read_failed(errors[each])


@settings(deadline=None)
@given(SEARCHES, ROUNDS)
def test_a_server_without_spot_ends_a_search_for_spot_and_leaves_the_other_its_fixed_prices(play, rounds):
    """The refusal is raised for `capacity="spot"`; with "auto" on-demand is left, and no ceiling is blamed."""
    missing = OperationUnsupported("", unsupported="clusterRentInterruptable")
    for one in rounds:
        play.round(one)
    with pytest.raises(OperationUnsupported):
        play.state.unsupported(missing)
    names = sorted({each.gpu_type_id for each in play.candidates})
    auto = begun(names, bidding=play.terms.bidding, capacity="auto", on_demand_ceiling=1)
    for one in rounds:
        auto.round(one)
    with pytest.raises(OperationUnsupported):
        auto.state.unsupported(OperationUnsupported("", unsupported="myself"))
    auto.state.unsupported(missing)
    assert not auto.state.over
    assert auto.state.due("spot", auto.now + 1e6) == ()
    assert set(auto.state.due("on_demand", auto.now)) == auto.candidates
    assert auto.state.next_bid(Candidate(names[0], None)) is None
    assert not isinstance(auto.state.failure(auto.log, 60.0), BidCeilingReached)


@pytest.mark.parametrize("names", [[A40], [A40, L40S]])
def test_an_unknown_gpu_type_ends_a_search(names):
    """The error names the GPU type, and the field in which it was given."""
    play = begun(names)
    problem = SpotQuote(gpu_type_id=A40, gpu_count=1, minimum_bid=None, on_demand_price=None, problem=no_such(A40))
    play.state.read({**quotes(dict.fromkeys(names)), A40: problem})
    with pytest.raises(InvalidArgument, match=f"there is no GPU type '{A40}'") as caught:
        play.state.next_bid(Candidate(A40, None))
    assert caught.value.field == "gpu_type_id"


def test_a_summary_keeps_the_names_of_operations():
    """The summary of a log begins answers in lower case, but not names."""
    log = begun().log
    log.note(Candidate(A40, None), "None is free now.")
    log.note(Candidate(L40S, None), "", answer="RentSpotCluster: HTTP 502 Bad Gateway.")
    assert log.summary() == f"{A40}: none is free now; {L40S}: RentSpotCluster: HTTP 502 Bad Gateway"


def test_a_bid_refused_at_the_markets_own_minimum_is_not_raised_at_once():
    """Equal amounts are equal, although 0.1 as a float is a little more than 0.1."""
    play, candidate = begun(bidding=policy(0.2, margin=0)), Candidate(A40, None)
    play.state.read(quotes({A40: 0.1}))
    bid = play.state.next_bid(candidate)
    play.state.refused(candidate, bid.bid_per_gpu)
    assert play.state.pause_before_raise(candidate, 0.5) > 0
    play.state.read(quotes({A40: 0.101}))
    assert play.state.pause_before_raise(candidate, 0.5) == 0
