"""Where a command reads and writes: data to standard output, talk to standard error, and whether anyone watches."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import textwrap
from contextvars import ContextVar
from typing import IO, TYPE_CHECKING, Any

from .failures import failed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console, RenderableType

    from tensorone import TensorOne
    from tensorone._cli.options import Common

WHOLE = 10_000  # columns of what is not a terminal: nothing is cut there


class Terminal:
    """The streams of one command, and the options that say how to use them.

    Attributes:
        json: Whether the answer is one object of JSON.
        quiet: Whether only data, questions and failures are shown.
        yes: Whether questions are answered beforehand.
        streams: Whether one object of JSON is written per line, and none in the end.
        rest: What followed ``--`` on the command line.
        client: The client in use, for what is said when the command is interrupted.
        under_way: Says what is under way, likewise.
        moving: The console whose lines move now, if any do.
        talked: Whether anything was said or shown so far.
    """

    def __init__(self) -> None:
        self.json = os.environ.get("TENSORONE_OUTPUT") == "json"
        self.quiet = False
        self.yes = False
        self.verbose = 0
        self.rest: tuple[str, ...] = ()
        self.streams = False
        self.client: TensorOne | None = None
        self.under_way: Callable[[], str | None] = lambda: None
        self.talked = False
        self.moving: Console | None = None

    def apply(self, options: Common) -> None:
        """Takes the options that every command has."""
        self.json = self.json or options.json
        self.quiet, self.yes, self.verbose = options.quiet, options.yes, options.verbose

    @property
    def watched(self) -> bool:
        """Whether a person sees the data."""
        return sys.stdout.isatty() and not self.json

    @property
    def attended(self) -> bool:
        """Whether a person sees the talk."""
        return sys.stderr.isatty() and not self.quiet

    def data(self, text: str) -> None:
        """Writes lines of data."""
        sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")
        sys.stdout.flush()

    def document(self, value: dict[str, Any]) -> None:
        """Writes one object of JSON, on one line."""
        self.data(json.dumps(value, ensure_ascii=False))

    def say(self, text: str) -> None:
        """Says something, unless asked to be quiet."""
        if not self.quiet:
            self.insist(text)

    def insist(self, text: str) -> None:
        """Says something in any case: a failure, or what may be billed."""
        self.talked = True
        if self.moving is not None:  # above the lines that move; a command is not broken, so that it can be copied
            self.moving.print(self._wrapped(text), soft_wrap=True, markup=False, highlight=False)
            return
        sys.stderr.write((self._wrapped(text) if sys.stderr.isatty() else text) + "\n")
        sys.stderr.flush()

    def _wrapped(self, text: str) -> str:
        """Lines cut between words where they are too long for the terminal; commands are left whole, to be copied."""
        lines = text.split("\n")
        return "\n".join(line if "tensorone " in line else self._folded(line) for line in lines)

    def _folded(self, line: str) -> str:
        indent = " " * (len(line) - len(line.lstrip()) + 4)
        return (
            textwrap.fill(
                line,
                self.width,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
                drop_whitespace=True,
                replace_whitespace=False,
            )
            or line
        )

    def drawn(self, what: RenderableType, *, stream: IO[str] | None = None) -> str:
        """A table or the like as text: in colour and cut to the width on a terminal, whole and plain elsewhere."""
        target = sys.stdout if stream is None else stream
        width = self.width if target.isatty() else WHOLE
        text = io.StringIO()
        console_for(target, file=text, width=width).print(what)
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return max(40, shutil.get_terminal_size().columns)

    async def confirm(self, lines: Sequence[str], *, otherwise: str) -> None:
        """Asks before something is spent or deleted; the answer is no unless it is yes.

        Args:
            lines: What is about to happen.
            otherwise: The same in a few words, for whoever cannot be asked.

        Raises:
            CommandFailed: The answer was no, or nobody is there to answer.
        """
        if self.yes:
            return
        if not sys.stdin.isatty():
            raise failed("declined", f"{otherwise}: add --yes; nothing was sent")
        import anyio

        self.insist("\n".join(lines))
        _forget_typed_ahead()
        sys.stderr.write("Go on? [y/N] ")
        sys.stderr.flush()
        await anyio.wait_readable(sys.stdin)  # a read in a thread could not be interrupted
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise failed("declined", "declined; nothing was sent")


def _forget_typed_ahead() -> None:
    """What was typed before the question was there is no answer to it."""
    try:
        import termios
    except ImportError:  # pragma: no cover - Windows
        return
    termios.tcflush(sys.stdin, termios.TCIFLUSH)


TERMINAL: ContextVar[Terminal] = ContextVar("TERMINAL")


def terminal() -> Terminal:
    """The terminal of the command that runs."""
    return TERMINAL.get()


def console_for(stream: IO[str], *, file: IO[str] | None = None, width: int | None = None) -> Console:
    """A console of rich for a stream: colour only on a terminal, and never with NO_COLOR."""
    from rich.console import Console

    attended = stream.isatty()
    return Console(
        file=stream if file is None else file,
        width=width,
        force_terminal=attended,
        no_color=bool(os.environ.get("NO_COLOR")) or None,
        color_system="auto" if attended else None,
        highlight=False,
        soft_wrap=False,
        legacy_windows=False,
    )
