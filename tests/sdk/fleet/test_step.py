"""Keeping a fleet running: the decision step, given anything that a market and a network may bring."""

import json
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorone import InvalidArgument, RentElsewhere
from tensorone._fleet.events import (
    BidMade,
    BudgetReached,
    GaveUp,
    Moved,
    Preempted,
    Recover,
    Recovered,
    StatusUnknown,
)
from tensorone._fleet.member import backoff
from tensorone._fleet.observations import Polled, PollFailed, RecoveryFailed, RecoverySucceeded
from tensorone._fleet.state import FleetSettings, FleetState
from tensorone._fleet.step import step

SETTINGS = FleetSettings(ceiling=0.5, width=2, backoff_initial=10, backoff_max=40, stable_after=600, settle_time=5)
BID = Decimal("0.2")
A40 = "NVIDIA A40"


@dataclass(frozen=True)
class Shown:
    """A cluster in a listing, by shape."""

    id: str
    desired_status: str
    runtime: object | None = None


def up(name):
    """A cluster whose container is up."""
    return Shown(name, "RUNNING", runtime=object())


def booting(name):
    """A cluster whose container is not up yet."""
    return Shown(name, "RUNNING")


def stopped(name):
    """A preempted cluster."""
    return Shown(name, "EXITED")


def order(name, *, gone=False, number=0, origin=None):
    """An order to recover a cluster, of the type that all have."""
    return Recover(name, gone, number, origin or name, gpu_type_id=A40)


class Fleet:
    """Steps a state through a script."""

    def __init__(self, *names, settings=SETTINGS, gpus=1):
        self.state = FleetState.start(dict.fromkeys(names, (A40, gpus)))
        self.settings = settings

    def poll(self, now, *clusters, asked_at=None):
        """A listing showed these clusters."""
        return self.observe(now, Polled(clusters, now if asked_at is None else asked_at))

    def recovered(self, now, name, new=None):
        """A recovery succeeded."""
        return self.observe(now, RecoverySucceeded(name, new or name, BID, A40))

    def observe(self, now, observation):
        """Takes any observation; returns the actions that follow."""
        self.state, actions = step(self.state, observation, now, self.settings)
        return actions

    def member(self, place=0):
        """One member."""
        return self.state.members[place]


def test_a_preempted_cluster_is_recovered_at_once():
    """The event is reported, and the recovery begins, in the same step."""
    fleet = Fleet("a", "b")
    assert fleet.poll(0, up("a"), up("b")) == ()
    assert fleet.poll(10, up("a"), stopped("b")) == (
        Preempted("b", 10, while_booting=False, gone=False),
        order("b"),
    )
    assert fleet.poll(20, up("a"), stopped("b")) == ()
    assert fleet.recovered(30, "b") == (Recovered("b", 30, BID),)
    assert fleet.poll(40, up("a"), up("b")) == ()
    assert [(one.phase, one.billed) for one in fleet.state.members] == [("up", True), ("up", True)]


def test_a_preemption_is_noticed_while_a_cluster_boots():
    """A cluster whose container never came up is recovered too."""
    fleet = Fleet("a")
    fleet.poll(0, booting("a"))
    assert fleet.poll(10, stopped("a"))[0] == Preempted("a", 10, while_booting=True, gone=False)


def test_a_cluster_found_stopped_at_the_start_is_recovered():
    """A cluster that is stopped at the first poll is recovered, though it was never seen running."""
    assert Fleet("a").poll(0, stopped("a"))[1] == order("a")


def test_one_listing_without_a_cluster_proves_nothing():
    """Two successful listings in a row without the cluster are proof; failed ones in between do not count."""
    fleet = Fleet("a")
    fleet.poll(0, up("a"))
    assert fleet.poll(10) == ()
    assert fleet.observe(15, PollFailed()) == ()
    assert fleet.poll(20, up("a")) == ()
    assert fleet.poll(30) == ()
    assert fleet.observe(35, PollFailed()) == ()
    assert fleet.poll(40) == (
        Preempted("a", 40, while_booting=False, gone=True),
        order("a", gone=True),
    )


def test_a_terminated_cluster_is_gone_at_once():
    """The server's own word needs no second poll."""
    assert Fleet("a").poll(0, Shown("a", "TERMINATED"))[0].gone


def test_an_unknown_status_is_reported_and_changes_nothing():
    """Once; neither preempted nor recovered, and billed as before. A start that is under way is not reported."""
    fleet = Fleet("a")
    fleet.poll(0, up("a"))
    assert fleet.poll(10, Shown("a", "HIBERNATING")) == (StatusUnknown("a", 10, "HIBERNATING"),)
    assert fleet.poll(20, Shown("a", "HIBERNATING")) == ()
    assert (fleet.member().phase, fleet.member().billed) == ("up", True)
    assert fleet.poll(30, Shown("a", "RESTARTING")) == ()
    fleet.poll(40, up("a"))
    assert fleet.poll(50, Shown("a", "HIBERNATING")) == (StatusUnknown("a", 50, "HIBERNATING"),)


def test_a_listing_older_than_the_recovery_is_not_believed():
    """A cluster that was just resumed is not treated as preempted because a listing lags."""
    fleet = Fleet("a")
    fleet.poll(0, stopped("a"))
    fleet.recovered(10, "a")
    assert fleet.poll(12, stopped("a"), asked_at=9) == ()
    assert fleet.poll(14, asked_at=14) == ()
    assert fleet.poll(15, stopped("a"), asked_at=15)[0] == Preempted("a", 15, while_booting=True, gone=False)


def test_a_listing_that_cannot_be_older_than_the_recovery_is_believed():
    """What was resumed and then shown running stopped since; what is new and stopped was never stopped before."""
    fleet = Fleet("a", "b", settings=replace(SETTINGS, settle_time=20))
    fleet.poll(0, stopped("a"), stopped("b"))
    fleet.recovered(10, "a")
    fleet.recovered(10, "b", "c")
    assert fleet.poll(11, stopped("a")) == ()
    assert fleet.poll(12, booting("a")) == ()
    found = fleet.poll(13, stopped("a"), stopped("c"))
    assert found[:2] == (
        Preempted("a", 13, while_booting=True, gone=False),
        Preempted("c", 13, while_booting=True, gone=False),
    )


def test_a_look_that_says_nothing_new_makes_no_new_members():
    """So that it costs as little as it says."""
    fleet = Fleet("a", "b")
    fleet.poll(0, up("a"), booting("b"))
    before = fleet.state.members
    fleet.poll(10, up("a"), booting("b"))
    assert fleet.state.members is before
    fleet.poll(20, up("a"), up("b"))
    assert fleet.member(0) is before[0]
    assert fleet.member(1).phase == "up"


def test_a_cluster_that_moved_is_watched_under_its_new_id():
    """The event has both ids, and the old one is no longer a member."""
    fleet = Fleet("a")
    fleet.poll(0, stopped("a"))
    assert fleet.recovered(10, "a", "c") == (Moved("a", "c", 10, BID),)
    assert fleet.poll(20, stopped("a"), up("c")) == ()
    assert fleet.poll(900, stopped("c"))[1] == order("c", number=1, origin="a")


def test_a_cluster_that_someone_else_started_counts_as_recovered():
    """A cluster that someone else started counts as recovered, even after it was given up."""
    fleet = Fleet("a")
    fleet.poll(0, stopped("a"))
    fleet.observe(1, RecoveryFailed("a", "The ceiling.", final=True))
    assert fleet.poll(10, stopped("a")) == ()
    assert fleet.poll(20, up("a")) == (Recovered("a", 20, None),)


def test_a_final_failure_is_reported_and_not_repeated():
    """A cluster given up is left alone."""
    fleet = Fleet("a")
    fleet.poll(0, stopped("a"))
    assert fleet.observe(1, RecoveryFailed("a", "The ceiling.", final=True)) == (GaveUp("a", 1, "The ceiling."),)
    assert fleet.poll(1000, stopped("a")) == ()


def test_failed_recoveries_back_off():
    """Each failure in a row doubles the wait, up to its bound."""
    fleet, begun, now = Fleet("a"), [], 0
    fleet.poll(0, stopped("a"))
    for _ in range(5):
        fleet.observe(now, RecoveryFailed("a", "No capacity."))
        since = now
        while not (actions := fleet.poll(now := now + 1, stopped("a"))):
            pass
        assert actions == (order("a"),)
        begun.append(now - since)
    assert begun == [10, 20, 40, 40, 40]


def test_a_recovery_that_does_not_last_triggers_back_off():
    """A recovery that does not last counts as failed; one that lasts resets the back-off."""
    fleet = Fleet("a")
    fleet.poll(0, stopped("a"))
    fleet.recovered(10, "a")
    assert [type(one) for one in fleet.poll(100, stopped("a"))] == [Preempted]
    assert fleet.poll(111, stopped("a")) == (order("a", number=1),)
    fleet.recovered(120, "a")
    fleet.poll(300, up("a"))
    assert [type(one) for one in fleet.poll(720, stopped("a"))] == [Preempted, Recover]


def test_recoveries_begin_with_a_poll_and_those_due_for_longest_first():
    """What one recovery brings begins no other: the next poll does."""
    fleet = Fleet("a", "b", "c")
    fleet.poll(0, stopped("a"), up("b"), up("c"))
    fleet.observe(1, RecoveryFailed("a", "No capacity."))
    actions = fleet.poll(5, stopped("a"), stopped("b"), up("c"))
    assert [one.cluster_id for one in actions if isinstance(one, Recover)] == ["b"]
    assert fleet.observe(6, RecoveryFailed("b", "The market is too expensive.", tried=False)) == ()
    actions = fleet.poll(20, stopped("a"), stopped("b"), stopped("c"))
    assert [one.cluster_id for one in actions if isinstance(one, Recover)] == ["a", "b", "c"]


def test_where_there_is_nothing_to_bid_the_polls_go_on():
    """It is not a failure: nothing backs off, and the market is asked again at the next poll."""
    fleet = Fleet("a", settings=replace(SETTINGS, recheck=7.5))
    fleet.poll(0, stopped("a"))
    for now in range(0, 150, 15):
        assert fleet.observe(now, RecoveryFailed("a", "Too expensive.", tried=False)) == ()
        assert fleet.poll(now + 7, stopped("a")) == ()
        assert fleet.poll(now + 15, stopped("a")) == (order("a"),)
    assert fleet.member().strikes == 0


def test_the_gpus_of_a_machine_are_waited_for_in_the_state():
    """From when they were found gone, with back-off, and no longer than allowed; the next loss begins from zero."""
    fleet = Fleet("a")
    fleet.poll(0, stopped("a"))
    fleet.observe(0, RecoveryFailed("a", "The GPUs are gone.", waits=15))
    fleet.state = FleetState.from_json(fleet.state.to_json())
    assert fleet.poll(10, stopped("a")) == (replace(order("a"), waited=10.0),)
    fleet.observe(11, RecoveryFailed("a", "The GPUs are gone.", waits=4))
    assert fleet.poll(14, stopped("a")) == ()
    assert fleet.poll(15, stopped("a")) == (replace(order("a"), waited=15.0),)
    fleet.recovered(16, "a")
    fleet.poll(700, up("a"))
    assert fleet.poll(1400, stopped("a"))[1] == order("a", number=1)


def test_a_cluster_that_was_never_seen_is_not_replaced():
    """An id that was never seen may be mistyped; one that was seen and is gone is replaced, also across a crash."""
    fleet = Fleet("typo", "b")
    assert fleet.poll(0, up("b")) == ()
    (event,) = fleet.poll(10, up("b"))
    assert isinstance(event, GaveUp)
    assert "never saw one" in event.reason
    fleet.state = FleetState.from_json(fleet.state.to_json())
    assert fleet.poll(20) == ()
    assert [type(one) for one in fleet.poll(30)] == [Preempted, Recover]


def test_a_cluster_that_was_won_and_never_seen_is_replaced():
    """Whoever knows its bid has not mistyped it: it was lost before the first poll."""
    fleet = Fleet()
    fleet.state = FleetState.start({"a": (A40, 1)}, {"a": BID})
    fleet.poll(0)
    assert fleet.poll(10) == (Preempted("a", 10, while_booting=False, gone=True), order("a", gone=True))


def test_a_limit_of_the_client_is_reported_once():
    """However often it refuses; when the cluster runs again, it may be reported again."""
    fleet = Fleet("a")
    fleet.poll(0, stopped("a"))
    limited = RecoveryFailed("a", "max_hourly_spend", limited=True)
    assert [one.limit for one in fleet.observe(1, limited)] == ["max_hourly_spend"]
    assert fleet.poll(60, stopped("a")) == (order("a"),)
    assert fleet.observe(61, limited) == ()
    fleet.poll(120, stopped("a"))
    fleet.recovered(121, "a")
    assert fleet.poll(130, up("a")) == ()
    fleet.poll(900, stopped("a"))
    assert [one.limit for one in fleet.observe(901, limited)] == ["max_hourly_spend"]


def test_a_cluster_without_gpus_costs_none():
    """A cluster without GPUs was started to save its data, and the event says so."""
    fleet = Fleet("a", gpus=8)
    fleet.poll(0, stopped("a"))
    (event,) = fleet.observe(10, RecoverySucceeded("a", "a", BID, A40, without_gpus=True))
    assert event == Recovered("a", 10, BID, without_gpus=True)
    fleet.poll(7210, up("a"))
    assert fleet.state.spent == 0


def test_own_bids_are_those_of_what_runs():
    """Own bids are the known bids of running clusters of one GPU type."""
    state = FleetState.start(dict.fromkeys("abcd", (A40, 1)), {"a": 0.25, "b": 0.3, "c": None})
    shown = Polled((up("a"), stopped("b"), up("c"), up("d")), 0)
    state, _ = step(state, shown, 0, SETTINGS)
    assert state.own_bids[A40] == (Decimal("0.25"),)
    assert "NVIDIA L4" not in state.own_bids


def test_an_outcome_of_an_unknown_recovery_is_ignored():
    """A second outcome of the same recovery changes nothing."""
    fleet = Fleet("a")
    fleet.poll(0, up("a"))
    before = fleet.state
    assert fleet.recovered(0, "a", "c") == ()
    assert fleet.state == before


def test_spending_is_estimated_from_bids_gpus_and_time():
    """A running cluster costs its bid, or the ceiling if the bid is unknown; failed polls do not stop the estimate."""
    fleet = Fleet("a", "b", gpus=4)
    fleet.poll(0, up("a"), stopped("b"))
    fleet.recovered(900, "b")
    assert fleet.state.spent == Decimal("0.5")
    fleet.observe(4500, PollFailed())
    assert fleet.state.spent == Decimal("0.5") + 2 + Decimal("0.8")
    fleet.poll(4500, stopped("a"), stopped("b"))
    fleet.poll(99999, stopped("a"), stopped("b"))
    assert fleet.state.spent == Decimal("3.3")


def test_a_clock_that_steps_back_reduces_nothing():
    """Spending never decreases, and no time is counted twice."""
    fleet = Fleet("a")
    for now in (0, 3600, 1800, 3600):
        fleet.poll(now, up("a"))
    assert fleet.state.spent == Decimal("0.5")


def test_over_its_budget_the_fleet_stops_bidding():
    """It says so once; running clusters go on, and stopped ones are not started again."""
    fleet = Fleet("a", "b", settings=replace(SETTINGS, budget=1))
    fleet.poll(0, up("a"), up("b"))
    assert fleet.poll(3600, up("a"), up("b")) == (BudgetReached(3600, "budget", Decimal(1), Decimal(1)),)
    assert [type(one) for one in fleet.poll(3700, up("a"), stopped("b"))] == [Preempted]
    assert fleet.poll(7200, up("a"), stopped("b")) == ()


def test_no_recovery_leads_across_the_hourly_spend():
    """It is counted at its ceiling together with those under way; what then fits begins at the next poll."""
    fleet = Fleet("a", "b", "c", settings=replace(SETTINGS, max_hourly_spend=1.2))
    actions = fleet.poll(0, stopped("a"), stopped("b"), stopped("c"))
    assert [one.cluster_id for one in actions if isinstance(one, Recover)] == ["a", "b"]
    assert not [one for one in actions if isinstance(one, BudgetReached)]
    fleet.recovered(2, "a")
    fleet.recovered(2, "b")
    assert fleet.poll(10, up("a"), up("b"), stopped("c")) == (order("c"),)


def test_what_the_hourly_spend_holds_back_is_reported_once():
    """What runs leaves no room; when there is some, it is made up for."""
    fleet = Fleet("a", "b", settings=replace(SETTINGS, max_hourly_spend=0.9))
    (event,) = [one for one in fleet.poll(0, up("a"), stopped("b")) if isinstance(one, BudgetReached)]
    assert (event.limit, event.rate) == ("max_hourly_spend", Decimal("0.5"))
    assert fleet.poll(10, up("a"), stopped("b")) == ()
    assert [type(one) for one in fleet.poll(20, stopped("a"), stopped("b"))] == [Preempted, Recover]


def test_a_running_recovery_is_left_to_whoever_runs_it():
    """A poll that shows the cluster running bills it; one that shows it gone is remembered."""
    fleet = Fleet("a")
    fleet.poll(0, stopped("a"))
    assert fleet.poll(1, booting("a")) == ()
    assert (fleet.member().phase, fleet.member().billed) == ("recovering", True)
    assert fleet.poll(2) == fleet.poll(3) == ()
    assert (fleet.member().phase, fleet.member().gone) == ("recovering", True)


def test_a_fleet_continues_after_a_crash():
    """A recovery that was under way begins again under the same number, so that its token rents no second machine."""
    fleet = Fleet("a", "b")
    first = fleet.poll(0, stopped("a"), up("b"))[-1]
    fleet.state = FleetState.from_json(fleet.state.to_json())
    assert fleet.poll(60, stopped("a"), up("b")) == (first,)
    fleet.state = FleetState.from_json(fleet.state.to_json())
    assert fleet.poll(70, up("a"), up("b")) == (Recovered("a", 70, None),)
    assert fleet.state.spent == Decimal("0.5") * 70 / 3600


def saved(**changes):
    """A saved state with one member, changed here or there; `member` changes that member."""
    state = json.loads(FleetState.start({"a": (A40, 1)}).to_json())
    state["members"][0].update(changes.pop("member", {}))
    return json.dumps(state | changes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a valid saved state"),
        ("[]", "not a valid saved state"),
        ("null", "not a valid saved state"),
        ("{}", "not a valid saved state"),
        (None, "not a valid saved state"),
        ('{"version": 4, "fleet": []}', "format 4, and this version reads 3"),
        ('{"version": 2}', "members"),
        ('{"version": 2, "members": [5]}', "not a valid saved state"),
        (saved(spent="much"), "not a valid saved state"),
        (saved(spent="NaN"), "spent"),
        (saved(spent="-1"), "spent"),
        (saved(more=1), "more"),
        (saved(at="yesterday"), "at"),
        (saved(at=True), "at"),
        (saved(held_by="x"), "held_by"),
        (saved(members=[{}]), "cluster_id"),
        (saved(members=2 * json.loads(saved())["members"]), "twice"),
        (saved(member={"bid_per_gpu": "high"}), "not a valid saved state"),
        (saved(member={"bid_per_gpu": "-1"}), "bid_per_gpu"),
        (saved(member={"gpu_count": "8"}), "gpu_count"),
        (saved(member={"gpu_count": -8}), "gpu_count"),
        (saved(member={"phase": "asleep"}), "phase"),
        (saved(member={"billed": "no"}), "billed"),
        (saved(member={"billed": 1}), "billed"),
        (saved(member={"retry_at": float("inf")}), "retry_at"),
        (saved(member={"cluster_id": "a b"}), "cluster_id"),
        (saved(member={"x": 1}), "x"),
    ],
)
def test_what_is_not_a_saved_state_is_refused(text, words):
    """A broken file is one clear error; the version is checked before the fields."""
    with pytest.raises(InvalidArgument, match=words) as caught:
        FleetState.from_json(text)
    assert caught.value.field == "state"


def test_a_state_of_the_first_version_is_read():
    """What it did not have is unknown."""
    old = json.loads(saved(version=1))
    for name in ("gpu_type_id", "waiting_since", "limited", "unknown_status"):
        del old["members"][0][name]
    (member,) = FleetState.from_json(json.dumps(old)).members
    assert (member.cluster_id, member.gpu_type_id) == ("a", None)


def test_a_state_of_the_second_version_may_have_sent_a_rental():
    """For each recovery that was under way: it did not say whether."""
    old = json.loads(saved(version=2, at=5.0, member={"phase": "recovering"}))
    for name in ("sent", "left_behind", "unread", "run", "epoch"):
        del old[name]
    del old["members"][0]["past"]
    state = FleetState.from_json(json.dumps(old))
    assert [(each.cluster_id, each.at, each.settled) for each in state.sent] == [("a", 5.0, False)]


EVENTS = (
    Preempted("a", 1.0, while_booting=True, gone=False),
    BidMade("a", 2.0, BID, "won"),
    Recovered("a", 3.0, BID),
    Recovered("a", 3.0, None, without_gpus=True),
    Moved("a", "b", 4.0, BID, RentElsewhere("same", "a", "m", True, Decimal(4), "Words.")),
    Moved("a", "b", 4.0, None),
    GaveUp("a", 5.0, "Words."),
    StatusUnknown("a", 6.0, "HIBERNATING"),
    BudgetReached(7.0, "budget", Decimal("1.5"), Decimal("0.2")),
)


def test_every_event_is_read_back_as_it_was():
    """Its kind included."""
    state = replace(FleetState.start({"a": (A40, 1)}), unread=EVENTS)
    assert FleetState.from_json(state.to_json()).unread == EVENTS


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


@pytest.mark.parametrize(
    ("gpus", "bids", "field"),
    [
        ({"a b": (A40, 1)}, None, "cluster_id"),
        ({"a": (A40, -1)}, None, "gpu_count"),
        ({"a": (A40, 1)}, {"a": 0}, "bids"),
        ({"a": (A40, 1)}, {"b": 0.2}, "bids"),
    ],
)
def test_a_fleet_of_no_clusters_is_refused(gpus, bids, field):
    """Ids, GPU counts and bids are checked at the start."""
    with pytest.raises(InvalidArgument) as caught:
        FleetState.start(gpus, bids)
    assert caught.value.field == field


@given(st.integers(0, 10**6), st.floats(0, 1e6), st.floats(0, 1e6))
def test_back_off_is_bounded_and_never_shrinks(strikes, initial, bound):
    """No wait is longer than its bound or shorter than the one before."""
    initial, bound = sorted((initial, bound))
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
        lambda name, moves, bid: (RecoverySucceeded(name, name.swapcase() if moves else name, bid, A40), 0),
        ANY_NAME,
        st.booleans(),
        st.decimals("0.001", "0.5", places=3),
    ),
    st.builds(
        lambda name, final, tried, waits, limited: (RecoveryFailed(name, "No.", final, tried, waits, limited), 0),
        ANY_NAME,
        st.integers(0, 9).map(lambda number: number == 0),
        st.booleans(),
        st.none() | st.floats(0, 100),
        st.booleans(),
    ),
)
ANY_SETTINGS = st.builds(
    FleetSettings,
    ceiling=st.just(0.5),
    budget=st.none() | st.floats(0.01, 2),
    max_hourly_spend=st.none() | st.floats(0.1, 3),
    stable_after=st.floats(0, 1000),
)


@given(st.lists(st.tuples(OBSERVATIONS, st.floats(0, 900)), max_size=40), ANY_SETTINGS)
def test_the_bounds_hold_through_any_script(script, settings):
    """Budget and hourly spend hold, polls alone begin recoveries, each has one outcome, a saved state is the state."""
    state, now, began = FleetState.start(dict.fromkeys(NAMES, (A40, 1))), 0.0, set()
    for (seen, age), elapsed in script:
        now += elapsed
        observation = replace(seen, asked_at=now - age) if isinstance(seen, Polled) else seen
        before = state
        state, actions = step(state, observation, now, settings)
        started = [one for one in actions if isinstance(one, Recover)]
        under_way = [one for one in state.members if one.phase == "recovering"]
        assert state.spent >= before.spent
        assert isinstance(observation, Polled) or not started
        begun = [one for one in under_way if one.cluster_id in {order.cluster_id for order in started}]
        assert all(one.retry_at <= now for one in begun)
        given_up = {one.origin for one in before.members if one.phase == "given_up"}
        assert not given_up & {one.origin for one in started}
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
