"""A terminal of a given size, by tmux: what is typed into it, and what it shows in the end."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
import uuid
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PATIENCE = 45.0  # seconds, on a busy machine


class Screen:
    """A shell in a terminal, whose `tensorone` is this one."""

    def __init__(self, columns: int, rows: int, environ: Mapping[str, str]) -> None:
        self._name = f"tensorone-{uuid.uuid4().hex[:8]}"
        self._size = ("-x", str(columns), "-y", str(rows))
        self._environ = {**os.environ, **environ, "PS1": "$ ", "TERM": "xterm-256color"}

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", self._name, "-f", os.devnull, *arguments]
        return subprocess.run(command, env=self._environ, capture_output=True, text=True, check=True).stdout

    def __enter__(self) -> Self:
        self._tmux("new-session", "-d", *self._size, "sh")
        self.type(f'tensorone() {{ {shlex.quote(sys.executable)} -m tensorone "$@"; }}; clear')
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server")

    def type(self, text: str, *, enter: bool = True) -> None:
        """Types a line, or keys by their names."""
        self._tmux("send-keys", *(("-l", text) if enter else (text,)))
        if enter:
            self._tmux("send-keys", "Enter")

    @property
    def text(self) -> str:
        """What it shows now, lines that it wrapped in one piece."""
        return "\n".join(line.rstrip() for line in self._tmux("capture-pane", "-p", "-J").splitlines())

    def until(self, wanted: str | Callable[[str], bool]) -> str:
        """What it shows once it shows that."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            shown = self.text
            if wanted(shown) if callable(wanted) else wanted in shown:
                return shown
            time.sleep(0.02)
        raise AssertionError(f"{wanted} is not shown:\n{self.text}")
