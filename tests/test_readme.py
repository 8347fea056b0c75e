"""The README and the pages under docs: their code runs, and what they name exists."""

import re
from pathlib import Path

import anyio
import pytest

import tensorone
from tensorone import TensorOne

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCES = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_example_runs_as_it_stands(capsys):
    """It begins before line 40, is complete, and ends with a running cluster."""
    begin = README[: README.index("```python")].count("\n")
    assert begin + FENCES[0].count("\n") < 40
    exec(compile(FENCES[0], "README.md", "exec"), {"__name__": "readme"})
    assert "RUNNING" in capsys.readouterr().out


def test_the_test_that_it_shows_passes():
    """The fixture and the test of a user's own code work together."""
    space: dict[str, object] = {"__name__": "readme"}
    exec(compile(FENCES[1], "README.md", "exec"), space)
    (fixture,) = [value for name, value in space.items() if name == "client"]
    (test,) = [value for name, value in space.items() if name.startswith("test_")]

    async def main() -> None:
        generator = fixture.__wrapped__() if hasattr(fixture, "__wrapped__") else fixture._get_wrapped_function()()
        client = await anext(generator)
        await test(client)
        await generator.aclose()

    anyio.run(main)


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Relative links point to files of this repository."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_verb_of_the_makefile_is_explained():
    """The Makefile explains every command that the pages name."""
    verbs = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"`make ([a-z-]+)", page.read_text())) <= verbs
