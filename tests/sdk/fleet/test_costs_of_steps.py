"""What the decision step costs, in calls of functions: the same on a quick machine and on a busy one."""

import sys
from dataclasses import replace

import pytest

from tensorone._fleet._store.saving import Saving
from tensorone._fleet.look import digest
from tensorone._fleet.state import FleetSettings, FleetState
from tensorone._fleet.step import step
from tensorone._generated import Cluster, Runtime
from tensorone.fleet import Look, RecoverySucceeded, RentalSent, Seen

A40 = "NVIDIA A40"
SETTINGS = FleetSettings(ceiling=0.4)


class Lines:
    """A store that keeps nothing."""

    def open(self):
        """It has nothing."""

    def save(self, text):
        """Forgets it."""

    def append(self, change):
        """Forgets it."""

    def close(self):
        """Does nothing."""


def calls(work):
    """How many functions, of Python and of C, a piece of work calls."""
    count = 0

    def note(_frame, event, _argument):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def fleet(count):
    """A fleet of so many clusters, all of which run, with the listing that shows it."""
    ids = [f"{number:05}zk29x8qwe" for number in range(count)]
    up = Runtime.model_construct(uptime_in_seconds=100, ports=None, gpus=None, container=None)
    fields = {"desired_status": "RUNNING", "image_name": "i", "env": [], "machine_id": "m", "machine": None}
    listing = {each: Cluster.model_construct(id=each, name=None, runtime=up, **fields) for each in ids}
    state = FleetState.start(dict.fromkeys(ids, (A40, 1)), dict.fromkeys(ids, 0.3))
    state, _ = step(state, digest(listing, state.cluster_ids, (), at=1.0), 1.0, SETTINGS)
    return state, listing


def look_of(state, listing, now):
    """A look, and its save."""
    look = digest(listing, state.cluster_ids, state.other_ids, at=now)
    return step(state, look, now, SETTINGS)[0]


@pytest.fixture(scope="module")
def costs():
    """Of 1,000 members and of 10,000: a quiet look, one that shows all lost, one outcome, and all just replaced."""
    found = []
    for count in (1_000, 10_000):
        state, listing = fleet(count)
        saving = Saving(Lines(), None, None)
        saving.save(state)
        old = state.members[count // 2].cluster_id

        def quiet(state=state, listing=listing, saving=saving):
            saving.save(look_of(state, listing, 20.0))

        def lost(state=state):
            step(state, Look(at=20.0, seen=tuple(Seen(each, "EXITED") for each in state.cluster_ids)), 20.0, SETTINGS)

        def outcome(state=state, saving=saving, old=old):
            after, _ = step(state, RentalSent(old, "me"), 30.0, SETTINGS)
            saving.save(after)
            after, _ = step(after, RecoverySucceeded(old, "new", None), 31.0, SETTINGS)
            saving.save(after)

        members = [replace(one, cluster_id=f"{one.key}n", past=(one.key,), phase="booting") for one in state.members]
        moved = replace(state, members=members)
        boot = tuple(Seen(one.key, "RUNNING", "m", one.past[0]) for one in members)

        def replaced(moved=moved, boot=boot):
            step(moved, Look(at=20.0, seen=boot), 20.0, SETTINGS)

        outcome()  # what is imported or made at first
        found.append((calls(quiet) / count, calls(lost) / count, calls(outcome), calls(replaced) / count))
    return found


def test_a_quiet_look_costs_each_member_little_and_no_more_in_a_large_fleet(costs):
    """Nothing is made for a member of which nothing is new."""
    small, large = [quiet for quiet, *_ in costs]
    assert large < 1.3 * small < 100


def test_a_look_at_many_that_are_lost_costs_each_as_much(costs):
    """Also in a large fleet."""
    small, large = [lost for _, lost, *_ in costs]
    assert large < 1.3 * small < 300


def test_a_look_at_many_that_were_just_replaced_costs_each_as_much(costs):
    """None of them is sought among all the others."""
    small, large = [replaced for *_, replaced in costs]
    assert large < 1.3 * small < 300


def test_an_outcome_costs_the_same_in_a_large_fleet(costs):
    """With both of its saves: a few dozen references are copied, whatever the number of members."""
    small, large = [outcome for _, _, outcome, _ in costs]
    assert large < 1.2 * small < 600
