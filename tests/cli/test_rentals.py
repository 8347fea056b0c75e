"""Rentals, resumes and ends: what is asked, what is sent, and what is said of it."""

from __future__ import annotations

import json

import pytest
from schema_checks import VALUE

from tensorone.emulator import Fault

DEPLOY = ("deploy", "tensorone/pytorch", "--gpu", "a6000", "--yes")
LOST = "clusterFindAndDeployOnDemand"


def test_a_deployment_is_bound_and_labelled(cli, emulator, tmp_path):
    """Ids on standard output, the token and the bill beside it; no value of a variable anywhere."""
    file = tmp_path / "env"
    file.write_text(f"# a comment\n\nexport A='{VALUE}'\nB={VALUE}\n")
    variables = ("-e", f"C={VALUE}", "--env-file", str(file))
    done = cli(*DEPLOY, "--volume", "40", "-p", "8888/http", *variables, "--expires", "8h")
    assert done.status == 0
    (cluster,) = [emulator.world.clusters[name] for name in done.out.split()]
    assert {**cluster.env, "TENSORONE_CLIENT_TOKEN": ""}.keys() >= {"A", "B", "C", "TENSORONE_EXPIRES_AT"}
    assert cluster.env["A"] == VALUE
    label = json.loads(cluster.env["TENSORONE_RENTED"])
    assert label == {"gpu": "NVIDIA RTX A6000", "count": 1, "kind": "on_demand", "usd_per_hour": 0.49, "volume_gb": 40}
    assert f"token {cluster.env['TENSORONE_CLIENT_TOKEN']}: repeat" in done.err
    assert "billed at $0.49 an hour until 20" in done.err
    assert f"tensorone terminate {cluster.id}" in done.err
    assert cli("show", cluster.id).out.count("TENSORONE_") == 3
    assert cli("ls").status == 0
    files = [each for each in tmp_path.rglob("*") if each.is_file() and each != file]
    assert files
    assert not [each for each in files if VALUE in each.read_text() or emulator.api_key in each.read_text()]


def test_a_repeat_with_the_token_rents_nothing(cli, emulator):
    """The second command finds the first one's cluster, and knows its price from the label."""
    first, second = (cli(*DEPLOY, "--token", "mine", "-n", "2", "--json").json for _ in range(2))
    assert [each["id"] for each in first["clusters"]] == [each["id"] for each in second["clusters"]]
    assert [each["client_token"] for each in second["clusters"]] == ["mine-0", "mine-1"]
    assert second["clusters"][0]["usd_per_hour"] == 0.49
    assert emulator.world.requests[LOST] == 2
    emulator.world.stop(first["clusters"][0]["id"])
    third = cli(*DEPLOY, "--token", "mine", "-n", "2", "--no-wait", "--json").json
    assert [each["status"] for each in third["clusters"]] == ["exited", "starting"]


def test_a_price_that_rises_after_the_question_is_not_paid(cli, emulator):
    """What was agreed to binds the rental: a dearer one is not sent."""
    done = cli(*DEPLOY, "--cloud", "community", "--no-wait")
    assert done.status == 0
    emulator.world.sell_out("NVIDIA RTX A6000")
    assert cli(*DEPLOY).status == 5


def test_what_cannot_be_meant_is_refused(cli, tmp_path):
    """Variables that are not there, and paths that are no files; values are not repeated."""
    file = tmp_path / "env"
    file.write_text(VALUE)
    assert "--env NOT_THERE" in cli(*DEPLOY, "-e", "NOT_THERE").err
    assert "line 1: not of the form NAME=value" in cli(*DEPLOY, "--env-file", str(file)).err
    assert "No such file" in cli(*DEPLOY, "--env-file", str(tmp_path / "none")).err
    file.write_bytes(b"\xff")
    assert "not text" in cli(*DEPLOY, "--env-file", str(file)).err


def test_all_or_nothing(cli, emulator):
    """One that is not had ends the others; without it they stay, each with its own error."""
    emulator.faults.add(Fault("null", operation=LOST, after=1))
    before = set(emulator.world.clusters)
    done = cli(*DEPLOY, "-n", "3", "--all-or-nothing")
    assert done.status == 6
    assert "the others were ended" in done.err
    assert set(emulator.world.clusters) == before
    emulator.faults.clear()
    emulator.faults.add(Fault("null", operation=LOST, after=1))
    kept = cli(*DEPLOY, "-n", "3", "--no-wait", "--json").json
    assert sorted(each["error"] is None for each in kept["clusters"]) == [False, True, True]
    assert len(emulator.world.clusters) == len(before) + 2


def test_spot(cli, emulator):
    """By bids, at the fixed price where no bid wins and that is allowed, or by a single one."""
    spot = ("spot", "i", "--gpu", "a40", "--yes", "--json")
    emulator.world.set_minimum_bid("NVIDIA A40", "0.2")
    won = cli(*spot, "--ceiling", "0.3").json["clusters"][0]
    assert (won["kind"], won["usd_per_hour"]) == ("spot", 0.21)
    assert json.loads(emulator.world.clusters[won["id"]].env["TENSORONE_RENTED"])["kind"] == "spot"
    fixed = cli(*spot, "--ceiling", "0.1", "--on-demand-ceiling", "0.5", "--count", "2").json["clusters"][0]
    assert (fixed["kind"], fixed["usd_per_hour"]) == ("on_demand", 0.8)
    once = cli(*spot, "--ceiling", "0.3", "--once").json["clusters"][0]
    assert once["usd_per_hour"] == 0.3


def test_without_gpus(cli):
    """`--count 0` rents none, and needs no type."""
    done = cli("deploy", "i", "--count", "0", "--yes", "--json")
    assert done.json["clusters"][0]["usd_per_hour"] in {0, None}


def test_stop_resume_and_terminate(cli, emulator):
    """What is stopped is said with what it saves, what is resumed with what it costs, and what is ended stays ended."""
    stopped = cli("stop", "riixlu8oclhp", "ldl1dxirsim64n", "--wait")
    assert "$0.94 an hour less; volumes stay billed" in stopped.err
    assert cli("stop", "riixlu8oclhp", "--json").json["clusters"][0]["status"] == "exited"
    assert "at most $0.49 an hour" not in cli("resume", "riixlu8oclhp", "--yes").err
    assert emulator.world.clusters["riixlu8oclhp"].running
    assert cli("resume", "riixlu8oclhp", "ldl1dxirsim64n", "--yes", "--json").status == 0
    spot = cli("resume", "d62t7qg9n5vtan", "--ceiling", "0.4", "--gpu", "a6000", "--yes", "--json")
    assert spot.json["clusters"][0]["status"] == "up"
    assert cli("resume", "inzk6tzuz833h5", "--gpus", "0", "--yes").status == 0
    gone = cli("terminate", "riixlu8oclhp", "ldl1dxirsim64n", "--yes", "--wait")
    assert gone.status == 0
    assert "terminated" in gone.err
    assert cli("wait", "riixlu8oclhp", "--for", "gone").status == 1


def test_a_resume_counts_what_is_stopped(cli):
    """A cluster that runs is left as it is: it is neither priced nor asked about."""
    assert "at $0.49 an hour at most" in cli("resume", "inzk6tzuz833h5", "ldl1dxirsim64n").err
    running = cli("resume", "ldl1dxirsim64n", "--json")
    assert running.status == 0
    assert running.json["clusters"][0]["status"] == "up"


def test_a_resume_of_an_unknown_type(cli, emulator):
    """Where nobody tells the GPU type, the price is not known, and said to be so."""
    emulator.faults.add(Fault("graphql_error", operation="ListClusterCosts", times=None))
    done = cli("resume", "inzk6tzuz833h5")
    assert done.status == 3
    assert "a price that is not known" in done.err
    assert "add --gpu" in cli("keep", "d62t7qg9n5vtan", "--ceiling", "1", "--yes").err


def test_only_spot_clusters_are_kept(cli, emulator):
    """A cluster that is known to be on demand is not bid for."""
    done = cli("keep", "inzk6tzuz833h5", "--ceiling", "1", "--yes")
    assert (done.status, emulator.world.clusters["inzk6tzuz833h5"].running) == (2, False)
    assert "is an on-demand cluster: tensorone resume starts it" in done.err


def test_one_of_two_that_fails(cli, emulator):
    """Status 6: each has its own error, and the other was ended."""
    emulator.faults.add(Fault("graphql_error", operation="clusterTerminate"))
    done = cli("terminate", "riixlu8oclhp", "ldl1dxirsim64n", "--yes", "--json")
    assert done.status == 6
    assert sorted(each["status"] for each in done.json["clusters"]) == ["terminated", "up"]
    assert len(done.json["error"]["ids"]) == 1
    emulator.faults.add(Fault("graphql_error", operation="clusterTerminate", times=None))
    both = cli("terminate", "inzk6tzuz833h5", "d62t7qg9n5vtan", "--yes", "--json")
    assert (both.status, both.json["error"]["code"]) == (1, "server_error")


def test_wait(cli):
    """For a port, for gone, for exited."""
    assert "up after" in cli("wait", "ldl1dxirsim64n").err
    assert "port:8888 after" in cli("wait", "riixlu8oclhp", "--for", "port:8888").err
    assert cli("wait", "inzk6tzuz833h5", "--for", "exited", "--json").json["clusters"][0]["status"] == "exited"


def test_reap(cli, emulator):
    """Shows what is past its time, and ends it when told to; nothing else is touched."""
    assert "0 clusters past their time" in cli("reap", "stop").err
    assert "no cluster is past its time" in cli("terminate", "--all-expired", "--yes").err
    ids = [cli(*DEPLOY, "--expires", "0.001s", "-q").out.strip() for _ in range(3)]
    assert "to stop: tensorone reap stop --no-dry-run" in cli("reap", "stop").err
    assert {each["status"] for each in cli("reap", "stop", "--no-dry-run", "--json").json["clusters"]} == {"exited"}
    assert cli("reap", "terminate", "--no-dry-run").status == 3
    assert cli("terminate", "--all-expired", "--yes").status == 0
    assert not emulator.world.clusters.keys() & set(ids)
    cli(*DEPLOY, "--expires", "0.001s")
    emulator.faults.add(Fault("graphql_error", operation="clusterTerminate"))
    assert cli("reap", "terminate", "--no-dry-run", "--yes", "--json").json["error"]["code"] == "server_error"


@pytest.mark.parametrize("quiet", [False, True])
def test_quiet(cli, quiet):
    """Only data where that is asked for."""
    done = cli("stop", "riixlu8oclhp", *(["-q"] if quiet else []))
    assert bool(done.err) is not quiet
