"""How much a fleet of 500 slots puts into Temporal at once: 64 KiB at most, whatever it has been through."""

import random
import string
from dataclasses import replace
from decimal import Decimal

from fleets_for_temporal import A40, fleet_of
from temporalio.api.common.v1 import Payload

from tensorone import RentElsewhere
from tensorone.fleet import LeftBehind, Look, Moved, Seen, Sent
from tensorone.temporal._converter import LONG, PACKED, KitPayloadConverter, PackedConverter, unpacked
from tensorone.temporal._shard import begun, other_ids, packed
from tensorone.temporal._values import Looked, LookTask, Shard, Told

SLOTS, MOST = 500, 64 * 1024
CONVERTER = KitPayloadConverter()


def ids(draw):
    """Ids as the service makes them: of random letters, which nothing packs well."""
    while True:
        yield "".join(draw.choices(string.ascii_lowercase + string.digits, k=14))


def left_on(machine_id, cluster_id):
    """What is left behind on a machine."""
    return RentElsewhere(
        gpu_type="cheapest",
        old_cluster_id=cluster_id,
        old_machine_id=machine_id,
        volume_stays=True,
        volume_cost_per_month=Decimal("2.0"),
        reason=f"The GPUs of the machine of cluster {cluster_id} are rented to others.",
    )


def much_moved():
    """A shard whose clusters all moved ten times, twice within this hour, each leaving one behind that is kept."""
    draw = random.Random(1)
    name = ids(draw)
    shard = begun(fleet_of(SLOTS), {f"w{number}": next(name) for number in range(SLOTS)})
    told = {"phase": "up", "billed": True, "recoveries": 10, "gpu_type_id": A40}
    members = [
        replace(
            one,
            past=tuple(next(name) for _ in range(10)),
            bid_per_gpu=Decimal(draw.choice(["0.21", "0.22", "0.25"])),
            recovered_at=1.8e9 + draw.random() * 1e6,
            **told,
        )
        for one in shard.state.members
    ]
    sent = [
        Sent(cluster_id=old, at=1.8e9 + draw.random() * 3600, by="x" * 32, settled=True)
        for one in members
        for old in one.past[-2:]
    ]
    moved = [Moved(one.past[-1], one.cluster_id, one.recovered_at, one.bid_per_gpu) for one in members[:300]]
    left = [LeftBehind(cluster=left_on(next(name), one.past[-1])) for one in members]
    state = replace(shard.state, members=members, sent=sent, left_behind=left)
    return replace(shard, state=state, told=tuple(Told(place, each) for place, each in enumerate(moved, 1)))


def written(value):
    """Its payload, which is read as what was written."""
    (payload,) = CONVERTER.to_payloads([value])
    assert CONVERTER.from_payloads([payload], [type(value)]) == [value]
    return payload


def test_a_workflow_continues_as_new_with_little():
    """Begun, or moved as often as can be: what it needs is within the bound, and nothing that it needs is missing."""
    assert len(written(begun(fleet_of(SLOTS))).data) < MOST / 4
    before = much_moved()
    after = packed(before)
    assert len(written(after).data) <= MOST
    assert after.state.cluster_ids == before.state.cluster_ids
    assert all(one.past == old.past[-3:] for one, old in zip(after.state.members, before.state.members, strict=True))
    assert [each.cluster_id for each in after.state.sent] == [each.cluster_id for each in before.state.sent]
    assert [each.key for each in after.state.left_behind] == [each.key for each in before.state.left_behind]
    assert (after.told, after.fleet) == (before.told, before.fleet)
    waiting = replace(before.state, sent=[Sent(cluster_id="x", at=1.0, by="who")])
    assert packed(replace(before, state=waiting)).state.sent_before("x").by == "who"


def test_a_look_of_500_clusters_is_little_either_way():
    """What is asked for, and what is answered where all is up or all is down."""
    shard = much_moved()
    fleet, members = replace(shard.fleet, slots={}), shard.state.cluster_ids
    asked = LookTask(fleet=fleet, members=members, others=other_ids(shard), own_bids=shard.state.own_bids)
    up = Look(at=1.8e9, up=members, missing=other_ids(shard))
    down = Look(at=1.8e9, seen=tuple(Seen(each, "EXITED", "m" * 12, f"night--{each}") for each in members))
    for value in (asked, *(Looked(look=each, other_bids={A40: (Decimal("0.2"),)}) for each in (up, down))):
        assert len(written(value).data) <= MOST


def test_short_payloads_stay_readable():
    """In Temporal's web page, for example; long ones say how they are packed."""
    short, long = written(begun(fleet_of(2))), written(begun(fleet_of(SLOTS)))
    assert short.metadata["encoding"] == b"json/plain"
    assert short.data == unpacked(short)
    assert long.metadata["encoding"] == PACKED.encode()
    assert len(unpacked(long)) > LONG
    assert PackedConverter().to_payload(begun(fleet_of(SLOTS))) is None  # it reads, and the other one writes
    plain = Payload(metadata={"encoding": b"json/plain"}, data=unpacked(long))  # as it was stored before
    assert CONVERTER.from_payloads([plain], [Shard]) == CONVERTER.from_payloads([long], [Shard])
