"""docs/cli.md is accurate."""

from __future__ import annotations

import json
import re
from pathlib import Path

from schema_checks import validate

from tensorone._cli._output.failures import STATUS
from tensorone._cli.program import _ORDER

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def test_it_has_every_command_and_status():
    """Each command is in its table, and each code of a failure beside its status."""
    table = PAGE.partition("## Commands")[2].partition("\n## ")[0]
    assert {name for name in _ORDER if not re.search(rf"`{name}[ `]", table)} == {"--install-completion"}
    rows = re.findall(r"^\| (\d+) \| .* \| (.*) \|$", PAGE.partition("## Exit status")[2], re.MULTILINE)
    said = {code: int(status) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    assert said == STATUS


def test_its_object_fits_the_schema(cli):
    """The failure that it shows is what the command answers."""
    shown = json.loads(re.search(r"```json\n(.*)\n```", PAGE)[1])
    validate("terminate", shown)
    said = cli("terminate", "riixlu8oclhp", "nope", "--yes", "--json").json
    assert said == shown


def test_every_option_of_the_page_exists(cli):
    """An option in the row of a command is in the help of that command, or of one of its verbs."""
    table = PAGE.partition("## Commands")[2].partition("\n## ")[0]
    rows = [row for row in table.splitlines() if row.startswith("| `") and "--" in row]
    assert len(rows) > 8
    for row in rows:
        names = re.findall(r"`([a-z]+)[ `]", row.split(" | ")[0])
        options = set(re.findall(r"--[a-z][a-z-]+", row.replace("--no-dry-run", "--dry-run")))
        helped = "".join(cli(name, "--help").out for name in names)
        assert {each for each in options if each not in helped} == set(), row


def test_the_page_for_programs_has_every_status():
    """What to do is said for each exit status, and for no other."""
    page = (Path(__file__).parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+)(?:, (\d+))? \|", page, re.MULTILINE)
    assert {int(each) for row in rows for each in row if each} == {0, *STATUS.values(), 143}
