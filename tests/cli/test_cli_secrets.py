"""The key and values of variables: in nothing that any command shows, and in one file of all that it writes."""

from __future__ import annotations

import json
import threading
import time

import pytest
from schema_checks import KEY, VALUE

from tensorone._cli.program import _commands, _groups
from tensorone.emulator import Fault

TEMPLATE = {"name": "saved", "image_name": "i", "container_disk_in_gb": 5, "env": {"PASSWORD": VALUE}}
ELSEWHERE = {"ssh", "watch", "emulator", "demo"}  # they run something else, or until they are ended; ssh is `ports`


def commands(cluster, spot, given, state):
    """Each command, as far as it ends by itself; the fixture looks at all that they show."""
    machine = ("--gpu", "a40", "--env-file", str(given / "env"))
    return [
        *(
            ("gpus",),
            ("ls",),
            ("account",),
            ("doctor",),
            ("show", cluster, spot),
            ("ports", cluster),
            ("endpoint", "list"),
        ),
        *(("deploy", "i", *machine, "--yes"), ("spot", "i", *machine, "--ceiling", "0.001", "--once", "--yes")),
        *(("stop", cluster), ("wait", cluster, "--for", "exited"), ("resume", cluster, "--yes")),
        ("keep", spot, "--ceiling", "0.9", "--yes", "--every", "0.1s", "--state", str(state)),
        *(("reap", "stop"), ("terminate", cluster, "--yes")),
        *(("template", "save", str(given / "template.json")), ("template", "delete", "saved", "--yes")),
        *(("endpoint", "save", str(given / "template.json"), "--yes"), ("endpoint", "delete", "none", "--yes")),
        *(("profile", "list"), ("profile", "use", "mine"), ("profile", "add", "b", "--url", "https://h.example")),
        *(("profile", "remove", "b"), ("--install-completion", "bash")),
    ]


def _end_once_kept(emulator, cluster, state):
    """Ends the fleet, which then ends by itself."""
    while not state.exists():
        time.sleep(0.01)
    emulator.world.terminate(cluster)


@pytest.mark.parametrize("how", [("-vv",), ("--json",)], ids=" ".join)
def test_no_command_shows_or_writes_a_secret(cli, emulator, tmp_path, how):
    """With all that is logged, and as JSON; only the profiles file has the key, and its owner alone reads that."""
    given = tmp_path / "given"
    given.mkdir()
    (given / "env").write_text(f"PASSWORD={VALUE}\n")
    (given / "template.json").write_text(json.dumps(TEMPLATE))
    assert cli("login", "--name", "mine", "--with-key", *how, stdin=KEY + "\n").status == 0
    cluster, spot = (
        cli(*words, "--gpu", "a40", "--env", f"PASSWORD={VALUE}", "--yes", "-q").out.strip()
        for words in (("deploy", "i"), ("spot", "i", "--ceiling", "0.9"))
    )
    ender = threading.Thread(target=_end_once_kept, args=(emulator, spot, tmp_path / "state"))
    ender.start()
    run = commands(cluster, spot, given, tmp_path / "state")
    assert {words[0] for words in run} == {*_commands(), *_groups()} - ELSEWHERE - {"login"}
    for words in run:
        assert cli(*words, *(how if words[0][0] != "-" else ())).status in {0, 1, 2, 5}, words
    ender.join()
    written = {path: path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()}
    assert {"state", "clusters", "profiles.toml", "completion.bash"} <= {path.name for path in written}
    assert [path.name for path, text in written.items() if KEY in text] == ["profiles.toml"]
    assert {path.parent for path, text in written.items() if VALUE in text} == {given}
    assert next(path for path in written if path.name == "profiles.toml").stat().st_mode & 0o077 == 0


def test_no_failure_shows_a_secret(cli, emulator, monkeypatch):
    """A rental that is refused, a value that cannot be sent, a key that is wrong, and one that cannot be sent."""
    emulator.faults.add(Fault("graphql_error", operation="clusterFindAndDeployOnDemand", times=None))
    for how in ("-vv", "--json"):
        assert cli("deploy", "i", "--gpu", "a40", "--env", f"A={VALUE}", "--yes", how).status == 1
        assert cli("deploy", "i", "--gpu", "a40", "--env", f"A B={VALUE}", "--yes", how).status == 2
    for wrong, status in ((KEY + "x", 4), (KEY + "\n x", 2)):
        monkeypatch.setenv("TENSORONE_API_KEY", wrong)
        assert cli("ls", "-vv").status == status
