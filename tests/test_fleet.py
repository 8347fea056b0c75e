"""Keeping a fleet running: the decision step, fed with whatever a market and a network may bring."""

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorone import InvalidArgument
from tensorone._fleet import backoff, step
from tensorone._fleet_events import (
    BudgetReached,
    GaveUp,
    Moved,
    Polled,
    PollFailed,
    Preempted,
    Recover,
    Recovered,
    RecoveryFailed,
    RecoverySucceeded,
)
from tensorone._fleet_state import FleetSettings, FleetState

SETTINGS = FleetSettings(ceiling=0.5, width=2, backoff_initial=10, backoff_max=40, stable_after=600, settle_time=5)
BID = Decimal("0.2")


@dataclass(frozen=True)
class Shown:
    """A cluster in a listing, by shape."""

    id: str
    desired_status: str
    runtime: object | None = None


def up(name):
    """A cluster whose container runs."""
    return Shown(name, "RUNNING", runtime=object())


def booting(name):
    """A cluster whose container is not up yet."""
    return Shown(name, "RUNNING")


def stopped(name):
    """A cluster that was preempted."""
    return Shown(name, "EXITED")


class Fleet:
    """Steps a state through a script."""

    def __init__(self, *names, settings=SETTINGS, gpus=1):
        self.state = FleetState.start(dict.fromkeys(names, gpus))
        self.settings = settings

    def poll(self, now, *clusters, asked_at=None):
        """A listing showed these clusters."""
        return self.observe(now, Polled(clusters, now if asked_at is None else asked_at))

    def recovered(self, now, name, new=None):
        """A recovery ended well."""
        return self.observe(now, RecoverySucceeded(name, new or name, BID))

    def observe(self, now, observation):
        """Any observation; the actions it leads to."""
        self.state, actions = step(self.state, observation, now, self.settings)
        return actions

    def member(self, place=0):
        """One member."""
        return self.state.members[place]


def test_a_preempted_cluster_is_recovered_at_once():
    """The event is told, and the recovery begins, in the same step."""
    fleet = Fleet("a", "b")
    assert fleet.poll(0, up("a"), up("b")) == ()
    assert fleet.poll(10, up("a"), stopped("b")) == (
        Preempted("b", 10, while_booting=False, gone=False),
        Recover("b", gone=False, number=0, origin="b"),
    )
    assert fleet.poll(20, up("a"), stopped("b")) == ()
    assert fleet.recovered(30, "b") == (Recovered("b", 30, BID),)
    assert fleet.poll(40, up("a"), up("b")) == ()
    assert [(one.phase, one.billed) for one in fleet.state.members] == [("up", True), ("up", True)]


def test_a_preemption_is_noticed_while_a_cluster_boots():
    """A container that never came up is no reason to overlook it."""
    fleet = Fleet("a")
    fleet.poll(0, booting("a"))
    assert fleet.poll(10, stopped("a"))[0] == Preempted("a", 10, while_booting=True, gone=False)


def test_a_cluster_found_stopped_at_the_start_is_recovered():
    """It need not have been seen running."""
    assert Fleet("a").poll(0, stopped("a"))[1] == Recover("a", gone=False, number=0, origin="a")


def test_one_listing_without_a_cluster_is_no_proof():
    """Two in a row that succeed are, failed ones between them aside."""
    fleet = Fleet("a")
    fleet.poll(0, up("a"))
    assert fleet.poll(10) == ()
    assert fleet.observe(15, PollFailed()) == ()
    assert fleet.poll(20, up("a")) == ()
    assert fleet.poll(30) == ()
    assert fleet.observe(35, PollFailed()) == ()
    assert fleet.poll(40) == (
        Preempted("a", 40, while_booting=False, gone=True),
        Recover("a", gone=True, number=0, origin="a"),
    )


def test_a_terminated_cluster_is_gone_at_once():
    """The server's own word needs no second look."""
    assert Fleet("a").poll(0, Shown("a", "TERMINATED"))[0].gone


def test_a_status_that_nobody_knows_changes_nothing():
    """Neither preempted nor recovered, and billed as before."""
    fleet = Fleet("a")
    fleet.poll(0, up("a"))
    assert fleet.poll(10, Shown("a", "HIBERNATING")) == ()
    assert (fleet.member().phase, fleet.member().billed) == ("up", True)


def test_a_listing_older_than_the_recovery_is_not_believed():
    """A cluster just resumed is not taken for preempted because a listing lags."""
    fleet = Fleet("a")
    fleet.poll(0, stopped("a"))
    fleet.recovered(10, "a")
    assert fleet.poll(12, stopped("a"), asked_at=9) == ()
    assert fleet.poll(14, asked_at=14) == ()
    assert fleet.poll(15, stopped("a"), asked_at=15)[0] == Preempted("a", 15, while_booting=True, gone=False)


def test_a_cluster_that_moved_is_watched_under_its_new_id():
    """The event names both; the old one is no longer a member."""
    fleet = Fleet("a")
    fleet.poll(0, stopped("a"))
    assert fleet.recovered(10, "a", "c") == (Moved("a", "c", 10, BID),)
    assert fleet.poll(20, stopped("a"), up("c")) == ()
    assert fleet.poll(900, stopped("c"))[1] == Recover("c", gone=False, number=1, origin="a")


def test_a_cluster_that_someone_else_started_counts_as_recovered():
    """Also one that had been given up."""
    fleet = Fleet("a")
    fleet.poll(0, stopped("a"))
    fleet.observe(1, RecoveryFailed("a", "The ceiling.", final=True))
    assert fleet.poll(10, stopped("a")) == ()
    assert fleet.poll(20, up("a")) == (Recovered("a", 20, None),)


def test_a_final_failure_is_told_and_not_repeated():
    """A cluster given up is left alone."""
    fleet = Fleet("a")
    fleet.poll(0, stopped("a"))
    assert fleet.observe(1, RecoveryFailed("a", "The ceiling.", final=True)) == (GaveUp("a", 1, "The ceiling."),)
    assert fleet.poll(1000, stopped("a")) == ()


def test_failed_recoveries_back_off():
    """Each one in a row doubles the wait, up to its bound."""
    fleet, begun, now = Fleet("a"), [], 0
    fleet.poll(0, stopped("a"))
    for _ in range(5):
        fleet.observe(now, RecoveryFailed("a", "No capacity."))
        since = now
        while not (actions := fleet.poll(now := now + 1, stopped("a"))):
            pass
        assert actions == (Recover("a", gone=False, number=0, origin="a"),)
        begun.append(now - since)
    assert begun == [10, 20, 40, 40, 40]


def test_a_market_that_flaps_is_met_with_back_off():
    """A recovery that does not last counts as failed; one that lasts wipes the slate."""
    fleet = Fleet("a")
    fleet.poll(0, stopped("a"))
    fleet.recovered(10, "a")
    assert [type(one) for one in fleet.poll(100, stopped("a"))] == [Preempted]
    assert fleet.poll(111, stopped("a")) == (Recover("a", gone=False, number=1, origin="a"),)
    fleet.recovered(120, "a")
    fleet.poll(300, up("a"))
    assert [type(one) for one in fleet.poll(720, stopped("a"))] == [Preempted, Recover]


def test_recoveries_run_side_by_side_at_bounded_width():
    """The next one begins as one ends."""
    fleet = Fleet("a", "b", "c")
    actions = fleet.poll(0, stopped("a"), stopped("b"), stopped("c"))
    assert [one.cluster_id for one in actions if isinstance(one, Recover)] == ["a", "b"]
    assert fleet.recovered(1, "b")[1:] == (Recover("c", gone=False, number=0, origin="c"),)


def test_an_outcome_of_a_recovery_that_nobody_began_is_ignored():
    """A second answer changes nothing."""
    fleet = Fleet("a")
    fleet.poll(0, up("a"))
    before = fleet.state
    assert fleet.recovered(0, "a", "c") == ()
    assert fleet.state == before


def test_spending_is_estimated_from_bids_gpus_and_time():
    """What runs costs its bid, or the ceiling where the bid is unknown; failed polls stop no bill."""
    fleet = Fleet("a", "b", gpus=4)
    fleet.poll(0, up("a"), stopped("b"))
    fleet.recovered(900, "b")
    assert fleet.state.spent == Decimal("0.5")
    fleet.observe(4500, PollFailed())
    assert fleet.state.spent == Decimal("0.5") + 2 + Decimal("0.8")
    fleet.poll(4500, stopped("a"), stopped("b"))
    fleet.poll(99999, stopped("a"), stopped("b"))
    assert fleet.state.spent == Decimal("3.3")


def test_a_clock_that_steps_back_takes_nothing_back():
    """Spending never falls, and no time is counted twice."""
    fleet = Fleet("a")
    for now in (0, 3600, 1800, 3600):
        fleet.poll(now, up("a"))
    assert fleet.state.spent == Decimal("0.5")


def test_over_its_budget_the_fleet_stops_bidding():
    """It says so once; what runs goes on, and what ends is not started again."""
    fleet = Fleet("a", "b", settings=replace(SETTINGS, budget=1))
    fleet.poll(0, up("a"), up("b"))
    assert fleet.poll(3600, up("a"), up("b")) == (BudgetReached(3600, "budget", Decimal(1), Decimal(1)),)
    assert [type(one) for one in fleet.poll(3700, up("a"), stopped("b"))] == [Preempted]
    assert fleet.poll(7200, up("a"), stopped("b")) == ()


def test_no_recovery_leads_across_the_hourly_spend():
    """It is counted at its ceiling together with those under way, told once, and made up for when there is room."""
    fleet = Fleet("a", "b", "c", settings=replace(SETTINGS, width=3, max_hourly_spend=1.2))
    actions = fleet.poll(0, stopped("a"), stopped("b"), stopped("c"))
    assert [one.cluster_id for one in actions if isinstance(one, Recover)] == ["a", "b"]
    assert [one.limit for one in actions if isinstance(one, BudgetReached)] == ["max_hourly_spend"]
    assert fleet.poll(1, stopped("a"), stopped("b"), stopped("c")) == ()
    assert fleet.recovered(2, "a") == (Recovered("a", 2, BID), Recover("c", gone=False, number=0, origin="c"))


def test_a_running_recovery_is_left_to_whoever_runs_it():
    """A poll that shows it running bills it; one that shows it gone is remembered."""
    fleet = Fleet("a")
    fleet.poll(0, stopped("a"))
    assert fleet.poll(1, booting("a")) == ()
    assert (fleet.member().phase, fleet.member().billed) == ("recovering", True)
    assert fleet.poll(2) == fleet.poll(3) == ()
    assert (fleet.member().phase, fleet.member().gone) == ("recovering", True)


def test_a_fleet_is_taken_up_after_a_crash():
    """A recovery that was under way begins again under the same number, so that its token rents no second machine."""
    fleet = Fleet("a", "b")
    first = fleet.poll(0, stopped("a"), up("b"))[-1]
    fleet.state = FleetState.from_json(fleet.state.to_json())
    assert fleet.poll(60, stopped("a"), up("b")) == (first,)
    fleet.state = FleetState.from_json(fleet.state.to_json())
    assert fleet.poll(70, up("a"), up("b")) == (Recovered("a", 70, None),)
    assert fleet.state.spent == Decimal("0.5") * 70 / 3600


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"version": 2, "members": [], "spent": "0"}',
        '{"version": 1}',
        '{"version": 1, "members": [], "spent": "much"}',
        '{"version": 1, "members": [], "spent": "1", "more": 1}',
        '{"version": 1, "members": [{}], "spent": "1"}',
        '{"version": 1, "members": [{"cluster_id": "a", "bid_per_gpu": "high"}], "spent": "1"}',
    ],
)
def test_what_is_no_saved_state_is_refused(text):
    """A broken file is one clear error."""
    with pytest.raises(InvalidArgument, match="state"):
        FleetState.from_json(text)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ceiling", 0),
        ("ceiling", None),
        ("width", 0),
        ("budget", 0),
        ("max_hourly_spend", float("inf")),
        ("backoff_initial", -1),
        ("backoff_max", float("nan")),
    ],
)
def test_wrong_settings_are_refused(field, value):
    """The field is named."""
    with pytest.raises(InvalidArgument) as caught:
        FleetSettings(**{"ceiling": 0.5, field: value})
    assert caught.value.field == field


@pytest.mark.parametrize(("counts", "field"), [({"a b": 1}, "cluster_id"), ({"a": -1}, "gpu_count")])
def test_a_fleet_of_no_clusters_is_refused(counts, field):
    """Ids and GPU counts are checked at the start."""
    with pytest.raises(InvalidArgument, match=field):
        FleetState.start(counts)


@given(st.integers(0, 10**6), st.floats(0, 1e6), st.floats(0, 1e6))
def test_back_off_is_bounded_and_never_shrinks(strikes, initial, bound):
    """No wait is longer than its bound, nor shorter than the one before."""
    settings = FleetSettings(ceiling=1, backoff_initial=initial, backoff_max=bound)
    assert 0 <= backoff(strikes, settings) <= backoff(strikes + 1, settings) <= bound


NAMES = ("a", "b", "c", "d")
ANY_NAME = st.sampled_from([*NAMES, *(name.upper() for name in NAMES)])  # a moves to A, and back
SHOWN = st.builds(
    lambda name, status, running: Shown(name, status, object() if running else None),
    ANY_NAME | st.just("stranger"),
    st.sampled_from(["RUNNING", "EXITED", "EXITED", "TERMINATED", "CREATED", "NEW"]),
    st.booleans(),
)
OBSERVATIONS = st.one_of(
    st.builds(lambda clusters, age: (Polled(tuple(clusters), 0), age), st.lists(SHOWN, max_size=5), st.floats(0, 30)),
    st.just((PollFailed(), 0)),
    st.builds(
        lambda name, moves, bid: (RecoverySucceeded(name, name.swapcase() if moves else name, bid), 0),
        ANY_NAME,
        st.booleans(),
        st.decimals("0.001", "0.5", places=3),
    ),
    st.builds(lambda name, final: (RecoveryFailed(name, "No.", final), 0), ANY_NAME, st.integers(0, 9).map(bool)),
)
ANY_SETTINGS = st.builds(
    FleetSettings,
    ceiling=st.just(0.5),
    width=st.integers(1, 3),
    budget=st.none() | st.floats(0.01, 2),
    max_hourly_spend=st.none() | st.floats(0.1, 3),
    stable_after=st.floats(0, 1000),
)


@given(st.lists(st.tuples(OBSERVATIONS, st.floats(0, 900)), max_size=40), ANY_SETTINGS)
def test_the_bounds_hold_through_any_script(script, settings):
    """Width, budget and hourly spend hold, each recovery has one outcome, and a saved state is the state."""
    state, now, began = FleetState.start(dict.fromkeys(NAMES, 1)), 0.0, set()
    for (seen, age), elapsed in script:
        now += elapsed
        observation = replace(seen, asked_at=now - age) if isinstance(seen, Polled) else seen
        before = state
        state, actions = step(state, observation, now, settings)
        started = [one for one in actions if isinstance(one, Recover)]
        under_way = [one for one in state.members if one.phase == "recovering"]
        assert state.spent >= before.spent
        assert len(under_way) <= settings.width
        assert len(state.members) == len(NAMES)
        if settings.budget is not None and state.spent >= settings.budget:
            assert not started
            assert state.held_by == "budget"
        if started and settings.max_hourly_spend is not None:
            others = [one for one in state.members if one.billed and one not in under_way]
            running = sum(
                Decimal(str(settings.ceiling)) if one.bid_per_gpu is None else one.bid_per_gpu for one in others
            )
            assert running + Decimal("0.5") * len(under_way) <= settings.max_hourly_spend
        for event in actions:
            if isinstance(event, Recovered | Moved | GaveUp):
                began.discard(getattr(event, "old_cluster_id", event.cluster_id))
        if isinstance(observation, RecoveryFailed):
            began.discard(observation.cluster_id)
        assert not began & {one.cluster_id for one in started}
        began |= {one.cluster_id for one in started}
        assert {one.cluster_id for one in under_way} == began
        if not under_way:
            assert FleetState.from_json(state.to_json()) == state
