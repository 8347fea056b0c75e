"""docs/howto/ray.md, and an actor that is killed in the middle of its points."""

from __future__ import annotations

import sys

import psutil

from tensorone.emulator import Boot

RENT = "clusterFindAndDeployOnDemand"


def sweep(recipe, points: int):
    """The page's program."""
    assert "$ python ray_sweep.py july 3\n" in recipe.page
    recipe.save()
    return recipe.start(sys.executable, "ray_sweep.py", "july", str(points))


def test_the_page(recipe):
    """Each point has a cluster of its own, which is ended."""
    assert sweep(recipe, 3).wait(120) == 0, recipe.log
    assert recipe.log.count("was measured") == 3
    assert recipe.world.requests[RENT] == 3
    assert recipe.running == []


def test_a_killed_actor_costs_nothing(recipe):
    """It is started again, and its points go on with the clusters that they had."""
    recipe.world.boot = Boot.parse("15s")
    program = sweep(recipe, 12)
    recipe.wait_for(lambda: len(recipe.running) == 12)
    assert {each.env["HF_TOKEN"] for each in recipe.world.clusters.values()} == {recipe.secret}
    actors = [each for each in psutil.Process(program.pid).children(recursive=True) if "Renter" in each.cmdline()[0]]
    assert len(actors) == 2
    actors[0].kill()
    assert program.wait(120) == 0, recipe.log
    assert recipe.log.count("was measured") == 12
    assert recipe.world.requests[RENT] == 12
    assert recipe.running == []


def test_an_error_arrives_whole(recipe):
    """Of the type that the actor raised, with what it bills; the sweep goes on."""
    recipe.world.sell_out("NVIDIA A40")
    assert sweep(recipe, 2).wait(120) == 2, recipe.log
    assert recipe.log.count("; billed: None") == 2
