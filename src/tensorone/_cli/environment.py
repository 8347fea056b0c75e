"""Environment variables as the command line has them: `K=V`, `K` from the shell, or a file of such lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tensorone._cli._output.failures import failed

if TYPE_CHECKING:
    from collections.abc import Sequence


def environment(given: Sequence[str], file: str | None) -> dict[str, str]:
    """The variables; those given by themselves come after the file's.

    Raises:
        CommandFailed: A line or an option is not of that form. Values are not repeated.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(_lines(file), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            name, separator, value = line.strip().removeprefix("export ").partition("=")
            if not separator:
                raise failed("invalid_argument", f"{file}, line {number}: not of the form NAME=value")
            found[name.strip()] = value.strip().strip("\"'")
    for entry in given:
        name, separator, value = entry.partition("=")
        if not separator and name not in os.environ:
            raise failed("invalid_argument", f"--env {name}: there is no such variable here; write {name}=value")
        found[name] = value if separator else os.environ[name]
    return found


def _lines(file: str | None) -> list[str]:
    if file is None:
        return []
    try:
        return Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "not text of UTF-8"
        raise failed("invalid_argument", f"--env-file {file}: {words}") from None
