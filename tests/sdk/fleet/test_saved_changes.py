"""What is saved of a fleet: whole at first, then as much as changed, and whole again after as much as that."""

import json
import resource
from dataclasses import replace
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorone import BidPolicy, ClusterSpec, ConfigurationError, FileStore, InvalidArgument, Moved, RentElsewhere
from tensorone._fleet._store.saving import LEAST, Saving
from tensorone._fleet.changes import Change, applied, between
from tensorone._fleet.state import FleetSettings, FleetState
from tensorone._fleet.step import step
from tensorone.fleet import Look, Pending, RecoveryFailed, RecoverySucceeded, RentalSent, Seen

A40 = "NVIDIA A40"
SPEC = ClusterSpec(image_name="i", gpu_type_id=A40, volume_in_gb=20)
SETTINGS = FleetSettings(ceiling=0.4, left_behind="terminate", max_hourly_spend=100)


class Memory:
    """A store of a user's own: the whole state, and lines after it."""

    def __init__(self):
        self.lines = []
        self.written = []

    def open(self):
        """All of it."""
        return "\n".join(self.lines) or None

    def save(self, text):
        """The whole."""
        self.lines = [text]
        self.written.append(len(text))

    def append(self, change):
        """One more line."""
        self.lines.append(change)
        self.written.append(len(change))

    def close(self):
        """It has nothing to give back."""


class Plain:
    """A store that knows no changes."""

    def __init__(self):
        self.texts = []

    def open(self):
        """The latest."""
        return self.texts[-1] if self.texts else None

    def save(self, text):
        """One more."""
        self.texts.append(text)

    def close(self):
        """It has nothing to give back."""


def fleet(count):
    """So many clusters, of which a look has just shown that none runs; and what it says of each."""
    state = FleetState.start({f"c{number}": (A40, 1) for number in range(count)}, {"c0": 0.2})
    look = Look(at=1.0, seen=tuple(Seen(each, "EXITED") for each in state.cluster_ids))
    state, _ = step(state, look, 1.0, replace(SETTINGS, max_hourly_spend=None))
    return replace(state, run="mine", epoch=1)


def moved(old, new):
    """The outcome of a move."""
    left = RentElsewhere("any", old, "m1", True, Decimal("4.0"), "Gone.")
    return RecoverySucceeded(old, new, Decimal("0.21"), A40, left, bids=((Decimal("0.21"), "won"),))


def outcome(state, number, now):
    """One recovery of the fleet, with what is saved before and after."""
    old = state.members[number].cluster_id
    sent, _ = step(state, RentalSent(old, "mine"), now, SETTINGS)
    after, actions = step(sent, moved(old, f"{old}x"), now + 0.1, SETTINGS)
    return sent, replace(after, unread=(*after.unread, *actions))


@pytest.mark.parametrize("every", [1, 7])
def test_an_outcome_costs_the_same_bytes_in_a_large_fleet(every):
    """Within a factor of two at 1,000 and at 10,000 members, the states that are written whole now and then included.

    Args:
        every: Outcomes after which the events are read.
    """
    costs = []
    for count in (1_000, 10_000):
        store, state = Memory(), fleet(count)
        saving = Saving(store, None, None)
        saving.save(state)
        for number in range(1_000):
            sent, state = outcome(state, number, 2.0 + number)
            saving.save(sent)
            saving.save(state)
            if number % every == 0:
                state = replace(state, unread=())
        saved = FleetState.from_json(store.open())
        assert replace(saved, unread=()) == replace(state.interrupted(), unread=())
        costs.append(sum(store.written[1:]) / 1_000)
    assert max(costs) < 2 * min(costs)
    assert max(costs) < 2_000


def test_a_small_state_is_written_whole_after_a_bound():
    """So that what is read at the next start, and what is applied to it, stays as long as the state or 64 KiB."""
    store, state = Memory(), fleet(4)
    saving = Saving(store, None, None)
    saving.save(state)
    whole = 0
    for now in range(400, 160_400, 400):
        one, two = state.cluster_ids[1:3]
        state, _ = step(state, RecoveryFailed(one, "No."), now, SETTINGS)
        state, _ = step(state, moved(two, f"n{now}"), now, SETTINGS)
        state, _ = step(state, Look(at=now + 1, seen=(Seen(one, "EXITED"), Seen(f"n{now}", "EXITED"))), now, SETTINGS)
        saving.save(state)
        whole += len(store.lines) == 1
        assert sum(map(len, store.lines[1:])) <= LEAST + 4_000
        if now % 4_000 == 0:
            assert FleetState.from_json(store.open()) == state.interrupted()
    assert 2 <= whole <= 10


OBSERVATIONS = st.lists(
    st.tuples(st.sampled_from(["look", "sent", "moved", "failed", "pending", "read"]), st.integers(0, 39)), max_size=12
)


@given(OBSERVATIONS)
def test_changes_lead_to_the_state_that_follows(observations):
    """Whatever happened between two saves, through the text of a line; nothing else does."""
    state = fleet(40)
    first, changes = state, []
    for now, (kind, number) in enumerate(observations, start=2):
        before, name = state, state.members[number].cluster_id
        if kind == "read":
            state = replace(state, unread=state.unread[number % 3 :])
        else:
            others = [each for each in state.cluster_ids if each != name]
            observation = {
                "look": Look(at=now * 400.0, up=tuple(others), missing=(name,), stopped=state.other_ids[:2]),
                "sent": RentalSent(name, "me"),
                "moved": moved(name, f"{name}x"),
                "failed": RecoveryFailed(name, "No.", limited=True),
                "pending": Pending(name, now + 5.0, "Wait."),
            }[kind]
            state, actions = step(state, observation, now * 400.0, SETTINGS)
            events = tuple(each for each in actions if type(each).__name__ not in ("Recover", "End"))
            state = replace(state, unread=(*state.unread, *events))
        changes.append(Change.from_json(between(before, state).to_json()))
    found = applied(first, changes)
    assert {each.key: each for each in found.sent} == {each.key: each for each in state.sent}
    assert {each.key: each for each in found.left_behind} == {each.key: each for each in state.left_behind}
    assert replace(found, sent=(), left_behind=()) == replace(state, sent=(), left_behind=())


def test_what_is_forgotten_is_forgotten_in_the_file_too():
    """A rental that was sent, and a cluster that was left behind, once nothing of them can appear any more."""
    state = fleet(3)
    sent, moved_on = outcome(state, 0, 2.0)
    assert sent.sent
    assert moved_on.left_behind
    without = replace(moved_on, sent=type(moved_on.sent)(()), left_behind=type(moved_on.left_behind)(()))
    change = Change.from_json(between(moved_on, without).to_json())
    assert (change.unsent, change.ended) == (("c0",), ("c0",))
    assert applied(moved_on, [change]) == without


def test_states_of_two_runs_have_no_change_between_them():
    """Nor those of two fleets: what follows is written whole."""
    state = fleet(3)
    assert between(state, replace(state, run="other")) is None
    assert between(state, replace(state, epoch=2)) is None
    assert between(state, replace(state, members=state.members[:2])) is None
    assert between(state, replace(state, members=state.members[::-1])) is None
    assert between(state, replace(state, at=7.0)) == Change(at=7.0)


def test_a_kill_at_any_byte_leaves_the_state_before_or_after(tmp_path):
    """A line that was not written to its end does not count, and the next run writes behind what does."""
    path, cut, state = tmp_path / "fleet.json", tmp_path / "cut.json", fleet(3)
    store = FileStore(path)
    store.open()
    store.save(state.to_json())
    states, lengths = [state], [path.stat().st_size]
    for number in range(2):
        _, after = outcome(states[-1], number, 5.0 + number)
        store.append(between(states[-1], after).to_json())
        states.append(after)
        lengths.append(path.stat().st_size)
    store.close()
    states = [each.interrupted() for each in states]
    last = between(states[0], replace(states[0], spent=Decimal(7))).to_json()
    content, loaded = path.read_bytes(), cache(FleetState.from_json)
    for length in range(lengths[0], lengths[-1] + 1):
        cut.write_bytes(content[:length])
        found = loaded(FileStore(cut).read())
        assert found == states[sum(each <= length for each in lengths) - 1]
        if length % 200 == 0 or length - lengths[1] in {-1, 0, 1, 2}:
            again = FileStore(cut)
            assert loaded(again.open()) == found
            again.append(last)
            again.close()
            assert FleetState.from_json(again.read()).spent == 7
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_that_is_damaged_is_refused(tmp_path):
    """By its line, and nothing is changed; so is what the file could not be read back from."""
    path = tmp_path / "fleet.json"
    store = FileStore(path)
    assert store.read() is store.open() is None
    with pytest.raises(FileNotFoundError):
        store.append("{}")
    store.save("{}")
    store.append("{1}")
    store.append("{2}")
    assert store.read() == "{}\n{1}\n{2}"
    with pytest.raises(InvalidArgument, match="must be one line"):
        store.append("a\nb")
    with pytest.raises(InvalidArgument, match="begins with"):
        store.save("{}\n+")
    store.close()
    with pytest.raises(ConfigurationError, match="is not open"):
        store.append("{3}")
    whole = path.read_bytes()
    path.write_bytes(damaged := whole.replace(b"{1}", b"{7}"))
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="line 2 is damaged, and others follow it"):
            store.open()
    assert path.read_bytes() == damaged
    path.write_bytes(whole)
    assert store.open() == "{}\n{1}\n{2}"
    store.close()


@pytest.mark.parametrize("indent", [None, 2])
def test_a_file_that_was_written_whole_is_read_and_goes_on(tmp_path, indent):
    """As earlier versions wrote each save, and as a person may have laid it out."""
    path, state = tmp_path / "fleet.json", fleet(3)
    path.write_text(json.dumps(json.loads(state.to_json()), indent=indent) + "\n")
    store = FileStore(path)
    assert FleetState.from_json(store.open()) == state.interrupted()
    store.append(between(state, replace(state, spent=Decimal(7))).to_json())
    store.close()
    assert FleetState.from_json(store.read()) == replace(state, spent=Decimal(7)).interrupted()


@pytest.mark.parametrize("text", ["{3", '{"members": [{"cluster_id": "a", "origin": "zz"}]}', '{"spent": -1}', "[]"])
def test_what_is_not_a_change_of_this_fleet_is_refused(text):
    """In words, as a state that cannot be read."""
    with pytest.raises(InvalidArgument, match="is followed by what is not a change of this fleet"):
        FleetState.from_json(f"{fleet(2).to_json()}\n{text}")


def test_half_a_line_on_a_full_disk_is_taken_back(tmp_path):
    """The state before stays readable, and the next save writes the state whole."""
    path, state = tmp_path / "fleet.json", fleet(3)
    store = FileStore(path)
    store.open()
    saving = Saving(store, None, None)
    saving.save(state)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    after = replace(state, spent=Decimal(3))
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, hard))
    try:
        with pytest.raises(OSError):
            saving.save(after)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    saving.save(after)
    assert path.read_text() == after.to_json()
    store.close()


@pytest.mark.parametrize("kind", [Plain, Memory])
def test_a_store_of_a_user_s_own_keeps_a_fleet(on, kind):
    """One that has no `append` gets the whole state each time, and one that has it gets it once for each run."""

    async def main(client, emulator):
        (old,) = [(await client.spot.rent(SPEC, bid_per_gpu=0.25)).id]
        store = kind()
        for _ in range(2):
            terms = {"bidding": BidPolicy(ceiling=0.4), "strategy": "replace_same", "store": store}
            async with client.spot.keep_running({old: SPEC}, bids={old: 0.25}, **terms) as events:
                (gone,) = [each.id for each in emulator.world.clusters.values() if each.running]
                await client.clusters.terminate(gone)
                while not (isinstance(event := await anext(events), Moved) and event.old_cluster_id == gone):
                    pass
                saved, held = FleetState.from_json(store.open()), FleetState.from_json(events.state)
                assert saved.members == held.members
        if kind is Memory:
            assert len(store.lines) > 1
            assert sum(each > 600 for each in store.written) <= 4
        assert sorted(emulator.world.clusters) == sorted(FleetState.from_json(store.open()).cluster_ids)

    on(main)
