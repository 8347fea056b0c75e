"""docs/howto/airflow.md, by `airflow dags test` on SQLite: killed and begun again, asked to wait, refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tensorone.emulator import Boot, Fault

AIRFLOW = Path(sys.executable).with_name("airflow")
MIGRATE = "airflow db migrate"
TEST = "airflow dags test tensorone_training 2026-11-27"
RENT = "clusterRentInterruptable"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """Airflow's home with an empty database."""
    home = tmp_path_factory.mktemp("airflow")
    environment = {**os.environ, "AIRFLOW_HOME": str(home)}
    subprocess.run([AIRFLOW, *MIGRATE.split()[1:]], check=True, env=environment, stdout=subprocess.DEVNULL)
    return home


@pytest.fixture
def airflow(recipe, migrated, monkeypatch):
    """Starts the page's run, in a home of the test's own, where nothing that is stored or logged may hold a secret."""
    assert {f"$ {MIGRATE}", f"$ {TEST}"} <= {*recipe.page.splitlines()}
    home = shutil.copytree(migrated, recipe.home / "airflow")
    monkeypatch.setenv("AIRFLOW_HOME", str(home))
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{home}/airflow.db")
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(recipe.home))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "false")
    recipe.save()
    yield lambda: recipe.start(AIRFLOW, *TEST.split()[1:])
    assert recipe.secrets_below(recipe.home, known="tensorone_training") == []


def kill_tree(pid: int) -> None:
    """Kills a program with the processes that it forked."""
    tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for each in tree:
        each.kill()
    psutil.wait_procs(tree)


def test_the_page(recipe, airflow):
    """A run has one cluster, which is ended."""
    assert airflow().wait(120) == 0, recipe.log
    assert recipe.world.requests[RENT] == 1, recipe.log
    assert recipe.world.requests["clusterTerminate"] == 1
    assert recipe.running == []


def test_a_killed_run_begun_again_has_its_cluster(recipe, airflow):
    """The token follows from the day that the run is for."""
    recipe.world.boot = Boot.parse("15s")
    program = airflow()
    recipe.wait_for(lambda: recipe.running)
    assert [each.env["HF_TOKEN"] for each in recipe.world.clusters.values()] == [recipe.secret]
    kill_tree(program.pid)
    program.wait()
    assert len(recipe.running) == 1
    assert airflow().wait(120) == 0, recipe.log
    assert recipe.world.requests[RENT] == 1
    assert recipe.running == []


def test_airflow_waits_as_long_as_the_server_asks(recipe, airflow):
    """The policy takes the pause from the error, which no other attempt precedes."""
    recipe.emulator.faults.add(Fault("rate_limited", "clusterTerminate", retry_after=2))
    assert airflow().wait(120) == 0, recipe.log
    assert "action=retry" in recipe.log
    assert recipe.world.requests["clusterTerminate"] == 2
    assert recipe.world.requests[RENT] == 1
    assert recipe.running == []


def test_what_fails_is_ended_all_the_same(recipe, airflow):
    """Training that is refused for good is not repeated, and its teardown runs."""
    recipe.emulator.faults.add(
        Fault("graphql_error", "myself", after=1, times=None, code="UNAUTHENTICATED", message="unauthorized")
    )
    assert airflow().wait(120) == 1, recipe.log
    assert "action=fail" in recipe.log
    assert recipe.world.requests["clusterTerminate"] == 1
    assert recipe.running == []
