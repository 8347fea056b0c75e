"""Rows that share what did not change, and what an outcome costs a fleet of any size."""

import pickle
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorone._data.rows import WIDTH, Rows
from tensorone._fleet.member import Members, Totals
from tensorone._fleet.observations import Pending, RecoveryFailed, RecoverySucceeded, RentalSent
from tensorone._fleet.state import FleetSettings, FleetState
from tensorone._fleet.step import step

SETTINGS = FleetSettings(ceiling=0.5)


@dataclass(frozen=True)
class One:
    """A row."""

    key: str
    value: int = 0


@given(st.integers(0, 600), st.lists(st.tuples(st.integers(0, 700), st.integers()), max_size=40))
def test_rows_are_a_sequence(length, changes):
    """Whatever is replaced or appended, it is what a tuple would be, and earlier versions stay."""
    rows, plain = Rows(One(f"k{place}") for place in range(length)), [One(f"k{place}") for place in range(length)]
    for key, value in changes:
        before, was = rows, tuple(plain)
        rows = rows.with_key(One(f"k{key}", value))
        if key < len(plain) and plain[key].key == f"k{key}":
            plain[key] = One(f"k{key}", value)
        else:
            place = next((at for at, each in enumerate(plain) if each.key == f"k{key}"), len(plain))
            plain[place : place + 1] = [One(f"k{key}", value)]
        assert before == was
    assert rows == tuple(plain)
    assert len(rows) == len(plain)
    assert [rows[place] for place in range(len(rows))] == plain
    assert rows[1:3] == tuple(plain[1:3])
    assert hash(rows) == hash(Rows(plain))
    assert repr(rows) == repr(tuple(plain))
    assert pickle.loads(pickle.dumps(rows)) == rows
    assert rows != plain


def test_rows_grow_one_by_one():
    """A level is added where the others are full, and each version stays as it was."""
    rows, versions = Rows(), []
    for place in range(WIDTH * WIDTH * 2):
        versions.append(rows)
        rows = rows.with_key(One(f"k{place}"))
    assert [each.key for each in rows] == [f"k{place}" for place in range(len(rows))]
    assert [len(each) for each in versions] == list(range(len(rows)))


def test_versions_do_not_disturb_one_another():
    """Two that go on from the same one may put the same key elsewhere."""
    both = Rows([One("a")])
    left = both.with_key(One("x")).with_key(One("b"))
    right = both.with_key(One("b"))
    assert [left.find(key) for key in "axbz"] == [0, 1, 2, None]
    assert [right.find(key) for key in "axbz"] == [0, None, 1, None]
    assert left.without("x") == (One("a"), One("b"))
    assert left.without("z") is left
    with pytest.raises(IndexError):
        _ = left[3]


def blocks(rows):
    """The identities of all that rows are made of."""
    found, left = set(), [rows._root]
    while left:
        block = left.pop()
        found.add(id(block))
        left += [each for each in block if isinstance(each, tuple)]
    return found


@pytest.mark.parametrize("size", [1_000, 10_000])
def test_an_outcome_copies_a_few_members_whatever_the_size(size):
    """Each of a thousand outcomes makes a handful of new blocks of 16; the others are shared with the state before."""
    state = FleetState.start({f"c{place}": ("NVIDIA A40", 1) for place in range(size)})
    state = FleetState(members=tuple(replace(one, phase="recovering") for one in state.members))
    for place in range(0, size, size // 100):
        name = f"c{place}"
        for outcome in (
            RentalSent(name),
            Pending(name, 5.0, "Wait."),
            RecoveryFailed(name, "No."),
            RecoverySucceeded(name, f"n{place}", None, "NVIDIA A40"),
        ):
            before = state
            state, _ = step(state, outcome, 1.0, SETTINGS)
            for kind in ("members", "sent", "left_behind"):
                new = blocks(getattr(state, kind)) - blocks(getattr(before, kind))
                assert len(new) * WIDTH <= 4 * WIDTH
            state = FleetState(
                members=state.members.with_row(place, _recovering(state.members[place])), sent=state.sent
            )
    assert state.members.totals == Members(state.members).totals


def _recovering(member):
    """As before its outcome."""
    return replace(member, phase="recovering", cluster_id=member.origin)


def test_an_empty_fleet_adds_up_to_nothing():
    """And what was counted is counted off again."""
    (one,) = FleetState.start({"a": ("NVIDIA A40", 2)}, {"a": 0.25}).members
    billed = replace(one, billed=True)
    assert Members().totals == Totals()
    counted = Totals().counting(billed, 1)
    assert (counted.known, counted.bids) == (billed.bid_per_gpu * 2, {("NVIDIA A40", billed.bid_per_gpu): 1})
    assert counted.counting(billed, -1) == Totals()
