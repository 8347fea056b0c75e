"""docs/emulator.md is accurate."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import anyio
import pytest

from tensorone.emulator import Emulator, _refusals
from tensorone.emulator.__main__ import _parser
from tensorone.emulator._server.fault import COMMITS, KINDS, SECONDS

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("fence", FENCES)
def test_its_examples_run(fence: str) -> None:
    """Each example runs by itself, and so do the tests in it."""
    names: dict[str, Any] = {}
    exec(compile(fence, "docs/emulator.md", "exec"), names)
    for name, test in names.items():
        if name.startswith("test_"):
            with Emulator(boot="at-once") as emulator:
                anyio.run(test, emulator)


def test_it_lists_every_fault_with_its_usual_settings() -> None:
    """The table has each kind once, with its defaults."""
    rows = dict(
        re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.partition("## Faults")[2].partition("\n## ")[0], re.MULTILINE)
    )
    assert rows.keys() == set(KINDS)
    for kind, usual in COMMITS.items():
        assert rows[kind].endswith(f"`commit` ({'yes' if usual else 'no'})")
    for kind, seconds in SECONDS.items():
        assert f"`seconds` ({seconds:g})" in rows[kind]


def test_it_lists_every_option_of_the_command() -> None:
    """The page names every option."""
    options = {option for action in _parser()._actions for option in action.option_strings} - {"-h", "--help"}
    assert {option for option in options if f"`{option}`" not in PAGE} == set()


def test_it_quotes_every_refusal() -> None:
    """Each text of the service is in the table of texts."""
    words = PAGE.partition("### Texts")[2]
    texts = [text.format(bid="0.1", minimum="0.18") for name, text in vars(_refusals).items() if name.isupper()]
    assert [text for text in texts if text not in words] == []


def test_it_names_what_an_emulator_has() -> None:
    """Every public attribute of an emulator and its world is on the page."""
    members = [
        name
        for kind in (Emulator, type(Emulator().world))
        for name, _ in inspect.getmembers(kind)
        if not name.startswith("_")
    ]
    answering = {"record", "read", "read_list"}  # for the answers themselves
    unnamed = {name for name in members if not re.search(rf"`[^`]*\b{name}\b[^`]*`", PAGE)}
    assert unnamed - answering == set()
