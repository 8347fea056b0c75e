"""The rate learned in simulation: against an oracle that knows the limit, against what it was before, and shared."""

import json
from pathlib import Path

import pytest
from limits import FAR, HEADERS, LOOPBACK, Bucket, Oracle, Window, play

from tensorone._graphql.rate_limiter import RateLimiter

RATES = (5, 7, 10, 15, 20, 30, 40, 50, 75, 90, 100, 150, 200)
SERVERS = {
    "bucket R/5": lambda rate: Bucket(rate, rate / 5),
    "bucket R": lambda rate: Bucket(rate, rate),
    "bucket 5R": lambda rate: Bucket(rate, 5 * rate),
    "window 0.5s": lambda rate: Window(rate, fixed=True, seconds=0.5),
    "window 1s": lambda rate: Window(rate, fixed=True),
    "window 5s": lambda rate: Window(rate, fixed=True, seconds=5),
}
WAYS = {"loopback": LOOPBACK, "30ms": FAR}
# Seconds after the start of a window.
BEGINNINGS = {"window 0.5s": (0.0, 0.15, 0.3), "window 1s": (0.0, 0.3, 0.6), "window 5s": (0.0, 1.5, 3.0)}

# Seconds and share refused of the limiter that knew no bucket, for the cells of `measure`, at each of the rates.
BEFORE = json.loads(Path(__file__).with_name("pace_before.json").read_text())


def calls(kind, rate):
    """300, or more where the bucket alone would hold most of them."""
    return 2000 if kind in {"bucket 5R", "window 5s"} and rate > 30 else 300


def measure(make, kind, header, way, rate):
    """Seconds and share refused at width 64, over the times at which a window may begin."""
    begins = BEGINNINGS.get(kind, (0.3,))
    each = [
        play([make(server)], server, header=header, way=WAYS[way], calls=calls(kind, rate), now=now)
        for now in begins
        for server in [SERVERS[kind](rate)]
    ]
    return sum(one.seconds for one in each) / len(each), sum(one.share for one in each) / len(each)


def learned(kind, header, way, rate):
    """The same of the client's own limiter."""
    return measure(lambda _: RateLimiter(64), kind, header, way, rate)


def ideal(kind, header, way, rate, *, refusals=1):
    """Seconds of one that knows the limit from so many refusals on."""
    return measure(
        lambda server: Oracle(RateLimiter(64), server, WAYS[way], refusals=refusals), kind, header, way, rate
    )[0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("kind", SERVERS)
def test_no_limit_is_met_worse_than_without_a_bucket(kind, header, way):
    """At no rate it takes longer than before by more than 7 %, or is refused more and above a twentieth."""
    for rate, (before, refused) in zip(RATES, BEFORE[f"{kind}, {header}, {way}"], strict=True):
        seconds, share = learned(kind, header, way, rate)
        assert seconds <= 1.07 * before, rate
        assert share <= max(refused + 0.03, 0.05), rate


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("rate", "most"), [*((rate, 1.1) for rate in (7, 10, 15, 20, 30, 33, 50)), (100, 1.2)])
def test_tokens_that_a_pause_filled_in_are_used(rate, most, way):
    """A bucket of one second and whole seconds to wait: the time is hardly more than the limit's own."""
    seconds, share = learned("bucket R", "int", way, rate)
    assert seconds <= most * (300 - rate) / rate
    if way == "loopback":
        assert share <= 0.05


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("header", "most"), [("none", 1.1), ("float", 1.1), ("int", 1.5)])
def test_a_small_bucket_is_learned_as_one(header, most, way):
    """A bucket of a fifth of a second: two refusals tell it from a slow one, whose pauses would save as much."""
    for rate in (*RATES, 33, 63, 120, 170):
        seconds, _ = learned("bucket R/5", header, way, rate)
        assert seconds <= most * ideal("bucket R/5", header, way, rate), rate


def test_a_small_bucket_costs_hardly_more_than_the_two_refusals_that_tell_it():
    """Where whole seconds are named: 1.1 times the time of one that is refused twice, and loses nothing else."""
    for rate in (20, 30, 40, 50, 63, 75, 90, 100, 120, 150, 170, 200):
        seconds, _ = learned("bucket R/5", "int", "loopback", rate)
        assert seconds <= 1.1 * ideal("bucket R/5", "int", "loopback", rate, refusals=2), rate


@pytest.mark.parametrize("rate", [10, 15, 20, 30])
def test_a_short_window_is_told_from_a_slow_bucket(rate):
    """Half a second, where whole seconds are named: 1.25 times the time of one that knows it from the first refusal."""
    seconds, _ = learned("window 0.5s", "int", "loopback", rate)
    assert seconds <= 1.25 * ideal("window 0.5s", "int", "loopback", rate)


@pytest.mark.parametrize("learners", [2, 4, 6])
def test_several_learners_share_a_limit(learners):
    """Processes that take calls from one queue use a limit of 20 a second wholly, and their refusals become rare."""
    few, many = (
        play([RateLimiter(64) for _ in range(learners)], Bucket(20, 20), header="int", calls=count, shared=True)
        for count in (400, 3000)
    )
    assert 0.95 * few.seconds <= (400 - 20) / 20
    assert 0.95 * many.seconds <= (3000 - 20) / 20
    assert many.share <= 0.05


def test_a_learner_among_many_keeps_what_it_was_given():
    """Six of them, each with its own calls, do not fall to one request a second: the slowest ends not much later."""
    servers = [Bucket(rate, rate) for rate in (14, 20, 27, 39) for _ in range(2)]
    for count, most, refused in ((400, 0.7, 0.14), (3000, 0.85, 0.05)):
        played = [
            play([RateLimiter(64) for _ in range(6)], server, header="int", calls=count, now=now)
            for server, now in zip(servers, (0.3, 0.7) * 4, strict=True)
        ]
        used = [(count - server.burst) / server.rate / one.seconds for one, server in zip(played, servers, strict=True)]
        assert sum(used) / len(used) >= most
        assert sum(one.share for one in played) / len(played) <= refused
        servers = [Bucket(server.rate, server.burst) for server in servers]


def test_a_rate_given_to_each_of_many_needs_no_refusals():
    """Six processes with a sixth of the limit each: 0.85 of the ideal time, hardly a refusal."""
    limiters = [RateLimiter(64, requests_per_second=3.2) for _ in range(6)]
    played = play(limiters, Bucket(20, 20), header="int", calls=400)
    assert 0.85 * played.seconds <= (400 - 20) / 20
    assert played.share <= 0.05
