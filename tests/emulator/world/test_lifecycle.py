"""The transitions of a cluster."""

from __future__ import annotations

from decimal import Decimal

import pytest
from emulator.worlds import A6000, new_world, order, small_host, spot

from tensorone.emulator import Refusal, World


def test_a_deployed_cluster_runs_on_a_machine_of_its_kind(world: World) -> None:
    """A deploy gives a running cluster with GPUs of the requested type."""
    cluster = world.deploy(order(gpu_count=3))
    assert cluster.running
    assert world.host(cluster.machine_id).gpu_type_id == A6000
    assert world.free_gpus(cluster.machine_id) == 5
    assert list(world.clusters) == [cluster.id]


def test_a_cluster_knows_its_environment(tiny: World) -> None:
    """The environment is a mapping, for tests that read a value; the repr shows no value."""
    cluster = tiny.deploy(order(env=(("TOKEN", "abc"), ("EMPTY", ""))))
    assert tiny.clusters[cluster.id].env == {"TOKEN": "abc", "EMPTY": ""}
    assert "abc" not in repr(cluster)


def test_stop_frees_the_gpus_and_keeps_the_cluster_on_its_machine(tiny: World) -> None:
    """After a stop the GPUs are free, and the cluster is still bound to its machine."""
    cluster = tiny.deploy(order())
    stopped = tiny.stop(cluster.id)
    assert (stopped.desired_status, stopped.machine_id) == ("EXITED", cluster.machine_id)
    assert tiny.free_gpus("host") == 2


def test_stopping_a_stopped_cluster_changes_nothing(tiny: World) -> None:
    """A second stop returns the unchanged cluster."""
    cluster = tiny.deploy(order())
    assert tiny.stop(cluster.id) == tiny.stop(cluster.id)


def test_resume_starts_on_the_same_machine_with_the_old_gpus(tiny: World) -> None:
    """A resume without a count keeps the number of GPUs."""
    cluster = tiny.stop(tiny.deploy(order(gpu_count=2)).id)
    resumed = tiny.resume(cluster.id)
    assert resumed.running
    assert (resumed.machine_id, resumed.gpu_count, resumed.starts) == ("host", 2, 2)


def test_resume_of_a_running_cluster_changes_nothing(tiny: World) -> None:
    """A second resume returns the unchanged cluster."""
    cluster = tiny.deploy(order())
    assert tiny.resume(cluster.id, gpu_count=2) == cluster


def test_resume_may_ask_for_no_gpus(tiny: World) -> None:
    """A full machine still starts a cluster without GPUs."""
    cluster = tiny.stop(tiny.deploy(order()).id)
    tiny.sell_out(A6000)
    assert tiny.resume(cluster.id, gpu_count=0).gpu_count == 0


def test_resume_finds_the_host_full(tiny: World) -> None:
    """A stopped cluster cannot start once others rent the GPUs of its machine."""
    cluster = tiny.stop(tiny.deploy(order()).id)
    tiny.deploy(order(gpu_count=2))
    with pytest.raises(Refusal, match=r"not enough free GPUs on the host machine to start this pod\."):
        tiny.resume(cluster.id)


def test_resume_finds_the_machine_short_of_something_else() -> None:
    """A machine with free GPUs and too little memory refuses with another text."""
    world = new_world(small_host(memory_in_gb=10))
    cluster = world.stop(world.deploy(order()).id)
    world.deploy(order(memory_in_gb=10))
    with pytest.raises(Refusal, match="does not have the resources to deploy your pod"):
        world.resume(cluster.id)


@pytest.mark.parametrize(("kind", "bid"), [("spot", None), ("on demand", "0.20")])
def test_the_wrong_resume_is_refused(tiny: World, kind: str, bid: str | None) -> None:
    """Spot clusters resume with a bid and on-demand clusters without."""
    cluster = tiny.stop(tiny.deploy(spot() if kind == "spot" else order()).id)
    with pytest.raises(Refusal, match=f"Cannot resume an? {kind} pod"):
        tiny.resume(cluster.id, bid=bid and Decimal(bid))


def test_a_resumed_spot_cluster_pays_its_new_bid(tiny: World) -> None:
    """The bid of a resume replaces the old one."""
    cluster = tiny.stop(tiny.deploy(spot("0.20")).id)
    assert tiny.resume(cluster.id, bid=Decimal("0.25")).price == Decimal("0.25")


def test_resume_bids_must_reach_the_minimum(tiny: World) -> None:
    """A resume below the minimum bid is refused, and the cluster stays stopped."""
    cluster = tiny.stop(tiny.deploy(spot()).id)
    with pytest.raises(Refusal, match=r"bid of \$0\.17 per GPU is below the minimum bid price of \$0\.18"):
        tiny.resume(cluster.id, bid=Decimal("0.17"))
    assert not tiny.clusters[cluster.id].running


def test_terminate_deletes(tiny: World) -> None:
    """A terminated cluster no longer exists, and its machine is free."""
    cluster = tiny.deploy(order(gpu_count=2))
    tiny.terminate(cluster.id)
    assert tiny.clusters == {}
    assert tiny.free_gpus("host") == 2
    assert tiny.read(cluster.id) is None


def test_terminating_an_unknown_cluster_is_refused(tiny: World) -> None:
    """The refusal has a code of its own."""
    with pytest.raises(Refusal, match="pod not found to terminate") as caught:
        tiny.terminate("nobody")
    assert caught.value.code == "POD_NOT_FOUND"


def test_stopping_an_unknown_cluster_is_refused(tiny: World) -> None:
    """The refusal says that the cluster was not found."""
    with pytest.raises(Refusal, match="pod not found"):
        tiny.stop("nobody")


def test_preemption_stops_and_does_not_delete(tiny: World) -> None:
    """A preempted cluster is EXITED, counts the preemption, and has no container."""
    cluster = tiny.deploy(spot())
    tiny.preempt(cluster.id)
    preempted = tiny.clusters[cluster.id]
    assert (preempted.desired_status, preempted.preemptions) == ("EXITED", 1)
    assert not preempted.up(tiny.now)
    assert preempted.status_change == "Exited by System: outbid"


@pytest.mark.parametrize("which", ["on-demand", "stopped", "unknown"])
def test_only_running_spot_clusters_can_be_preempted(tiny: World, which: str) -> None:
    """Preempting anything else is an error of the test."""
    clusters = {"on-demand": tiny.deploy(order()).id, "stopped": tiny.stop(tiny.deploy(spot()).id).id}
    with pytest.raises(ValueError, match="not a running spot cluster"):
        tiny.preempt(clusters.get(which, which))


def test_the_first_clusters_are_those_of_the_published_requests() -> None:
    """The account has two stopped and two running clusters at first."""
    world = new_world(first_clusters=True)
    states = {each.id: (each.desired_status, each.spot) for each in world.clusters.values()}
    assert states == {
        "inzk6tzuz833h5": ("EXITED", False),
        "d62t7qg9n5vtan": ("EXITED", True),
        "riixlu8oclhp": ("RUNNING", False),
        "ldl1dxirsim64n": ("RUNNING", False),
    }


def test_the_same_seed_gives_the_same_world() -> None:
    """Ids and hosts follow from the seed alone."""
    first, second, other = new_world(seed=1), new_world(seed=1), new_world(seed=2)
    assert first.hosts == second.hosts != other.hosts
    assert first.deploy(order()).id == second.deploy(order()).id
