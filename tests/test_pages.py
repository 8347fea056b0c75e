"""Every fence of the pages is executed: Python on a fresh emulator, commands typed and their output compared."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import io
import logging
import os
import re
import shlex
import subprocess
import sys
import tomllib
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tensorone.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "docs" / "site"
# Pages on engines, whose programs `make recipes` runs, each in an environment that has the engine.
RECIPES = ("airflow", "dask", "kopf", "prefect", "ray")
# Pages whose fences have tests of their own, which ask for more.
ELSEWHERE = {
    **{f"{engine}.md": f"tests/recipes/check_{engine}.py" for engine in RECIPES},
    "emulator.md": "tests/emulator/test_docs.py",
    "testing.md": "tests/testing/test_testing_page.py",
    "reliability.md": "tests/test_readme.py",
}
PAGES = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if SITE not in path.parents and path.name not in ELSEWHERE),
]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
FENCE = re.compile(r"^(?: *<!-- here (.+) is (.+) -->\n)?( *)```(\w*)\n(.*?)^\3```$", re.MULTILINE | re.DOTALL)
# What the pages show; the market would move.
PRICES = {"NVIDIA RTX A6000": "0.15", "NVIDIA A40": "0.26"}
# Commands that install or build, that only set a variable of the reader's shell, or that talk to a person.
NOT_TYPED = ("pip", "make", "export", "python -m asyncio", "jupyter", "tensorone emulator -- sh", "tensorone --help")


class Fence(NamedTuple):
    """Some code of a page, and what stands right below it as its output."""

    language: str
    text: str
    shown: str | None


def fences(page: Path) -> Iterator[Fence]:
    """The fences of a page in order; one of `text` right below one of Python is what that prints.

    `<!-- here 1000 is 60 -->` above a fence, which no reader sees, makes a test shorter than the example.
    """
    text = page.read_text(encoding="utf-8")
    found = list(FENCE.finditer(text))
    for each, after in zip_longest(found, found[1:]):
        long, short, indent, language, code = each.groups(default="")
        assert long in code, long
        code = re.sub(f"^{indent}", "", code, flags=re.MULTILINE).replace(long, short or long)
        prints = after is not None and after[4] == "text" and not text[each.end() : after.start()].strip()
        yield Fence(language, code, after[5] if prints else None)


def matches(shown: str, said: str) -> bool:
    """Compares texts; `…` in a page stands for anything within a line, since ids, tokens and times differ."""
    return re.fullmatch(".*".join(map(re.escape, plain(shown).split("…"))), plain(said)) is not None


def plain(text: str) -> str:
    """A text without what nobody sees: spaces at the ends of lines, empty lines around it."""
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


class Reader:
    """Someone who types what a page shows, in a directory of their own."""

    def __init__(self, page: Path, home: Path) -> None:
        self.page = page.read_text(encoding="utf-8")
        self.home = home
        self.names: dict[str, Any] = {"__name__": "__page__"}
        self.loop = asyncio.Runner()

    def read(self, fence: Fence) -> None:
        """Writes, runs or types a fence, as its language and its first line have it."""
        file = self.write(fence)
        if file and re.search(rf"^\$ python {re.escape(file)}\b", self.page, re.MULTILINE):
            return  # which the page does itself
        if "def test_" in fence.text:
            self.pytest()
        elif fence.language == "python":
            self.python(fence)
        elif fence.language == "console" and "[y/N]" in fence.text:
            pass  # tests/cli/test_sessions.py types it in a terminal, where questions are asked
        elif fence.language == "console":
            self.console(fence)

    def write(self, fence: Fence) -> str | None:
        """Writes the file that a fence's first line names, and returns the name; a test without one gets one."""
        name = re.match(r"# ([\w/-]+\.\w+)\n", fence.text)
        if name or "def test_" in fence.text:
            path = self.home / (name[1] if name else "test_page.py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(fence.text, encoding="utf-8")
        return name and name[1]

    def python(self, fence: Fence) -> None:
        """Runs code in the page's namespace."""
        out = io.StringIO()
        code = compile(fence.text, "page", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        with contextlib.redirect_stdout(out):
            if code.co_flags & 0x80:  # a coroutine's
                self.loop.run(eval(code, self.names))
            else:
                exec(code, self.names)
        if fence.shown is not None:
            assert matches(fence.shown, out.getvalue()), out.getvalue()

    def pytest(self) -> None:
        """Runs the tests written so far as a user would, with pytest-asyncio as it comes."""
        command = [sys.executable, "-m", "pytest", "-q", "--rootdir", ".", "-p", "no:cacheprovider"]
        done = subprocess.run(command, cwd=self.home, capture_output=True, text=True, check=False)
        assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE), done.stdout + done.stderr

    def console(self, fence: Fence) -> None:
        """Types the commands, and compares what they say."""
        for part in re.split(r"^\$ ", fence.text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            if "tensorone[" in command:
                assert set(re.search(r"tensorone\[(.*?)\]", command)[1].split(",")) <= EXTRAS.keys()
            if command.startswith(NOT_TYPED):
                continue
            if "emulator --port" in command:
                self.server(command, shown)
                continue
            said = self.shell(command)
            assert matches(shown, said), f"$ {command}\n{said}"

    def shell(self, command: str) -> str:
        """What one command writes to either stream, with this environment's programs."""
        return subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.home,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        ).stdout

    def server(self, command: str, shown: str) -> None:
        """Starts a server on another port, and ends it when it has said what is shown."""
        words = shlex.split(re.sub(r"--port \d+", "--port 0", command))
        with subprocess.Popen(words, env=self.environment(), stdout=subprocess.PIPE, text=True) as process:
            said = "".join(process.stdout.readline() for _ in shown.strip().splitlines())
            process.terminate()
        assert matches(re.sub(r":\d{4}\b", ":…", shown), said), said

    def environment(self) -> dict[str, str]:
        """The variables of a shell in which this environment is activated."""
        return {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "COLUMNS": "80",
            "PYTHONUNBUFFERED": "1",
        }


@pytest.fixture
def logs() -> Iterator[None]:
    """Undoes what a page does to the log."""
    loggers = [logging.getLogger(), logging.getLogger("tensorone")]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows_works(page, tmp_path, monkeypatch, logs):
    """All of its fences in order, in one namespace and one directory, on one emulator."""
    monkeypatch.chdir(tmp_path)
    with Emulator(boot="at-once") as emulator:
        for gpu_type_id, minimum in PRICES.items():
            emulator.world.set_minimum_bid(gpu_type_id, minimum)
        monkeypatch.setenv("TENSORONE_API_KEY", emulator.api_key)
        monkeypatch.setenv("TENSORONE_API_URL", emulator.url)
        reader = Reader(page, tmp_path)
        with reader.loop:
            for fence in fences(page):
                reader.read(fence)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_other_pages_have_tests_of_their_own(name):
    """The tests that are named for them exist, and name them."""
    assert name in (ROOT / ELSEWHERE[name]).read_text()


def test_programs_for_engines_are_typed(tmp_path):
    """Here they are compiled, and checked against the SDK's own types; their engines are not installed."""
    for engine in RECIPES:
        (program,) = (each for each in fences(ROOT / "docs" / "howto" / f"{engine}.md") if each.language == "python")
        compile(program.text, engine, "exec")
        (tmp_path / f"{engine}_program.py").write_text(program.text)
    ty = [Path(sys.executable).with_name("ty"), "check", "--python", sys.prefix, "--ignore", "import-not-found"]
    done = subprocess.run([*ty, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("engine", RECIPES)
def test_a_page_on_an_engine_says_where_it_is_run(engine):
    """And asks for the releases with which it was run there."""
    page = (ROOT / "docs" / "howto" / f"{engine}.md").read_text()
    assert "This page is run by `make recipes`" in page
    asked = re.search(r'pip install tensorone "(.+)"', page)[1]
    assert f'"{asked}"' in (ROOT / "tests" / "recipes" / "run.py").read_text()
