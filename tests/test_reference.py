"""The reference has every public name once, and nothing else."""

from __future__ import annotations

import inspect
import re
import sys
import tomllib
from pathlib import Path

import tensorone
import tensorone.emulator
import tensorone.events
import tensorone.fleet
import tensorone.plot
import tensorone.temporal
from tensorone.testing import _plugin

DOCS = Path(__file__).parents[1] / "docs"
sys.path.append(str(DOCS.parent / "tests" / "pages"))

from command_line import page  # noqa: E402 - a script beside the package

# Modules of public names; with `tensorone` they are all that a program imports.
MODULES = (tensorone, tensorone.emulator, tensorone.events, tensorone.fleet, tensorone.plot, tensorone.temporal)


def test_every_public_name_is_in_the_reference_once():
    """And each fixture of the pytest plugin."""
    shown = [
        name
        for page in (DOCS / "reference").glob("*.md")
        for name in re.findall(r"^::: ([\w.]+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    public = {f"tensorone.{name}" for name in tensorone.__all__ if name != "__version__"}
    root = {id(getattr(tensorone, name)) for name in tensorone.__all__}
    for module in MODULES[1:]:  # what the root has too is shown there
        public |= {f"{module.__name__}.{name}" for name in module.__all__ if id(getattr(module, name)) not in root}
    public |= {f"{_plugin.__name__}.{name}" for name in vars(_plugin) if re.match("tensorone_(?!only)", name)}
    assert sorted(shown) == sorted(public)


def test_every_public_module_is_looked_at():
    """A folder or module of the package without an underscore is public; the plugin is known by its fixtures."""
    inside = {path.stem for path in Path(inspect.getfile(tensorone)).parent.glob("[a-z]*") if path.name != "py.typed"}
    assert inside == {module.__name__.rpartition(".")[2] for module in MODULES[1:]} | {"testing"}


def test_the_command_line_is_what_the_program_says(monkeypatch):
    """The page has the help of every command as it is now; `make pages` writes it again."""
    monkeypatch.setenv("COLUMNS", "80")
    assert (DOCS / "reference" / "command-line.md").read_text(encoding="utf-8") == page()


def test_llms_txt_has_every_page_of_the_menu():
    """The sections of llms.txt are patterns; together they find each page once."""
    project = tomllib.loads((DOCS / "zensical.toml").read_text())["project"]
    patterns = [each for section in project["plugins"]["llmstxt"]["sections"].values() for each in section]
    found = [path for pattern in patterns for path in DOCS.glob(pattern)]
    pages = {path for path in DOCS.rglob("*.md") if DOCS / "site" not in path.parents}
    assert sorted(found) == sorted(pages)
