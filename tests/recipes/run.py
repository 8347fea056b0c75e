"""Reads the pages on engines, each in an environment of its own: `python tests/recipes/run.py [ENGINE…]`.

Environments are made below .recipes when they are missing. The status is the number of engines that failed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE, HOMES = ROOT / "tests" / "recipes", ROOT / ".recipes"
# The smallest first; each engine from the oldest release that was tried, below the next major one.
# psutil finds the processes to kill.
ENGINES = {
    "dask": ["distributed>=2026.8,<2027"],
    "kopf": ["kopf>=1.45,<2", "kmock>=0.8,<0.9"],
    "dbos": ["dbos>=3.4,<4"],
    "ray": ["ray>=2.60,<3", "psutil>=6"],
    "prefect": ["prefect>=3.9,<4"],
    "airflow": ["apache-airflow>=3.3,<4"],
}


def ready(engine: str) -> Path:
    """The engine's environment, with this tree and its pytest plugin; returns its interpreter."""
    home = HOMES / engine
    python, made = home / "bin" / "python", home / "ready"
    wanted = "\n".join(ENGINES[engine])
    if not made.exists() or made.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-e", ".[testing]", *ENGINES[engine]], cwd=ROOT, check=True)
        made.write_text(wanted)
    return python


def checked(engine: str) -> bool:
    """Whether the engine's page holds; prints how long it took."""
    begun = time.monotonic()
    try:
        python = ready(engine)
    except subprocess.CalledProcessError as error:
        print(f"{engine}: its environment could not be made: {error}")
        return False
    made = time.monotonic()
    command = [python, "-m", "pytest", "-q", "-c", HERE / "pytest.ini", HERE / f"check_{engine}.py"]
    good = subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    took = f"{made - begun:.0f} s to make its environment, {time.monotonic() - made:.0f} s to run"
    print(f"{engine}: {'as its page says' if good else 'FAILED'} ({took})\n", flush=True)
    return good


if __name__ == "__main__":
    chosen = sys.argv[1:] or [*ENGINES]
    if unknown := {*chosen} - ENGINES.keys():
        sys.exit(f"no recipe for {', '.join(sorted(unknown))}: there are {', '.join(ENGINES)}")
    sys.exit(sum(not checked(each) for each in chosen))
