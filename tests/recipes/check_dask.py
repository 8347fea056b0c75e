"""docs/howto/dask.md, and a worker that is killed in the middle of its points."""

from __future__ import annotations

import base64
import pickle
import sys

import psutil

from tensorone.emulator import Boot


def test_the_page(recipe):
    """Each point has a cluster of its own, which is ended."""
    recipe.follow()
    assert recipe.world.requests["clusterFindAndDeployOnDemand"] == 3
    assert recipe.running == []


def test_a_killed_worker_costs_nothing(recipe):
    """Its points are run again by the other one, on the clusters that they had."""
    recipe.save()
    recipe.world.boot = Boot.parse("8s")
    program = recipe.start(sys.executable, "dask_sweep.py", "july", "12")
    recipe.wait_for(lambda: len(recipe.running) == 12)
    assert {each.env["HF_TOKEN"] for each in recipe.world.clusters.values()} == {recipe.secret}
    workers = [
        each
        for each in psutil.Process(program.pid).children(recursive=True)
        if "spawn_main" in " ".join(each.cmdline())
    ]
    workers[0].kill()
    assert program.wait(120) == 0, recipe.log
    assert "Restarting worker" in recipe.log
    assert recipe.world.requests["clusterFindAndDeployOnDemand"] == 12
    assert recipe.running == []


def test_an_error_arrives_whole(recipe):
    """Of the type that the worker raised, with what it bills; the sweep goes on."""
    recipe.save()
    recipe.world.sell_out("NVIDIA A40")
    program = recipe.start(sys.executable, "dask_sweep.py", "july", "2")
    assert program.wait(120) == 2, recipe.log
    assert recipe.log.count("; billed: None") == 2


def test_a_secret_in_a_store_would_be_found(recipe):
    """Also in a pickle that an engine writes as base64."""
    for before in range(3):
        text = base64.b64encode(b"x" * before + pickle.dumps({"env": recipe.secret}))
        (recipe.home / f"{before}.db").write_bytes(b"known " + text)
    assert sorted(recipe.secrets_below(recipe.home, known="known")) == ["0.db", "1.db", "2.db"]
