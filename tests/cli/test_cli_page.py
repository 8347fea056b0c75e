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


def test_the_session_of_the_readme(cli, emulator):
    """Its prices, and what it says of an id that does not exist, typed again."""
    emulator.world.set_minimum_bid("NVIDIA A40", "0.26")
    emulator.world.set_minimum_bid("NVIDIA RTX A6000", "0.15")
    assert cli("gpus", "a6000", "a40").out == (
        "GPU TYPE          MEMORY  SPOT $/h  FIXED $/h  SAVES\n"
        "NVIDIA RTX A6000   48 GB     0.150       0.33    55%\n"
        "NVIDIA A40         48 GB     0.260       0.40    35%\n"
    )
    done = cli("terminate", "riixlu8oclhp", "nope", "--yes")
    assert done.err == "tensorone: there is no cluster nope; nothing was done\n  try:    tensorone ls\n"
