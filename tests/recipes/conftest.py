"""Each page on an engine is read as a person would, in the engine's own environment: `make recipes`."""

from __future__ import annotations

import base64
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from test_pages import Reader, fences

from tensorone.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGES = Path(__file__).parents[2] / "docs" / "howto"
KEY = "tpo_recipe_0123456789abcdef0123456789abcdef"
SECRET = "hf_recipe_secret_0123456789abcdef"  # what a container gets by env_from

# The engines tell nobody that they were started here.
QUIET = {"DO_NOT_TRACK": "1", "RAY_USAGE_STATS_ENABLED": "0", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


class Recipe(Reader):
    """A page on an engine, and the account that its program rents in."""

    key, secret = KEY, SECRET

    def __init__(self, page: str, home: Path, emulator: Emulator) -> None:
        super().__init__(PAGES / page, home)
        self.fences = list(fences(PAGES / page))
        self.emulator, self.world = emulator, emulator.world

    def follow(self) -> None:
        """Does what the page says from top to bottom, and compares what it shows."""
        for fence in self.fences:
            self.read(fence)

    def save(self) -> None:
        """Writes the page's files and runs nothing."""
        for fence in self.fences:
            self.write(fence)

    def start(self, *command: str | Path, log: str = "log.txt") -> subprocess.Popen[bytes]:
        """Starts a program of the environment, which writes into a log."""
        with (self.home / log).open("ab") as file:
            return subprocess.Popen(
                [*map(str, command)],
                cwd=self.home,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        """What the program has written."""
        return (self.home / "log.txt").read_text()

    def wait_for(self, reached: Callable[[], bool], seconds: float = 60) -> None:
        """Waits for other processes; says what they wrote if it never comes."""
        end = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < end, self.log
            time.sleep(0.2)

    @property
    def tokens(self) -> list[str]:
        """Of all clusters that the account has, with those that were ended taken from the bill."""
        return sorted(each.env["TENSORONE_CLIENT_TOKEN"] for each in self.world.clusters.values())

    @property
    def running(self) -> list[str]:
        return [each.id for each in list(self.world.clusters.values()) if each.running]

    def secrets_below(self, folder: Path, *, known: str) -> list[str]:
        """Files of a store that hold the key or the container's secret, where some hold what the engine stores."""
        written = {each.name: each.read_bytes() for each in folder.rglob("*") if each.is_file()}
        secrets = [form for secret in (KEY, SECRET) for form in forms(secret)]
        assert any(known.encode() in text for text in written.values()), f"{known} is in none of {[*written]}"
        return [name for name, text in written.items() for secret in secrets if secret in text]


def forms(secret: str) -> Iterator[bytes]:
    """As it is, in hexadecimal digits, and in base64 wherever it begins: engines store pickles so."""
    text = secret.encode()
    yield text
    yield text.hex().encode()
    for before in range(3):
        encoded = base64.b64encode(b"x" * before + text)
        yield encoded[4 if before else 0 : -4]  # whose ends depend on what is around it


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An account without clusters, whose key and address are in the environment."""
    for name in [each for each in os.environ if each.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    with Emulator(api_key=KEY, first_clusters=False, boot="at-once") as running:
        monkeypatch.setenv("TENSORONE_API_KEY", KEY)
        monkeypatch.setenv("TENSORONE_API_URL", running.url)
        monkeypatch.setenv("HF_TOKEN", SECRET)
        running.world.set_minimum_bid("NVIDIA A40", "0.26")
        yield running


@pytest.fixture
def recipe(request: pytest.FixtureRequest, tmp_path: Path, emulator: Emulator) -> Recipe:
    """The page that the check is named for: check_dask.py is about dask.md."""
    return Recipe(f"{request.path.stem.removeprefix('check_')}.md", tmp_path, emulator)
