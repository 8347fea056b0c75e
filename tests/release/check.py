"""What must hold before a release, tried on the built wheel outside of this tree: `make release-check`.

    python tests/release/check.py DIST WORK

Each step prints a line. Environments are made by uv in WORK, for every supported Python that this machine has.
"""

from __future__ import annotations

import email
import re
import subprocess
import sys
import tomllib
import zipfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

sys.path.insert(0, str(Path(__file__).parents[1]))
from pythons import VERSIONS, interpreter

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = [name for name in PROJECT["optional-dependencies"] if name not in {"dev", "docs"}]
# A licence that asks no more than its text to be kept; an expression, a classifier or its own text may name it.
FREE = re.compile(
    r"MIT|Apache|BSD|ISC|PSF|Python Software Foundation|MPL|Mozilla|Zlib|HPND|Unlicense|0BSD|CNRI"
    r"|Redistribution and use in source and binary forms"
)


class Failed(Exception):
    """A step that did not hold."""


class Release:
    """The files to release, and where to try them."""

    def __init__(self, dist: Path, work: Path) -> None:
        (self.wheel,), (self.sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
        self.work = work
        self.uv = str(Path(sys.executable).parent / "uv")
        self.tools = Path(sys.executable).parent

    def metadata(self) -> str:
        """Name, licence, addresses and a description without relative links."""
        with zipfile.ZipFile(self.wheel) as archive:
            (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
            about = email.message_from_bytes(archive.read(name))
        text = str(about.get_payload())
        relative = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"https?://|#", link)]
        if relative:
            raise Failed(f"the description links to {relative[0]!r}, which leads nowhere on the package's page")
        missing = {"Homepage", "Documentation", "Changelog", "Source", "Issues"} - {
            url.partition(",")[0] for url in about.get_all("Project-URL") or ()
        }
        if missing or not about["License-Expression"]:
            raise Failed(f"the metadata lacks {', '.join(sorted(missing)) or 'a licence'}")
        run([self.tools / "twine", "check", "--strict", self.wheel, self.sdist])
        return f"{about['Name']} {about['Version']}, {len(about.get_all('Project-URL') or ())} addresses"

    def environment(self, name: str, python: str, *install: str) -> Path:
        """A new environment with the wheel; returns its interpreter."""
        home = self.work / name
        run([self.uv, "venv", "--quiet", "--clear", "--python", python, home])
        run([self.uv, "pip", "install", "--quiet", "--python", home / "bin/python", *install])
        return home / "bin/python"

    def extra(self, version: str, python: str, extra: str, *options: str) -> str:
        """One extra alone: its own smoke test, which also shows that the wheel works without the others."""
        wanted = f"tensorone[{extra}] @ {self.wheel.as_uri()}" if extra else str(self.wheel)
        name = "-".join([version, extra or "plain", *(each.rpartition("=")[2] for each in options)])
        home = self.environment(name, python, *options, wanted)
        server = self.emulator(version, python)
        return run([home, "-W", "error::DeprecationWarning:tensorone", HERE / "smoke.py", extra, server], cwd=self.work)

    def emulator(self, version: str, python: str) -> Path:
        """The interpreter of an environment with the emulator, which the others are tried against."""
        home = self.work / f"{version}-server/bin/python"
        if not home.exists():
            self.environment(f"{version}-server", python, f"tensorone[emulator] @ {self.wheel.as_uri()}")
        return home

    def types(self, python: str) -> str:
        """A user's file passes both type checkers against the wheel."""
        home = self.environment("types", python, str(self.wheel))
        user = HERE / "user.py"
        run(
            [self.tools / "mypy", "--strict", "--no-incremental", "--config-file=", "--python-executable", home, user],
            cwd=self.work,
        )
        run([self.tools / "pyright", "--pythonpath", home, user], cwd=self.work)
        return "mypy --strict and pyright"

    def everything(self, python: str) -> str:
        """An environment with every extra; its public interface is the one that is written down."""
        home = self.environment("everything", python, f"tensorone[{','.join(EXTRAS)}] @ {self.wheel.as_uri()}")
        api = ROOT / "tests" / "public_api.py"
        if run([home, api], cwd=self.work).splitlines() != api.with_suffix(".txt").read_text().splitlines():
            raise Failed("the public interface of the wheel is not tests/public_api.txt")
        return "all extras together, with the public interface as written down"

    def licences(self) -> str:
        """Every distribution of every extra has a permissive licence; a bill of materials is kept in WORK."""
        home = self.work / "everything/bin/python"
        found = run([home, HERE / "licences.py"]).splitlines()
        odd = [line for line in found if not FREE.search(line.partition("\t")[2])]
        if odd:
            raise Failed(f"look at the licence of {'; '.join(line[:80] for line in odd)}")
        bill = self.work / "sbom.cdx.json"
        run([self.tools / "cyclonedx-py", "environment", "--output-reproducible", "--of", "JSON", "-o", bill, home])
        return f"{len(found)} distributions; {bill.name}"


def run(command: list[object], cwd: Path | None = None) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run([str(each) for each in command], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command[:4]))} …: {(done.stdout + done.stderr).strip()[-2000:]}")
    return done.stdout.strip()


def steps(release: Release) -> Iterator[tuple[str, Callable[[], str]]]:
    """What is tried, by name."""
    found = [(version, python) for version in VERSIONS if (python := interpreter(version))]
    first = found[0]
    yield "metadata", release.metadata
    for extra in ("", *EXTRAS):
        shown = extra or "no extra"
        for version, python in found:
            yield f"{version} {shown}", partial(release.extra, version, python, extra)
        yield f"{first[0]} {shown}, lowest", partial(release.extra, *first, extra, "--resolution=lowest-direct")
    yield "a user's file", partial(release.types, first[1])
    yield "everything", partial(release.everything, first[1])
    yield "licences", release.licences


def main() -> int:
    """Runs every step, also after one that failed."""
    release = Release(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())
    release.work.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name, step in steps(release):
        try:
            print(f"ok      {name}: {step()}", flush=True)
        except Failed as error:
            failed += 1
            print(f"FAILED  {name}: {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
