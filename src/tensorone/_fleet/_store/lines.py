"""How a file holds a state and what changed since: the first line whole, each further one with a checksum. Pure."""

from __future__ import annotations

import re
import zlib

BEGIN = b"\n+"  # of a change: no line of a JSON document begins so

_LINE = re.compile(rb"([0-9a-f]{8}) (.+)\n*")


def line_of(change: str) -> bytes:
    """What is appended for a change."""
    content = change.encode()
    return b"%s%08x %s" % (BEGIN, zlib.crc32(content), content)


def read(content: bytes) -> tuple[str, int]:
    """The text that a file holds, each change on a line of its own, and how many of its bytes count.

    A last line that is not complete does not: the process that wrote it was killed meanwhile.

    Raises:
        ValueError: Another line is damaged.
    """
    whole, *lines = content.split(BEGIN)
    changes = [_change(line) for line in lines]
    if changes and changes[-1] is None:
        lines.pop()
        changes.pop()
    if None in changes:
        raise ValueError(f"line {changes.index(None) + 2} is damaged, and others follow it")
    return b"\n".join([whole, *filter(None, changes)]).decode(), len(BEGIN.join([whole, *lines]))


def _change(line: bytes) -> bytes | None:
    """The change that a line holds; None where it is not as it was written."""
    found = _LINE.fullmatch(line)
    return found[2] if found and int(found[1], 16) == zlib.crc32(found[2]) else None
