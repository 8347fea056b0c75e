"""Fixtures: the program in this process, against one emulator that starts over for each test."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from schema_checks import KEY, VALUE, validate

from tensorone._cli.program import main
from tensorone.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class Done:
    """What one command line came to."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        (line,) = self.out.splitlines()
        return json.loads(line)


@pytest.fixture(scope="module")
def served() -> Iterator[Emulator]:
    """One emulator for all tests of a file."""
    with Emulator(api_key=KEY, boot="at-once") as running:
        yield running


@pytest.fixture
def emulator(served: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Emulator:
    """The same, started over, and an environment that points to it."""
    served.reset()
    for name in ("TENSORONE_PROFILE", "TENSORONE_CONFIG", "TENSORONE_OUTPUT", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TENSORONE_API_KEY", KEY)
    monkeypatch.setenv("TENSORONE_API_URL", served.url)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    return served


@pytest.fixture
def cli(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Callable[..., Done]:
    """Runs a command line; with --json, what it answers must fit its schema."""

    def run(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        status = main(arguments)
        shown = capsys.readouterr()
        done = Done(status, shown.out, shown.err)
        assert KEY not in shown.out + shown.err
        assert VALUE not in shown.out + shown.err
        if "--json" in arguments:
            name = next((each for each in arguments if not each.startswith("-")), "")
            for line in shown.out.splitlines():
                document = json.loads(line)
                validate("" if "ok" in document and name in {"watch", "keep"} else name, document)
        return done

    return run
