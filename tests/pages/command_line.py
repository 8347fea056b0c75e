"""Writes docs/reference/command-line.md: the help of every command, as the program prints it. `make pages` runs it."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stdout
from pathlib import Path

from tensorone._cli import program

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "command-line.md"
HEAD = """# Commands

What `tensorone COMMAND --help` prints, written by the program itself (`make pages`).
How the commands ask, print and end, with examples: [The command line](../cli.md).
What each error means, with its exit status: [Errors](../errors/index.md).
"""


def page() -> str:
    """The page as Markdown."""
    parts = [HEAD, _help()]
    for name in program._commands():
        if not name.startswith("-"):
            parts += [f"## {name}\n", _help(name)]
    for name, (text, commands) in program._groups().items():
        parts += [f"## {name}\n", f"{text}\n"]
        for verb in commands:
            parts += [f"### {name} {verb}\n", _help(name, verb)]
    return "\n".join(parts)


def _help(*command: str) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        program.main([*command, "--help"])
    lines = "\n".join(line.rstrip() for line in out.getvalue().strip().splitlines())
    return f"```text\n{lines}\n```\n"


def main() -> None:
    """Writes the page."""
    os.environ["COLUMNS"] = "80"
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
