"""docs/testing.md: its tests pass, what it shows is what pytest shows, and it names every fixture and keyword."""

from __future__ import annotations

import re
from pathlib import Path

from tensorone.testing import _marks, _plugin

pytest_plugins = ["pytester"]

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```(?:python|toml)\n# (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
(SHOWN,) = re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

FORGETS = """
import pytest
from tensorone import ClusterSpec

@pytest.mark.asyncio
@pytest.mark.tensorone(leftovers="fail")
@pytest.mark.tensorone_fault("bad_gateway")
async def test_forgets_its_cluster(tensorone_client):
    await tensorone_client.clusters.list()
    await tensorone_client.clusters.deploy(ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40"))
"""


def plain(text: str) -> list[str]:
    """The lines of a text, whatever the durations and the width of the terminal."""
    return [re.sub(r"[\d.]+ ms", "ms", line.strip("_- ")) for line in text.splitlines()]


def test_its_files_are_a_project_whose_tests_pass(pytester):
    """All files together, with pytest-asyncio as it comes; a test that forgets its cluster fails as the page shows."""
    for name, text in FILES.items():
        (pytester.path / name).write_text(text, encoding="utf-8")
    (pytester.path / "test_zoo.py").write_text(FORGETS, encoding="utf-8")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    result.assert_outcomes(passed=6, errors=1)
    output = result.stdout.str()
    _, heading, shown = output.partition("_ ERROR at teardown of test_forgets_its_cluster _")
    assert plain(SHOWN) == plain(heading + shown)[: len(plain(SHOWN))]


def test_it_names_everything():
    """Every fixture, every mark with its keywords, and the setting; a fault's keywords are on the emulator's page."""
    fixtures = [name for name in vars(_plugin) if name.startswith("tensorone_")]
    own = [*_marks.MARKS["tensorone"].keywords, *_marks.MARKS["tensorone_market"].keywords]
    words = [*fixtures, *_marks.MARKS, *own, _plugin.ONLY_EMULATED]
    assert len(fixtures) == 4
    assert [word for word in words if not re.search(rf"\b{word}\b", PAGE)] == []
