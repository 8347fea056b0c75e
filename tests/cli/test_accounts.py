"""Profiles, keys, templates, endpoints, the emulator and the tour."""

from __future__ import annotations

import inspect
import json
import os
import stat
import sys
import sysconfig
from pathlib import Path

import pytest
from schema_checks import KEY

from tensorone import ConfigurationError, TensorOne, _profiles
from tensorone._cli.program import main
from tensorone._client.settings import Settings


@pytest.fixture
def file(emulator, tmp_path, monkeypatch):
    """A place for the profiles file, with no key in the environment."""
    monkeypatch.delenv("TENSORONE_API_KEY")
    monkeypatch.delenv("TENSORONE_API_URL")
    monkeypatch.setenv("TENSORONE_CONFIG", str(tmp_path / "deep" / "profiles.toml"))
    monkeypatch.setenv("CLI_KEY", KEY)
    return tmp_path / "deep" / "profiles.toml"


def test_login_writes_what_works(cli, file, emulator):
    """The key comes from standard input, is tried, and is in a file of its owner alone; then commands use it."""
    assert cli("ls").status == 4
    assert cli("login").status == 2
    assert cli("login", "--with-key", stdin="\n").status == 2
    assert cli("login", "--with-key", "--url", emulator.url, stdin="wrong-key-0123456789\n").status == 4
    assert not file.exists()
    done = cli("login", "--with-key", "--url", emulator.url, "--json", stdin=KEY + "\n")
    assert done.json["profiles"] == [
        {"name": "default-account", "default": True, "key_from": "file", "url": emulator.url}
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert cli("ls").status == 0
    assert "key from profile default-account (file), accepted" in cli("doctor").out


def test_profiles(cli, file, emulator, monkeypatch):
    """Added, chosen and removed; a key command is run without a shell, and its key shown nowhere."""
    assert "no profiles" in cli("profile", "list").err
    assert cli("profile", "add", "work", "--key-command", "printenv CLI_KEY", "--url", emulator.url).status == 0
    assert cli("profile", "add", "home", "--url", emulator.url).status == 0
    assert [line.split()[:3] for line in cli("profile", "list").out.splitlines()[1:]] == [
        ["*", "work", "key_command"],
        ["home", "nowhere", emulator.url],
    ]
    assert cli("ls").status == 0
    assert "neither api_key nor key_command" in cli("ls", "--profile", "home").err
    monkeypatch.setenv("TENSORONE_PROFILE", "home")
    assert cli("ls").status == 2
    assert cli("profile", "use", "home").status == 0
    assert cli("profile", "use", "none").status == 2
    assert cli("profile", "remove", "home").status == 0
    monkeypatch.delenv("TENSORONE_PROFILE")
    assert cli("ls").status == 4
    assert cli("profile", "add", "no/name").status == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[work]\napi_kee = 'k'", r"\[work\] has no api_kee"),
        ("[work]\napi_key = 5", "api_key of .* must be a string"),
        ("[work]\nmax_hourly_spend = 'x'", "must be a number"),
        ("work = 5", "not a table"),
        ("default = 5", "default must be"),
        ("[", "not valid TOML"),
        ("default = 'x'", "no profile x"),
        ("[work]", "no profile is the default"),
        ("default='w'\n[w]\nkey_command = 'false'", "ended with status 1"),
        ("default='w'\n[w]\nkey_command = 'true'", "printed nothing"),
        ("default='w'\n[w]\nkey_command = '/nope'", "No such file"),
        ("default='w'\n[w]\nkey_command = '\"'", "ValueError"),
        ("default='w'\n[w]\nkey_command = ''", "IndexError|failed"),
    ],
)
def test_a_file_that_is_not_right_says_what_is_wrong(file, text, words):
    """What it says names the field, and no value."""
    file.parent.mkdir()
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(ConfigurationError, match=words):
        TensorOne.from_profile()


def test_a_file_that_others_can_read_is_refused(cli, file):
    """As ssh refuses it, with the command that corrects it."""
    file.parent.mkdir()
    file.write_text("[work]\n")
    file.chmod(0o640)
    assert f"chmod 600 {file}" in cli("ls").err
    file.unlink()
    file.mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        _profiles.load(file)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        _profiles.save(file, _profiles.Profiles())


async def test_a_script_may_use_a_profile(file, emulator):
    """`TensorOne.from_profile` takes what the profile says, unless told otherwise; `TensorOne` reads no file."""
    profile = _profiles.Profile(name="work", api_key=KEY, url=emulator.url, max_hourly_spend=0.1)
    _profiles.save(file, _profiles.Profiles("work", {"work": profile}))
    assert KEY not in repr(profile)
    async with TensorOne.from_profile("work", path=file, max_hourly_spend=3) as client:
        assert len(await client.clusters.list()) == 4
    with pytest.raises(ConfigurationError, match="no API key"):
        TensorOne()


def test_a_profile_takes_every_keyword_of_the_client():
    """None is forgotten where they are handed on."""
    keywords = inspect.signature(TensorOne).parameters.keys() - {"api_key"}
    assert Settings.__annotations__.keys() == keywords


def test_where_the_file_is(monkeypatch):
    """Where the variables say, else below the home directory."""
    assert _profiles.location({"XDG_CONFIG_HOME": "/x"}) == Path("/x/tensorone/profiles.toml")
    monkeypatch.setenv("HOME", "/home/someone")
    assert _profiles.location({}) == Path("/home/someone/.config/tensorone/profiles.toml")


def test_templates(cli, emulator, tmp_path):
    """Saved from TOML or JSON, deleted by name after a question."""
    file = tmp_path / "t.toml"
    fields = {"name": "py", "image_name": "i", "container_disk_in_gb": 5}
    file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in fields.items()))
    assert cli("template", "save", str(file), "--json").json["template"]["name"] == "py"
    assert cli("template", "save", "-", stdin=json.dumps(fields | {"name": "js"})).status == 0
    assert cli("template", "delete", "py").status == 3
    assert cli("template", "delete", "py", "--yes", "--json").json["template"] is None
    assert [each["name"] for each in emulator.world.saved.templates.values()] == ["js"]
    assert cli("template", "save", "-", stdin="{").status == 2
    assert "unexpected keyword argument 'nam'" in cli("template", "save", "-", stdin='{"nam": 1}').err
    assert cli("template", "save", str(tmp_path / "none")).status == 2


def test_endpoints(cli, tmp_path):
    """Listed, saved after a question, deleted after another."""
    template = json.dumps({"name": "w", "image_name": "i", "container_disk_in_gb": 5, "is_serverless": True})
    made = cli("template", "save", "-", "--json", stdin=template).json["template"]["id"]
    fields = {"name": "e", "gpu_ids": ["AMPERE_16"], "template_id": made, "workers_max": 0}
    spec = json.dumps(fields)
    assert cli("endpoint", "save", "-", stdin=spec).status == 3
    saved = cli("endpoint", "save", "-", "--yes", "--json", stdin=spec).json["endpoints"][0]["id"]
    assert saved in cli("endpoint", "list").out
    assert cli("endpoint", "delete", "nope", "--yes").status == 1
    assert cli("endpoint", "delete", saved, "--yes", "--json").json["endpoints"] == []
    assert cli("endpoint", "list").err == "0 endpoints\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_written_and_its_line_shown(cli, shell, monkeypatch, tmp_path):
    """No file of the shell's own is touched."""
    monkeypatch.setenv("SHELL", f"/bin/{shell}")
    done = cli("--install-completion")
    path = tmp_path / "tensorone" / f"completion.{shell}"
    assert str(path) in done.out
    assert "terminate" in path.read_text()
    assert {each.name for each in tmp_path.iterdir()} == {"tensorone"}
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert cli("--install-completion").status == 2
    path.unlink()
    path.mkdir()
    assert cli("--install-completion", shell).status == 2


def test_the_emulator_runs_a_command(cli, tmp_path, monkeypatch):
    """The variables point to it, `tensorone` is found by its name, and the status of the command is ours."""
    said = tmp_path / "said"
    monkeypatch.setenv("PATH", "/nowhere")
    values = "os.environ['TENSORONE_API_URL'], os.environ['PATH']"
    code = f"import os, sys; open({str(said)!r}, 'w').write(' '.join([{values}])); sys.exit(7)"
    assert cli("emulator", "--seed", "3", "--", sys.executable, "-c", code).status == 7
    url, path = said.read_text().split(" ", 1)
    assert url.startswith("http://127.0.0.1:")
    assert path.split(os.pathsep) == ["/nowhere", sysconfig.get_path("scripts")]
    assert cli("emulator", "--", "/nope").status == 127
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert cli("emulator", "--", sys.executable, "-c", killed).status == 137


def test_without_the_emulator_it_says_what_to_install(cli, monkeypatch):
    """It is an extra of its own, for the tour as well."""
    monkeypatch.setitem(sys.modules, "tensorone.emulator", None)
    monkeypatch.setitem(sys.modules, "tensorone.emulator.__main__", None)
    for name in ("emulator", "demo"):
        assert "tensorone[emulator]" in cli(name).err


def test_the_tour(cli):
    """It rents, is preempted, recovers and pays."""
    done = cli("demo")
    assert done.status == 0
    assert "stopped by preemption" in done.err
    assert "2 clusters; $99." in done.err


def test_a_reader_that_leaves_is_no_failure(cli, monkeypatch):
    """`tensorone ls | head -1` ends without a word of Python's."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(os.dup(writing), "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert main(["ls"]) == 1
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert main(["profile", "list", "--json"]) == 1


@pytest.mark.parametrize(("verbose", "said"), [("-v", "cluster"), ("-vv", "cluster")])
def test_verbose(cli, verbose, said, monkeypatch):
    """The library's log is shown if asked for, and not twice."""
    done = cli("deploy", "i", "--gpu", "a40", "--yes", verbose)
    assert done.status == 0
    monkeypatch.setenv("TENSORONE_LOG", "info")
    assert cli("ls", verbose).status == 0
