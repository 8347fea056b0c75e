"""Processes that are killed, frozen and started again."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Processes:
    """Some processes of one command.

    Args:
        command: What each of them runs.
        environment: All that they have of it.
        count: How many.
    """

    def __init__(self, command: list[str], environment: dict[str, str], count: int) -> None:
        self._command = command
        self._environment = {
            **environment,
            **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE")},
        }
        self._processes = [self._start() for _ in range(count)]

    def __len__(self) -> int:
        return len(self._processes)

    def _start(self) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        return subprocess.Popen(self._command, env=self._environment, stdout=quiet, stderr=quiet)

    def kill(self, which: int) -> None:
        """Ends one of them at once."""
        self._processes[which].kill()
        self._processes[which].wait()

    def start(self, which: int) -> None:
        """Starts it again."""
        self._processes[which] = self._start()

    def freeze(self, which: int) -> None:
        """Stops one of them in the middle of whatever it does."""
        self._processes[which].send_signal(signal.SIGSTOP)

    def thaw(self, which: int) -> None:
        """Lets it go on, as if nothing had happened."""
        self._processes[which].send_signal(signal.SIGCONT)

    def cpu(self) -> float:
        """Seconds of CPU that those took that run now, by the kernel's book-keeping."""
        ticks = 0
        for each in self._processes:
            fields = Path(f"/proc/{each.pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ends all of them at the end."""
        try:
            yield
        finally:
            for each in self._processes:
                each.kill()
                each.wait()
