"""Completion for bash, zsh and fish: a script that is written, and the line that loads it, which is only shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tensorone._cli._output.failures import failed
from tensorone._cli.running import Reply

from .options import COMMON, Common

if TYPE_CHECKING:
    from cyclopts import App

Shell = Literal["bash", "zsh", "fish"]


def install(
    shell: Shell | None = None,
    /,
    *,
    common: Common = COMMON,  # noqa: ARG001 - the program reads it
) -> Reply:
    """Write completion for a shell; shows what loads it.

    No file of the shell's own is changed. Ids come from the last `ls`.

    Example: tensorone --install-completion zsh

    Args:
        shell: Which; without it, that of the variable SHELL.
    """
    from .program import program

    chosen = shell or _shell()
    path = _directory() / f"completion.{chosen}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_script(program(), chosen), encoding="utf-8")
    except OSError as error:
        raise failed("configuration", f"{path}: {error.strerror}") from None
    lines = {
        "bash": f"source {path}",
        "zsh": f"autoload -Uz compinit && compinit; source {path}; compdef _tensorone tensorone",
        "fish": f"source {path}",
    }
    return Reply(text=lines[chosen], footer=f"add this line to the start file of {chosen}")


def _script(app: App, shell: Shell) -> str:
    return app.generate_completion(prog_name="tensorone", shell=shell)


def _shell() -> Shell:
    name = Path(os.environ.get("SHELL", "")).name
    known: tuple[Shell, ...] = ("bash", "zsh", "fish")
    for each in known:
        if name == each:
            return each
    raise failed("invalid_argument", "the shell is not known: say bash, zsh or fish")


def _directory() -> Path:
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "tensorone"
