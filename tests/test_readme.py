"""The README and the pages under docs: their code runs, and what they name exists."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tensorone
from tensorone import TensorOne
from tensorone.emulator import Emulator

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md"),
    *sorted(path for path in DOCS.rglob("*.md") if DOCS / "site" not in path.parents),
]
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]
FILES = f"{URLS['Source']}/blob/main/"


def fences(page: Path) -> list[str]:
    """The Python code of a page."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


FENCES = fences(ROOT / "README.md")


def test_the_example_runs_as_it_stands(capsys):
    """It ends before line 40 of fewer than 150, is complete, and ends with a running cluster."""
    assert README.count("\n") < 150
    begin = README[: README.index("```python")].count("\n")
    assert begin + FENCES[0].count("\n") < 40
    exec(compile(FENCES[0], "README.md", "exec"), {"__name__": "readme"})
    assert "RUNNING" in capsys.readouterr().out


def passes(tmp_path, code):
    """Runs a test as a user would: in a directory of its own, with pytest-asyncio as it comes."""
    (tmp_path / "test_mine.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_what_the_page_on_reliability_shows_works(tmp_path, monkeypatch):
    """A notebook's lines, clusters ended all at once, and a client for a whole test session."""
    *lines, session = fences(ROOT / "docs" / "reliability.md")

    async def notebook() -> None:
        async with TensorOne() as client:
            for code in lines:
                await eval(compile(code, "page", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), {"client": client})

    with Emulator() as emulator:
        monkeypatch.setenv("TENSORONE_API_KEY", emulator.api_key)
        monkeypatch.setenv("TENSORONE_API_URL", emulator.url)
        tensorone.run(notebook)
        passes(tmp_path, session)


def test_every_call_in_the_tables_exists():
    """Every method that the README names exists."""
    client = TensorOne("key")
    for path in set(re.findall(r"`client\.([a-z_.]+)[(`]", README)):
        target = client
        for name in path.split("."):
            target = getattr(target, name)


def test_every_public_error_is_in_the_readme():
    """The README draws the whole tree of errors."""
    for name in tensorone._errors.__all__:
        assert name in README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """Links into this repository, relative or by its address, point to files that exist."""
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if target.startswith(URLS["Source"]):
            assert target.startswith(FILES), target
            assert (ROOT / target.removeprefix(FILES)).exists(), target
        elif not target.startswith("https://"):
            assert (page.parent / target).exists(), target


def test_the_package_page_has_no_relative_link():
    """A package index shows the README elsewhere than beside the files that it links to."""
    assert re.findall(r"\]\((?!https://)[^)]*", README) == []


def test_project_urls_lead_somewhere():
    """The files among them exist."""
    assert URLS.keys() == {"Homepage", "Documentation", "Changelog", "Source", "Issues"}
    for url in URLS.values():
        assert url.startswith(URLS["Source"])
        assert not url.startswith(FILES) or (ROOT / url.removeprefix(FILES)).exists(), url


def test_every_verb_of_the_makefile_is_explained():
    """The Makefile explains every command that the pages name."""
    verbs = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in set(PAGES) - {DOCS / "changelog.md"}:  # which may name what is no more
        assert set(re.findall(r"`make ([a-z-]+)", page.read_text())) <= verbs
