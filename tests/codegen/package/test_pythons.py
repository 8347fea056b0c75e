"""Regeneration gives the same bytes on every version of Python.

`make generate-everywhere` makes an environment for each that the machine has, and runs this.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from codegen.conftest import ROOT
from pythons import VERSIONS

PYTHONS = os.environ.get("TENSORONE_PYTHONS", "")
PARTS = ("pyproject.toml", "schema", "queries")


def interpreter(version: str) -> str:
    """That of the environment for a version, or our own."""
    made = Path(PYTHONS, version, "bin/python")
    if PYTHONS and made.exists():
        return str(made)
    if version == ".".join(map(str, sys.version_info[:2])):
        return sys.executable
    pytest.skip(f"needs an environment with Python {version}: make generate-everywhere")


def contents(package: Path) -> dict[str, bytes]:
    """The files of a package."""
    return {each.name: each.read_bytes() for each in package.iterdir() if each.is_file()}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("project", "package"), [(".", "tensorone_graphql"), ("examples/own_operations", "fleet_graphql")]
)
def test_every_python_generates_the_same(version: str, project: str, package: str, tmp_path: Path) -> None:
    """What is committed, byte for byte; also for operations of one's own."""
    python = interpreter(version)
    for part in filter(lambda part: (ROOT / project / part).exists(), PARTS):
        source, copy = ROOT / project / part, tmp_path / part
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    subprocess.run([python, "-m", "tensorone_codegen", "generate"], cwd=tmp_path, check=True, capture_output=True)
    assert contents(tmp_path / "generated" / package) == contents(ROOT / project / "generated" / package)
