"""Scripted markets."""

from decimal import Decimal

import pytest

from tensorone.emulator import Emulator, MarketMove, Order, random_market

A40, L4 = "NVIDIA A40", "NVIDIA L4"
ORDER = Order(image_name="i", gpu_type_id=A40, bid=Decimal("0.25"))


@pytest.fixture
def world():
    """A world whose time passes by `advance` alone."""
    made = Emulator(clock=lambda: 0.0, first_clusters=False, boot="at-once").world
    made.set_minimum_bid(A40, "0.2")
    return made


def test_moves_happen_at_their_times(world):
    """Prices, capacity and preemptions happen relative to the start of the script."""
    cluster = world.deploy(ORDER)
    world.play(
        [
            MarketMove(at=10, gpu_type_id=A40, minimum_bid="0.21"),
            MarketMove(at=20, gpu_type_id=A40, free_gpus=3),
            MarketMove(at=30, gpu_type_id=A40, preempt=2),
            MarketMove(at=40, gpu_type_id=A40, free_gpus=-1),
        ]
    )
    world.advance(15)
    assert world.minimum_bid(A40) == Decimal("0.21")
    world.advance(10)
    assert free(world) == 3
    assert world.clusters[cluster.id].running
    world.advance(10)
    assert not world.clusters[cluster.id].running
    assert free(world) == 4
    world.advance(10)
    assert free(world) == 16 * 8


def free(world):
    """GPUs of the type that are not rented."""
    return sum(world.free_gpus(host.machine_id) for host in world.hosts if host.gpu_type_id == A40)


def test_a_preemption_may_be_announced(world):
    """The notice shows in the last status change; a cluster that restarts meanwhile keeps running."""
    first, second = world.deploy(ORDER), world.deploy(ORDER)
    world.play([MarketMove(at=0, gpu_type_id=A40, preempt=2, notice=30)])
    world.advance(1)
    assert world.clusters[first.id].status_change == "Outbid: stops in 30 s"
    assert world.clusters[first.id].running
    world.stop(second.id)
    world.resume(second.id, bid=Decimal("0.3"))
    world.advance(40)
    assert (world.clusters[first.id].running, world.clusters[second.id].running) == (False, True)
    assert world.clusters[first.id].preemptions == 1


def test_a_lost_machine_loses_its_clusters(world):
    """The clusters no longer exist, and the other machines still serve."""
    cluster = world.deploy(ORDER)
    world.deploy(Order(image_name="i", gpu_type_id=L4))
    world.play([MarketMove(at=5, gpu_type_id=A40, lose_hosts=1)])
    world.advance(10)
    assert cluster.id not in world.clusters
    assert cluster.machine_id not in {host.machine_id for host in world.hosts}
    assert len(world.clusters) == 1
    world.deploy(ORDER)


@pytest.mark.parametrize(
    "wrong",
    [
        {"at": -1},
        {"at": float("nan")},
        {"notice": -5},
        {"minimum_bid": "abc"},
        {"minimum_bid": "-1"},
        {"minimum_bid": Decimal("NaN")},
        {"free_gpus": -7},
        {"preempt": -2},
        {"lose_hosts": -1},
    ],
)
def test_an_invalid_move_is_refused(wrong):
    """The error comes at construction, and names the setting."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MarketMove(**{"at": 1, "gpu_type_id": A40, **wrong})


def test_a_script_for_an_unknown_gpu_type_is_refused(world):
    """None of its moves happens."""
    moves = [MarketMove(at=1, gpu_type_id=A40, minimum_bid="0.3"), MarketMove(at=1, gpu_type_id="Nope")]
    with pytest.raises(ValueError, match="Nope"):
        world.play(moves)
    world.advance(5)
    assert world.minimum_bid(A40) == Decimal("0.2")


def test_a_seed_makes_a_market():
    """It is the same each time; all kinds of moves occur, in order, and prices stay within their bounds."""
    openings = {A40: "0.2", L4: Decimal("0.1")}
    moves = random_market(3, openings, seconds=100_000)
    assert moves == random_market(3, openings, seconds=100_000)
    assert moves != random_market(4, openings, seconds=100_000)
    assert [move.at for move in moves] == sorted(move.at for move in moves)
    for name, opening in openings.items():
        prices = [move.minimum_bid for move in moves if move.gpu_type_id == name and move.minimum_bid is not None]
        assert Decimal(opening) * Decimal("0.69") < min(prices) < max(prices) < Decimal(opening) * Decimal("1.91")
    assert {move.free_gpus for move in moves} == {None, 0, -1}
    assert any(move.preempt for move in moves)
    assert any(move.lose_hosts for move in moves)
