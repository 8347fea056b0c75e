"""What the workflow of a shard decides, and how a fleet is divided over shards; no server, no clock."""

from dataclasses import replace
from decimal import Decimal

import pytest
from fleets_for_temporal import fleet_of

from tensorone import ClusterSpec, InvalidArgument
from tensorone.fleet import Look, Moved, Pending, PollFailed, Recover, RecoverySucceeded, Seen, Sent
from tensorone.temporal._shard import (
    MOST_TOLD,
    begun,
    ending,
    is_idle,
    looked,
    observed,
    other_ids,
    reshaped,
    sending,
    status_of,
    still_asked,
    troubled,
)
from tensorone.temporal._split import joined, resized, split, together


def running(count):
    """A shard whose clusters c0, c1 and so on run."""
    shard = begun(fleet_of(count), {f"w{number}": f"c{number}" for number in range(count)})
    shard, orders, ends = looked(shard, Look(at=0.0, up=tuple(shard.state.cluster_ids)), 0.0)
    assert not orders
    assert not ends
    return shard


def test_a_slot_that_is_no_longer_asked_for_is_ended_with_all_that_was_rented_for_it():
    """Also with what appears late, until nothing more can appear."""
    shard = reshaped(running(2), fleet_of(1), busy=["c1"], now=10.0)
    assert other_ids(shard) == ("c1",)
    orders = [Recover(each, gone=False, number=0, origin=each) for each in ("c0", "c1")]
    assert [each.cluster_id for each in still_asked(shard, orders)] == ["c0"]
    late = Look(at=12.0, up=("c0",), seen=(Seen("c1", "RUNNING", uptime=1), Seen("late", "RUNNING", of="c1")))
    shard, orders, ends = looked(shard, late, 12.0)
    assert not orders
    assert {each.cluster_id for each in ends} == {"c1", "late"}
    gone = Look(at=13.0, up=("c0",), seen=(Seen("late", "TERMINATED", of="c1"),), missing=("c1",))
    shard, _, ends = looked(shard, gone, 13.0)
    assert not ends
    assert {*shard.leaving} == {"c1"}  # the round under way may have sent something
    shard, _, _ = looked(shard, replace(gone, at=26.0, seen=()), 26.0)
    assert not shard.leaving
    assert shard.state.cluster_ids == ("c0",)


def test_what_a_round_brings_for_a_slot_that_went_meanwhile_is_ended():
    """Nobody else knows of it."""
    shard = reshaped(running(1), fleet_of(0), busy=["c0"], now=10.0)
    shard, _, _ = observed(shard, RecoverySucceeded("c0", "new", Decimal("0.2")), 11.0)
    assert "new" in shard.leaving
    _, _, ends = looked(shard, Look(at=11.5, stopped=("new",), missing=("c0",)), 11.5)
    assert [each.cluster_id for each in ends] == ["new"]


@pytest.mark.parametrize(("how", "status", "over"), [("stop", "EXITED", True), ("terminate", "EXITED", False)])
def test_a_fleet_ends_once_nothing_more_of_it_runs(how, status, over):
    """Stopped clusters are the end of one that is to be stopped."""
    shard = ending(running(1), how, busy=(), now=10.0)
    assert not is_idle(shard)
    assert status_of(shard).leaving == 1
    assert reshaped(shard, fleet_of(3), busy=(), now=10.0) == shard  # it is too late for that
    shard, _, ends = looked(shard, Look(at=11.0, seen=(Seen("c0", status),)), 11.0)
    assert is_idle(shard) is over
    assert [each.how for each in ends] == ([] if over else [how])


def test_what_is_to_be_stopped_is_not_terminated_while_another_one_still_stops():
    """The first one that has stopped belongs to no slot any more, and this fleet terminates what it leaves behind."""
    shard = running(2)
    sent = [Sent(cluster_id=f"night--w{number}", at=0.0, settled=True) for number in range(2)]
    shard = ending(replace(shard, state=replace(shard.state, sent=sent)), "stop", busy=(), now=10.0)
    later = Seen("c1", "RUNNING", of="night--w1", uptime=1)
    for at in (11.0, 12.0):
        look = Look(at=at, seen=(Seen("c0", "EXITED", of="night--w0"), later))
        shard, _, ends = looked(shard, look, at)
        assert [(each.cluster_id, each.how) for each in ends] == [("c1", "stop")]
    shard, _, ends = looked(shard, Look(at=13.0, stopped=("c0", "c1")), 13.0)
    assert not ends
    assert is_idle(shard)


def test_a_round_may_send_by_an_intent_of_its_own_alone():
    """One whose worker died left an intent: the next one looks and adopts, until nothing can come of it."""
    shard = begun(fleet_of(1))
    shard, orders, _ = looked(shard, Look(at=0.0, missing=shard.state.cluster_ids), 0.0)
    order = shard.fleet.order_of(orders[0])
    shard, intent, new = sending(shard, order, "first", 1.0)
    assert (intent.by, new) == ("first", True)
    shard, _, _ = observed(shard, Pending(order.recover.cluster_id, None, "its worker died"), 2.0)
    shard, intent, new = sending(shard, order, "second", 3.0)
    assert (intent.by, intent.begun_at, new) == ("first", 1.0, False)
    _, intent, new = sending(shard, order, "third", 17.0)
    assert (intent.by, new) == ("third", True)


def test_events_are_numbered_and_the_latest_ones_kept():
    """A reader sees by the numbers what it missed."""
    shard = begun(fleet_of(1))
    for number in range(MOST_TOLD + 5):
        old = shard.state.cluster_ids[0]
        state = replace(shard.state, members=tuple(replace(one, phase="recovering") for one in shard.state.members))
        brought = RecoverySucceeded(old, f"c{number}", Decimal("0.2"))
        shard, _, _ = observed(replace(shard, state=state), brought, float(number))
    assert [each.number for each in shard.told] == [*range(6, MOST_TOLD + 6)]
    assert isinstance(shard.told[-1].event, Moved)
    shard, _, _ = observed(shard, PollFailed(), 1000.0)
    assert shard.count == MOST_TOLD + 5


def test_slots_stay_in_their_shards():
    """New ones go where there is room, and limits on spending are divided by slots."""
    first, second = split(fleet_of(3, budget=30), [], size=2)
    assert (list(first.slots), list(second.slots)) == (["w0", "w1"], ["w2"])
    assert (first.budget, second.budget) == (20, 10)
    assert joined([first, second]) == fleet_of(3, budget=30)
    without = replace(fleet_of(4), slots={"w2": "train", "w3": "train", "w4": "train"})
    parts = split(without, [first.slots, second.slots], size=2)
    assert [list(each.slots) for each in parts] == [["w3", "w4"], ["w2"]]
    nothing = split(replace(without, slots={}, budget=30), [first.slots])
    assert joined(nothing) == replace(without, slots={}, budget=Decimal(30))


def test_a_fleet_of_several_specs_is_told_which_one_grows():
    """By itself it would have to guess."""
    other = {"train": fleet_of(0).specs["train"], "serve": ClusterSpec(image_name="j", gpu_type_id="NVIDIA L40S")}
    fleet = fleet_of(1, specs=other)
    with pytest.raises(InvalidArgument, match="serve, train"):
        resized(fleet, 2, None)
    assert resized(fleet, 3, "serve").slots == {"w0": "train", "w1": "serve", "w2": "serve"}
    assert resized(fleet_of(3), 2, None) == fleet_of(2)


def test_the_status_of_a_fleet_is_that_of_its_shards():
    """Sums, and of the looks the oldest one."""
    first, second = running(2), begun(fleet_of(1))
    status = together([status_of(first), status_of(replace(second, trouble="no key"))])
    assert (status.asked, status.running, status.down) == (3, 2, 1)
    assert status.clusters == {"w0": "c0", "w1": "c1"}
    assert (status.looked_at, status.trouble) == (None, "no key")
    assert together([status_of(first), status_of(begun(fleet_of(0)))]).looked_at == 0.0


def test_trouble_is_reported_until_the_round_was_repeated_or_none_is_due():
    """A look that succeeds sets no variable that a worker lacks; nor is trouble reported for ever."""
    shard = begun(replace(fleet_of(1), every=10, backoff_max=60))
    shard, _, _ = looked(shard, Look(at=0.0), 0.0)
    shard = troubled(shard, "HF_TOKEN is not set", 1.0)
    told = [looked(shard, Look(at=at), at)[0].trouble for at in (2.0, 80.0, 81.0)]
    assert told == ["HF_TOKEN is not set", "HF_TOKEN is not set", None]
    mended, _, _ = observed(shard, RecoverySucceeded("night--w0", "c0", Decimal("0.2")), 2.0)
    found, _, _ = looked(mended, Look(at=3.0, up=("c0",)), 3.0)
    assert (found.trouble, found.troubled_at) == (None, None)


def test_a_member_counts_the_gpus_of_its_slots_new_spec():
    """What limits spending counts what the slot may cost: the larger of both while the old cluster runs."""
    fleet = fleet_of(1)
    larger = replace(fleet, specs={name: replace(spec, gpu_count=4) for name, spec in fleet.specs.items()})
    (member,) = reshaped(running(1), larger, busy=[], now=1.0).state.members
    assert member.gpu_count == 4
