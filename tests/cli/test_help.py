"""Help: of every command, in eighty columns, with an example that is one, and without the imports of the SDK."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from tensorone._cli.program import _commands, _groups, program, split

COMMANDS = [(name,) for name in _commands()]
COMMANDS += [(name, verb) for name, (_, verbs) in _groups().items() for verb in verbs]

# What no help needs: models, HTTP, event loops, and what rich draws with.
HEAVY = ("pydantic", "httpx", "aiohttp", "anyio", "asyncio", "tensorone_graphql", "rich.live", "rich.progress")


@pytest.mark.parametrize("command", [(), *COMMANDS], ids=" ".join)
def test_help_is_complete(cli, command):
    """It fits eighty columns, has an example, and the example is a command line that parses."""
    done = cli(*command, "--help")
    assert done.status == 0
    assert done.err == ""
    assert max(len(line) for line in done.out.splitlines()) <= 80
    example = re.search(r"^Example: (tensorone .*)$", done.out, re.MULTILINE)
    assert example
    words = shlex.split(example[1].partition(" < ")[0])[1:]
    found, _, _ = program().parse_args(split(words)[0], exit_on_error=False, print_error=False)
    assert not command or words[: len(command)] == list(command)
    assert callable(found)


@pytest.mark.parametrize("group", _groups())
def test_a_group_lists_its_commands(cli, group):
    """A group by itself shows what it has."""
    assert all(verb in cli(group).out for verb in _groups()[group][1])


def test_help_imports_no_more_than_it_needs():
    """Help of every command, in one process, imports neither the SDK's own needs nor what rich draws with."""
    code = (
        "import sys, json; from tensorone._cli.program import main\n"
        f"for command in {COMMANDS!r}: main([*command, '--help'])\n"
        f"main(['--help']); main(['--version'])\n"
        f"heavy = {HEAVY!r}\n"
        "found = [name for name in sys.modules if name.startswith(heavy) or name.startswith('tensorone._')]\n"
        "print('MODULES', *found)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = done.stdout.rpartition("MODULES")[2].split()
    ours = {name for name in found if not name.startswith(("tensorone._cli", "tensorone._errors"))}
    assert ours <= {"tensorone._version", "tensorone._profiles", "tensorone._data"} | {
        name for name in ours if "._data." in name
    }
    assert len(found) < 45


def test_without_the_extra_it_says_what_to_install():
    """The script is always there; without its libraries it is one line, and status 2."""
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.partition('.')[0] == 'cyclopts': raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from tensorone.__main__ import main; sys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, 'the command line is an extra: pip install "tensorone[cli]"\n')


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("lss",), 'Did you mean "ls"'),
        (("ls", "--wher", "up"), "--where"),
        (("gpus", "--sort", "price"), '"spot", "fixed", "memory"'),
        (("spot", "image"), "--ceiling"),
    ],
)
def test_usage_errors_say_what_was_meant(cli, arguments, words):
    """Status 2, on standard error, and as JSON where that was asked for."""
    done = cli(*arguments)
    assert done.status == 2
    assert words in done.err
    assert done.out == ""
    assert cli(*arguments, "--json").json["error"]["code"] == "invalid_argument"


def test_common_options_may_come_first(cli, monkeypatch):
    """`tensorone --json ls` is `tensorone ls --json`; TENSORONE_OUTPUT=json is that for all."""
    assert cli("--json", "ls").json["ok"]
    assert cli("--profile", "none", "ls").status == 2
    assert "Commands:" in cli("--quiet").out
    monkeypatch.setenv("TENSORONE_OUTPUT", "json")
    assert cli("account").json["account"]["balance_usd"] == pytest.approx(1000, abs=1)
