"""Makes an environment with some requirements for each version of Python that this machine has.

    python tests/pythons.py DIRECTORY REQUIREMENT...

Versions cannot share an environment, since pydantic-core is compiled. Existing environments are kept.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSIONS = ("3.11", "3.12", "3.13")
ROOT = Path(__file__).parent.parent


def candidates(version: str) -> Iterator[str]:
    """Where an interpreter may be, on the path or in pyenv's directory."""
    if found := shutil.which(f"python{version}"):
        yield found
    yield from map(str, sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True))


def interpreter(version: str) -> str | None:
    """An interpreter that starts and has that version; a shim may do neither."""
    asks = "import sys, venv; print('.'.join(map(str, sys.version_info[:2])))"
    for each in candidates(version):
        done = subprocess.run([each, "-c", asks], capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return each
    return None


def make(home: Path, python: str, requirements: list[str]) -> None:
    """An environment with this tree and its requirements."""
    subprocess.run([python, "-m", "venv", "--clear", home], check=True)
    pip = [home / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-c", "constraints.txt", "-e", *requirements], cwd=ROOT, check=True)
    (home / "ready").touch()


if __name__ == "__main__":
    for version in VERSIONS:
        home, python = Path(sys.argv[1]).absolute() / version, interpreter(version)
        if python and not (home / "ready").exists():
            print(f"{version}: installing into {home} …", flush=True)
            make(home, python, sys.argv[2:])
        print(f"{version}: {python or 'not on this machine'}")
