"""The world's clock, scheduled events, and the progression of starts."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from emulator.worlds import new_world, order
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorone.emulator import Boot, World
from tensorone.emulator._graphql.telemetry import runtime
from tensorone.emulator._world.clock import Clock
from tensorone.emulator._world.scenario import Scenario


@settings(deadline=None)
@given(steps=st.lists(st.tuples(st.floats(-10, 10), st.floats(0, 1e6))), speed=st.floats(0, 1000))
def test_time_never_runs_back(steps: list[tuple[float, float]], speed: float) -> None:
    """Even if its source jumps back, the clock only moves forward."""
    real = [0.0]
    clock = Clock(lambda: real[0], speed)
    latest = clock.read()
    for moved, skipped in steps:
        real[0] += moved
        clock.skip(skipped)
        assert clock.read() >= latest
        latest = clock.read()


@pytest.mark.parametrize("seconds", [-1.0, math.nan])
def test_time_cannot_be_reversed(seconds: float) -> None:
    """Neither by skipping nor by a negative speed."""
    with pytest.raises(ValueError, match="never runs back"):
        Clock(lambda: 0.0, 1.0).skip(seconds)
    with pytest.raises(ValueError, match="never runs back"):
        Clock(lambda: 0.0, -1.0)


def test_speed_multiplies_real_time() -> None:
    """A minute of an hour-a-second world is sixty of its hours."""
    real = [0.0]
    world = World(Scenario(), speed=3600, clock=lambda: real[0])
    real[0] = 60.0
    assert world.now == 60 * 3600
    assert (world.date(world.now) - world.date(0)).total_seconds() == 60 * 3600


def test_scheduled_actions_happen_at_their_times_in_order(world: World) -> None:
    """A step over several due times performs each action at its own time."""
    seen: list[tuple[str, float]] = []
    world.later(20, lambda: seen.append(("second", world.now)))
    world.later(10, lambda: seen.append(("first", world.now)))
    world.later(10, lambda: world.deploy(order()))
    world.later(99, lambda: seen.append(("never", world.now)))
    world.advance(50)
    assert seen == [("first", 10), ("second", 20)]
    assert [each.created_at for each in world.clusters.values()] == [10]
    assert world.balance == Decimal(1000) - sum(line.amount for line in world.bill)
    assert {line.seconds for line in world.bill} == {40}


def test_a_moment_stops_the_clock() -> None:
    """Real time that passes within a moment shows after it."""
    real = [0.0]
    world = World(Scenario(), clock=lambda: real[0])
    with world.moment() as now:
        real[0] = 5.0
        assert world.now == now == 0
    assert world.now == 5


@pytest.mark.parametrize(
    ("text", "boot"),
    [
        ("at-once", Boot()),
        ("never", Boot(seconds=math.inf)),
        ("20s", Boot(seconds=20)),
        ("0.5s", Boot(seconds=0.5)),
        ("3r", Boot(reads=3)),
    ],
)
def test_progressions_can_be_written_down(text: str, boot: Boot) -> None:
    """A progression has a short text form."""
    assert Boot.parse(text) == boot


def test_other_texts_are_refused() -> None:
    """The error shows the valid forms."""
    with pytest.raises(ValueError, match="'20s'"):
        Boot.parse("20")


def test_a_start_at_once_is_up(world: World) -> None:
    """The answer to a deploy may show a container that is up."""
    assert runtime(world.deploy(order()), world.now) is not None


def test_a_start_may_take_time(world: World) -> None:
    """The container is up after its seconds, its ports after some more."""
    world.boot = Boot(seconds=20, port_seconds=10)
    cluster = world.deploy(order(ports="8888/http,22/tcp"))
    world.advance(19.9)
    assert runtime(cluster, world.now) is None
    world.advance(0.1)
    up = runtime(cluster, world.now)
    assert up is not None
    assert (up["uptimeInSeconds"], up["ports"]) == (0, None)
    world.advance(10)
    up = runtime(cluster, world.now)
    assert up is not None
    assert up["uptimeInSeconds"] == 10
    assert [(port["privatePort"], port["type"], port["isIpPublic"]) for port in up["ports"]] == [
        (8888, "http", False),
        (22, "tcp", True),
    ]


def test_a_start_may_take_reads(world: World) -> None:
    """The container is up for the read after its number of reads, its ports after some more."""
    world.boot = Boot(reads=2, port_reads=1)
    cluster_id = world.deploy(order()).id
    seen = []
    for _ in range(4):
        cluster = world.read(cluster_id)
        assert cluster is not None
        up = runtime(cluster, world.now)
        seen.append("down" if up is None else "listening" if up["ports"] else "up")
    assert seen == ["down", "down", "up", "listening"]


def test_a_resume_boots_again_with_other_ports(world: World) -> None:
    """Reads are counted from zero after each start, and public ports change."""
    world.boot = Boot(reads=1)
    cluster = world.deploy(order())
    world.read_list()
    before = runtime(world.clusters[cluster.id], world.now)
    world.stop(cluster.id)
    assert runtime(world.clusters[cluster.id], world.now) is None
    resumed = world.resume(cluster.id)
    assert runtime(resumed, world.now) is None
    world.read_list()
    after = runtime(world.clusters[cluster.id], world.now)
    assert before is not None
    assert after is not None
    assert before["ports"] != after["ports"]
    assert before["gpus"][0]["id"] == after["gpus"][0]["id"]


def test_a_cluster_without_ports_shows_none(world: World) -> None:
    """A cluster deployed without ports has an empty list."""
    up = runtime(world.deploy(order(ports="")), world.now)
    assert up is not None
    assert up["ports"] == []


def test_clusters_may_be_listed_late(world: World) -> None:
    """A cluster deployed with a lag runs and costs, and appears on the list after its seconds."""
    with world.listing_lags(5):
        cluster = world.deploy(order())
    other = world.deploy(order())
    assert [each.id for each in world.read_list()] == [other.id]
    assert world.read(cluster.id) is not None
    world.advance(5)
    assert {each.id for each in world.read_list()} == {cluster.id, other.id}


def test_a_scenario_sets_the_boot_of_deploys() -> None:
    """The progression of a scenario applies to deploys, not to the first clusters."""
    world = new_world(first_clusters=True, boot=Boot(seconds=9))
    assert world.boot == Boot(seconds=9)
    assert world.clusters["ldl1dxirsim64n"].up(world.now)
