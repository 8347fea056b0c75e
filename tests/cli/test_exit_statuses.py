"""Each exit status, brought about by the service, and its object of JSON, which fits its schema."""

from __future__ import annotations

import cli_schemas
import pytest

from tensorone._cli._output.failures import STATUS
from tensorone.emulator import Fault

DEPLOY = ("deploy", "tensorone/pytorch", "--gpu", "a6000", "--yes", "--json")
LOST = "clusterFindAndDeployOnDemand"
LACKING = Fault("graphql_error", operation="ListClusters", message='Cannot query field "clusters" on type "User".')


def test_done(cli):
    """An empty list is done, too."""
    done = cli("ls", "--where", "expired", "--json")
    assert (done.status, done.json) == (0, {"version": 1, "ok": True, "clusters": [], "error": None})


@pytest.mark.parametrize(
    ("code", "arguments", "faults"),
    [
        ("server_error", ("ls",), [Fault("graphql_error", operation="ListClusters")]),
        ("connection_failed", ("show", "riixlu8oclhp"), [Fault("close", times=None)]),
        ("rate_limited", ("ls",), [Fault("rate_limited", operation="ListClusters", retry_after=10_000)]),
        ("not_found", ("show", "nope"), []),
        ("not_found", ("terminate", "riixlu8oclhp", "nope", "--yes"), []),
        ("not_found", ("ports", "riixlu8oclhp", "9"), []),
        ("invalid_argument", ("gpus", "a"), []),
        ("invalid_argument", ("gpus", "zzz"), []),
        ("invalid_argument", ("ls", "--nope"), []),
        ("invalid_argument", ("stop",), []),
        ("invalid_argument", ("wait", "riixlu8oclhp", "--for", "port:x"), []),
        ("invalid_argument", ("wait", "riixlu8oclhp", "--timeout", "soon"), []),
        ("invalid_argument", (*DEPLOY, "-n", "0"), []),
        ("invalid_argument", (*DEPLOY, "--expires", "x"), []),
        ("invalid_argument", ("watch", "--every", "x"), []),
        ("invalid_argument", ("keep", "riixlu8oclhp", "--ceiling", "1", "--every", "x"), []),
        ("declined", DEPLOY[:-2], []),
        ("declined", ("terminate", "riixlu8oclhp"), []),
        ("declined", ("resume", "inzk6tzuz833h5"), []),
        ("unauthorized", ("ls",), [Fault("graphql_error", code="UNAUTHENTICATED", times=None)]),
        ("no_capacity", DEPLOY, [Fault("null", operation=LOST, times=None)]),
        ("spend_limit", (*DEPLOY, "--max-hourly", "0.1"), []),
        ("bid_ceiling", ("spot", "i", "--gpu", "a40", "--ceiling", "0.01", "--timeout", "1s", "--yes"), []),
        ("bid_ceiling", ("spot", "i", "--gpu", "a40", "--ceiling", "0.01", "--once", "--yes"), []),
        ("some_failed", (*DEPLOY, "-n", "2"), [Fault("null", operation=LOST)]),
        ("timed_out", ("wait", "riixlu8oclhp", "--for", "exited", "--timeout", "1s"), []),
        ("unsupported", ("ls",), [LACKING]),
    ],
)
def test_failed(cli, emulator, code, arguments, faults):
    """A failure has its code and status, names clusters where there are some, and sends no rental that was declined."""
    emulator.faults.add(*faults)
    arguments = tuple(each for each in arguments if each != "--json")
    done = cli(*arguments, "--json")
    assert (done.json["error"]["code"], done.status) == (code, STATUS[code])
    assert not done.json["ok"]
    if code in {"declined", "invalid_argument", "spend_limit"}:
        assert not emulator.world.requests.keys() & {LOST, "clusterTerminate", "clusterResume"}
    if code in {"connection_failed", "bid_ceiling", "timed_out"}:
        return  # these take their time
    emulator.faults.clear()
    emulator.faults.add(*faults)
    plain = cli(*arguments)
    assert plain.status == done.status
    assert done.json["error"]["message"].split(" after ")[0][:20] in plain.err


def test_billed_and_not_up(cli, emulator):
    """Status 7: the time is over, and what was rented is billed; the object names it."""
    emulator.world.boot = type(emulator.world.boot).parse("never")
    done = cli(*DEPLOY, "--timeout", "1s")
    (cluster,) = done.json["clusters"]
    assert (done.status, done.json["error"]["ids"]) == (7, [cluster["id"]])
    assert cluster["status"] == "starting"
    assert cluster["id"] in emulator.world.clusters


def test_unknown(cli, emulator, tmp_path):
    """Status 8: a lost answer that no listing settles; the object has the token to look again with."""
    file = tmp_path / "tensorone" / "profiles.toml"
    file.parent.mkdir()
    text = f'[work]\nkey_command = "printenv CLI_KEY"\nurl = "{emulator.url}"\nsettle_time = 0\n'
    file.write_text(text)
    file.chmod(0o600)
    emulator.faults.add(Fault("close", operation=LOST))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CLI_KEY", emulator.api_key)
        done = cli(*DEPLOY, "--profile", "work", "--token", "mine")
    error = done.json["error"]
    assert (done.status, error["code"], error["token"]) == (8, "outcome_unknown", "mine")
    assert error["billing"]


def test_the_schemas_are_those_of_the_shapes():
    """`python tests/cli_schemas.py` writes them, and nobody else."""
    written = {path.name: path.read_text() for path in cli_schemas.FOLDER.glob("*.json")}
    assert written == cli_schemas.texts()
