"""The sessions that the pages show, typed in a terminal against an emulator, and compared line by line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from schema_checks import KEY
from screens import Screen

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "docs" / "cli.md"]


def sessions(page):
    """The blocks of a page in which a command of ours answers."""
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [block for block in blocks if re.search(r"^\$ tensorone [a-z].*\n[^$]", block, re.MULTILINE)]


SESSIONS = [pytest.param(block, id=page.name) for page in PAGES for block in sessions(page)]


def told(text):
    """What is shown, without what depends on the moment: seconds, and the load of a GPU."""
    return [re.sub(r"\d+ s$|\d+%  \$", "…", line.rstrip()) for line in text.splitlines() if line.strip()]


def test_there_is_one():
    """The page has a session."""
    assert any(each.id == "cli.md" for each in SESSIONS)


@pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")
@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_is_as_it_is_shown(emulator, tmp_path, session):
    """Every command of it, with its answers; ids follow from the emulator's seed."""
    for gpu, bid in (("NVIDIA A40", "0.26"), ("NVIDIA RTX A6000", "0.15")):
        emulator.world.set_minimum_bid(gpu, bid)
    places = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), str(tmp_path))
    with Screen(80, 24, {"TENSORONE_API_KEY": KEY, "TENSORONE_API_URL": emulator.url, **places}) as screen:
        typed_lines = re.findall(r"^\$ (.*)\n((?:[^$].*\n|\$\d.*\n)*)", session, re.MULTILINE)
        for number, (command, answer) in enumerate(typed_lines):
            screen.type(f"clear; {command}; echo END {number}")
            for typed in re.findall(r"\[y/N\] (\w)$", answer, re.MULTILINE):
                screen.until(lambda text: text.rstrip().endswith("[y/N]"))
                screen.type(typed)
            end = re.compile(rf"^END {number}$", re.MULTILINE)
            shown = screen.until(lambda text, end=end: bool(end.search(text)))
            assert told(end.split(shown)[0]) == told(answer)
