"""The ids of the last listing, for completion: a file of ids and nothing else."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 500
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def location() -> Path:
    """The file, in the user's cache directory."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tensorone" / "clusters"


def remember(ids: Sequence[str]) -> None:
    """Writes the ids; a file that cannot be written is no failure of the command."""
    path, text = location(), "".join(f"{each}\n" for each in ids[:MOST] if _ID.fullmatch(each))
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(text)
        temporary.replace(path)


def remembered() -> list[str]:
    """The ids of the last listing."""
    try:
        return [each for each in location().read_text().splitlines() if _ID.fullmatch(each)]
    except (OSError, UnicodeDecodeError):
        return []
