"""What a person sees of a step that takes long, and where: of the generator, and of the benches."""

import io
import sys
from contextlib import redirect_stderr
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from graphql import build_schema

from tensorone_codegen._package.progress import LARGE, told

BENCHES = Path(__file__).parents[2] / "benchmarks" / "progress.py"
SMALL = build_schema("type Query { a: Int }")
BIG = build_schema("type Query { a: Int } " + " ".join(f"type T{number} {{ a: Int }}" for number in range(LARGE)))


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown():
    """The helper of the benches, which are scripts."""
    spec = spec_from_file_location("progress", BENCHES)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(module := module_from_spec(spec))
    return module.shown


@pytest.fixture(params=["pipe", "terminal", "terminal without rich"])
def stderr(request, monkeypatch):
    """The kinds of stderr."""
    stream = io.StringIO() if request.param == "pipe" else Terminal()
    monkeypatch.setenv("TERM", "xterm")
    if request.param == "terminal without rich":
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        monkeypatch.setattr("tensorone_codegen._package.progress.find_spec", lambda _: None)
    return request.param, stream


def test_a_large_schema_tells_its_steps_and_a_small_one_nothing(stderr, capsys):
    """On a terminal the step is gone when it is over; elsewhere, and without rich, it is one plain line."""
    kind, stream = stderr
    with redirect_stderr(stream), told("generating", SMALL):
        assert not stream.getvalue()
    with redirect_stderr(stream), told("generating", BIG):
        sys.stdout.write("a line of the result\n")
    written = stream.getvalue()
    assert "generating" in written
    assert (written == "generating …\n") is (kind != "terminal")
    assert capsys.readouterr().out == "a line of the result\n"


def test_benches_show_a_bar_on_a_terminal_and_ten_lines_elsewhere(stderr, shown, capsys):
    """Nothing of it goes to stdout, where the table is."""
    kind, stream = stderr
    with redirect_stderr(stream), shown("rounds", 1000) as tell:
        for done in range(1001):
            tell(done)
        sys.stdout.write("a row of the table\n")
    written = stream.getvalue()
    if kind == "terminal":
        assert "1000/1000" in written
    else:
        assert written.splitlines() == [f"rounds: {part}00 of 1000" for part in range(1, 10)] + ["rounds: 1000 of 1000"]
    assert capsys.readouterr().out == "a row of the table\n"
