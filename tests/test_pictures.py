"""The pictures of the pages are what `make pictures` draws, and fit any page that shows them."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
sys.path.append(str(ROOT / "tests" / "pages"))

from pictures import drawn  # noqa: E402 - a script beside the package
from way_of_a_call import BESIDE, WINGS  # noqa: E402


@pytest.mark.parametrize("name", ["way-of-a-call", "lost-answer", "calls", "policies"])
def test_a_picture_is_drawn_from_its_page(name):
    """Byte by byte: a table that changed needs `make pictures`."""
    assert (PICTURES / f"{name}.svg").read_text(encoding="utf-8") == drawn()[name]()


def test_every_picture_is_kept():
    """Also the day, whose simulation takes too long for a test."""
    assert {f"{name}.svg" for name in drawn()} <= {path.name for path in PICTURES.glob("*.svg")}


@pytest.mark.parametrize("name", ["way-of-a-call", "lost-answer", "calls", "policies", "fleet-day"])
def test_a_picture_has_no_background_and_no_date(name):
    """It is shown on white and on black, and loads nothing."""
    text = (PICTURES / f"{name}.svg").read_text(encoding="utf-8")
    assert "patch_1" not in text or re.search(r'id="patch_1">\s*<path [^>]*style="fill: none', text)
    assert not re.search(r"#000000|<dc:date>|(?:href|src)=.http", text, re.IGNORECASE)


def test_the_drawing_has_every_wing_in_order():
    """As the layers of the import contract stand in pyproject.toml."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    names = [name.strip() for layer in contract for name in layer.split("|")]
    stand = [name.strip("_") for name in names if name.startswith("_")]  # the others are what users import of them
    drawn_wings = [name for wing in WINGS for name in wing.name.split(" · ")]
    beside = [wing.name for wing in BESIDE]
    assert [name for name in stand if name in drawn_wings] == drawn_wings
    folders = {path.parent.name.strip("_") for path in (ROOT / "src" / "tensorone").glob("_*/__init__.py")}
    assert folders - set(drawn_wings) - set(beside) == {"data", "display"}  # on the ground
