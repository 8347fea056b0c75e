"""What an account shows of replacements: which one has the place, which is surplus, and which was left. All pure."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from tensorone import RentElsewhere
from tensorone._data.rows import Rows
from tensorone._fleet.bookkeeping import SENT_MEMORY, left_after, may_be_committed, sent_after
from tensorone._fleet.events import End, Moved, Recover
from tensorone._fleet.look import Look, Seen
from tensorone._fleet.member import LeftBehind, Member, Sent
from tensorone._fleet.observations import (
    Duplicated,
    Pending,
    Polled,
    PollFailed,
    RecoveryFailed,
    RecoverySucceeded,
    RentalSent,
    Strayed,
)
from tensorone._fleet.replacements import SAME_AGE, kept, place_of, successor, surplus
from tensorone._fleet.state import FleetSettings, FleetState
from tensorone._fleet.step import step

SETTINGS = FleetSettings(ceiling=0.5, settle_time=20)


@dataclass(frozen=True)
class Shown:
    """A cluster in a listing, by shape."""

    id: str
    desired_status: str = "RUNNING"
    env: tuple[str, ...] = ()
    runtime: object | None = None


def rented(name, old, status="RUNNING", uptime=0):
    """A cluster that was rented in the place of another."""
    runtime = None if uptime is None or status != "RUNNING" else SimpleNamespace(uptime_in_seconds=uptime)
    return Shown(name, status, (f"TENSORONE_CLIENT_TOKEN=keep-{old}",), runtime)


def listing(*clusters):
    """Clusters by id."""
    return {each.id: each for each in clusters}


def order(name, *, past=(), gone=True):
    """A lost cluster."""
    return Recover(name, gone, len(past), past[0] if past else name, past=past)


def left(name, cost=4, *, stays=True):
    """A cluster that was left behind."""
    return RentElsewhere("same", name, "m", stays, cost, "Words.")


def fleet(*members, sent=(), behind=()):
    """A state with these members, each with its past."""
    made = tuple(
        Member(cluster_id=one[-1], origin=one[0], past=tuple(one[:-1]), phase="up", recovered_at=0.0) for one in members
    )
    return FleetState(
        members=made,
        sent=tuple(Sent(cluster_id=each, at=0.0, settled=True) for each in sent),
        left_behind=tuple(LeftBehind(cluster=left(each)) for each in behind),
    )


@pytest.mark.parametrize(
    ("lost", "shown", "found"),
    [
        (order("a"), [], None),
        (order("a"), [Shown("x")], None),
        (order("a"), [rented("b", "a")], "b"),
        (order("a"), [rented("b", "a", "CREATED")], "b"),
        (order("a"), [rented("b", "a", "EXITED")], "b"),
        (order("a"), [rented("b", "a", "TERMINATED")], None),
        (order("a"), [rented("b", "a", "EXITED"), rented("c", "b")], "c"),
        (order("a"), [rented("b", "a", "EXITED"), rented("c", "b", "EXITED"), rented("d", "c")], "d"),
        (order("a"), [rented("c", "a"), rented("b", "a", "EXITED")], "c"),
        (order("a"), [rented("b", "a-0")], "b"),
        (order("a"), [rented("m", "a")], None),
        (order("a"), [rented("a", "a")], None),
        (order("b", past=("a",)), [rented("c", "a")], "c"),
        (order("b", past=("a",)), [rented("c", "a", "EXITED")], None),
        (order("b", past=("a",)), [Shown("a")], "a"),
        (order("b", past=("a",)), [Shown("a", "EXITED")], None),
        (order("b", past=("a",), gone=False), [Shown("a")], None),
        (order("b", past=("a",)), [rented("d", "b"), rented("c", "a")], "d"),
    ],
)
def test_the_end_of_a_chain_has_the_place(lost, shown, found):
    """By tokens alone, whoever rented it; what was rented beside the lost one, or ran before it, comes last."""
    cluster = successor(lost, listing(*shown), [lost.cluster_id, "m"])
    assert (cluster and cluster.id) == found


@pytest.mark.parametrize(
    ("state", "shown", "duplicated", "ended", "strays"),
    [
        (fleet(["a"]), [Shown("a"), Shown("x")], [], [], []),
        (fleet(["a", "b"]), [rented("b", "a")], [], [], []),
        (fleet(["a", "b"]), [rented("b", "a"), rented("c", "a")], [], ["c"], []),
        (fleet(["a", "c"]), [rented("b", "a"), rented("c", "a")], [("c", "b")], ["c"], []),
        (fleet(["a", "c"]), [rented("b", "a"), rented("c", "a", uptime=3600)], [], ["b"], []),
        (fleet(["a", "b"]), [rented("b", "a"), rented("c", "a", "EXITED")], [], [], ["c"]),
        (fleet(["a", "b"]), [rented("b", "a"), rented("c", "a", "TERMINATED")], [], [], []),
        (fleet(["a", "b"], behind=["c"]), [rented("b", "a"), rented("c", "a", "EXITED")], [], [], []),
        (fleet(["a", "b"]), [rented("b", "a", "EXITED"), rented("c", "a")], [], [], []),
        (fleet(["a", "b"]), [rented("c", "a")], [], [], []),
        (fleet(["a"]), [Shown("a", "EXITED"), rented("b", "a")], [], [], []),
        (fleet(["a"]), [Shown("a"), rented("b", "a")], [], [], []),
        (fleet(["a"], sent=["a"]), [Shown("a"), rented("b", "a"), rented("c", "a", "EXITED")], [], ["b"], ["c"]),
        (fleet(["a", "b", "c"], sent=["a", "b"]), [rented("c", "b"), rented("d", "a")], [], ["d"], []),
        (fleet(["a", "b", "c"]), [rented("c", "b"), rented("d", "a"), rented("e", "a", "EXITED")], [], [], ["e"]),
        (fleet(["b"], ["c"]), [rented("b", "a"), rented("c", "a"), rented("d", "a")], [], ["d"], []),
        (fleet(["z"]), [Shown("z"), rented("b", "a"), rented("c", "a", "EXITED")], [], [], []),
    ],
)
def test_what_is_surplus(state, shown, duplicated, ended, strays):
    """A member stays; of two for one place the oldest does, else the first by id; of strangers nothing is known."""
    found = surplus(state, listing(*shown), now=1000.0)
    assert [(one.cluster_id, one.kept_id) for one in found.duplicated] == duplicated
    assert [each.id for each in found.running] == ended
    assert [each.id for each in found.stopped] == strays


def test_duplicates_may_boot_first():
    """Which one is the oldest is not known before; but they are not waited for for ever."""
    shown = listing(rented("b", "a", uptime=None), rented("c", "a", uptime=5))
    assert not surplus(fleet(["a", "c"]), shown, now=100.0).running
    assert [each.id for each in surplus(fleet(["a", "c"]), shown, now=301.0).running] == ["c"]


def test_a_cluster_given_up_gets_no_replacement():
    """What its rental brought late is terminated."""
    state = fleet(["a"], sent=["a"])
    state = replace(state, members=(replace(state.members[0], phase="given_up"),))
    found = surplus(state, listing(Shown("a", "EXITED"), rented("b", "a")), now=0.0)
    assert [each.id for each in found.running] == ["b"]


def test_all_keepers_keep_the_same():
    """The oldest by more than the uncertainty of an age, else the first by id."""
    old, new = rented("z", "a", uptime=SAME_AGE + 1), rented("b", "a")
    assert kept([old, new]) is kept([new, old]) is old
    assert kept([rented("z", "a", uptime=SAME_AGE), new]) is new


def test_the_place_of_a_cluster_is_known_by_its_token():
    """For what a stray costs."""
    state = fleet(["a", "b", "c"])
    assert [place_of(state, rented("x", old)) for old in "abcd"] == ["a", "a", "a", None]
    assert place_of(state, Shown("x")) is None


def test_a_rental_is_remembered_until_it_is_settled_and_longer():
    """A newer one of the same cluster takes its place; a round that only looked for it settles nothing."""
    sent = sent_after(Rows(), RentalSent("a"), 10.0)
    sent = sent_after(sent, RentalSent("b"), 11.0)
    sent = sent_after(sent, RentalSent("a"), 12.0)
    assert [(each.cluster_id, each.at) for each in sent] == [("a", 12.0), ("b", 11.0)]
    sent = sent_after(sent, Pending("a", None, "Looking."), 13.0)
    assert may_be_committed(sent, "a", 31.9, 20.0)
    assert not may_be_committed(sent, "a", 32.0, 20.0)
    for outcome in (RecoveryFailed("a", "No."), RecoverySucceeded("a", "c", None)):
        assert not may_be_committed(sent_after(sent, outcome, 13.0), "a", 13.0, 20.0)
    assert sent_after(sent, PollFailed(), 12.0 + SENT_MEMORY) == ()


def test_what_was_left_is_held_until_it_is_gone():
    """Two listings without it, or the server's word; a cluster that was gone before is not held."""
    state = fleet(["a", "b"], behind=["a", "x"])
    seen = left_after(state, Polled((Shown("a"), Shown("x", "TERMINATED")), 0.0))
    assert [each.cluster.old_cluster_id for each in seen] == ["a"]
    once = left_after(replace(state, left_behind=seen), Polled((), 0.0))
    assert [each.misses for each in once] == [1]
    assert left_after(replace(state, left_behind=once), Polled((), 0.0)) == ()
    assert left_after(state, PollFailed()) == state.left_behind
    gone = left("a", None, stays=False)
    assert [each.cluster.old_cluster_id for each in left_after(state, Strayed(gone))] == ["x"]
    more = left_after(state, RecoverySucceeded("b", "c", None, left_behind=left("b", 0, stays=False)))
    assert [each.cluster.old_cluster_id for each in more] == ["a", "x", "b"]


def test_a_duplicate_gives_its_place_to_the_one_that_stays():
    """The event says so; an order that was begun for it is not."""
    state, events = step(fleet(["a", "c"], ["z"]), Duplicated("c", "b"), 5.0, SETTINGS)
    assert events == (Moved("c", "b", 5.0, None),)
    assert [(one.cluster_id, one.past) for one in state.members] == [("b", ("a", "c")), ("z", ())]


def test_a_replacement_found_stopped_is_recovered_next():
    """It has the place; its predecessor is left behind, and one that is a member again is not."""
    state = FleetState(members=(Member(cluster_id="a", origin="a", phase="recovering"),))
    outcome = RecoverySucceeded("a", "b", None, left_behind=left("a"), running=False)
    state, events = step(state, outcome, 5.0, SETTINGS)
    assert events == (Moved("a", "b", 5.0, None, left("a")),)
    assert (state.members[0].phase, state.members[0].billed) == ("down", False)
    assert [each.cluster.old_cluster_id for each in state.left_behind] == ["a"]
    state, actions = step(state, Polled((Shown("b", "EXITED"),), 6.0), 6.0, SETTINGS)
    assert [type(one) for one in actions] == [Recover]
    state, _ = step(state, RecoverySucceeded("b", "a", None), 7.0, SETTINGS)
    assert (state.members[0].past, state.left_behind) == (("b",), ())


def test_a_rental_that_may_be_committed_holds_its_recovery():
    """The order says so, until it is over."""
    state, _ = step(FleetState.start({"a": ("NVIDIA A40", 1)}), RentalSent("a"), 0.0, SETTINGS)
    for now, unsettled in ((1.0, True), (20.0, False)):
        (*_, recover) = step(state, Polled((Shown("a", "EXITED"),), now), now, SETTINGS)[1]
        assert recover.unsettled is unsettled


def test_what_was_left_and_forgotten_is_left_again():
    """A listing that lagged may have dropped it; what a look does not tell about is not missed."""
    state = fleet(["a", "b"], ["c"], behind=["x"])
    look = Look(at=100.0, up=("b",), stopped=("a",))
    state, actions = step(state, look, 100.0, SETTINGS)
    assert actions == ()
    assert [(each.key, each.misses) for each in state.left_behind] == [("x", 0), ("a", 0)]
    assert [one.misses for one in state.members] == [0, 0]
    ending = FleetSettings(ceiling=0.5, left_behind="terminate")
    assert step(state, look, 101.0, ending)[1] == (End("a", "terminate", "Another cluster has its place."),)
    gone = Look(at=100.0, up=("b",), seen=(Seen("a", "TERMINATED"),))
    assert step(state, gone, 101.0, ending)[1] == ()
