"""When a container is up after its start: at once, after a time, or after a number of reads."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Boot:
    """Progression of a start; the container is up once every condition holds. `Boot()` is up at once.

    Until it is up, `runtime` is null although the cluster is RUNNING and billed.
    Ports may open later, as with a program that starts slowly.

    Attributes:
        seconds: World seconds from start to `runtime`; `math.inf` is never, as with a disk that is too small.
        reads: Answers about the cluster that still show no `runtime`.
        port_seconds: World seconds from `runtime` to its ports.
        port_reads: Answers about the cluster that show `runtime` without ports.
    """

    seconds: float = 0.0
    reads: int = 0
    port_seconds: float = 0.0
    port_reads: int = 0

    @classmethod
    def parse(cls, text: str) -> Boot:
        """Reads `at-once`, `never`, `20s` (a time) or `3r` (a number of reads).

        Raises:
            ValueError: The text has none of these forms.
        """
        if text in _WORDS:
            return _WORDS[text]
        match = re.fullmatch(r"(?P<seconds>\d+(\.\d+)?)s|(?P<reads>\d+)r", text)
        if match is None:
            raise ValueError(f"a boot is 'at-once', 'never', seconds as in '20s' or reads as in '3r', not {text!r}")
        return cls(seconds=float(match["seconds"] or 0), reads=int(match["reads"] or 0))

    def up(self, age: float, reads: int) -> bool:
        """Whether the container is up, a number of seconds and reads after its start."""
        return age >= self.seconds and reads >= self.reads

    def listening(self, age: float, reads: int) -> bool:
        """Whether its ports are open."""
        return age >= self.seconds + self.port_seconds and reads >= self.reads + self.port_reads


_WORDS = {"at-once": Boot(), "never": Boot(seconds=math.inf)}
