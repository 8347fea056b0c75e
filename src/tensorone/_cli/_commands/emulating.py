"""`emulator`: a server on this machine to try things against; nothing is rented, nothing is billed."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from tensorone._cli.options import COMMON, Common
from tensorone._cli.running import Reply

MISSING = 'the emulator is an extra: pip install "tensorone[emulator]"'


def emulator(
    *options: Annotated[str, Parameter(allow_leading_hyphen=True, metavar="OPTION")],
    common: Common = COMMON,  # noqa: ARG001 - the program reads it
) -> Reply:
    """Serve an emulator on this machine, or run a command against one.

    Options are those of `python -m tensorone.emulator`. After `--` comes a
    command, which runs with TENSORONE_API_KEY and TENSORONE_API_URL set to a
    fresh emulator, and whose exit status is this one's.

    Example: tensorone emulator --boot at-once -- tensorone ls

    Args:
        options: Such as --port 8080, --seed 7, --speed 60 or --fault close.
    """
    from tensorone._cli._output.failures import failed
    from tensorone._cli._output.terminal import terminal

    try:
        from tensorone.emulator.__main__ import main
    except ModuleNotFoundError:
        raise failed("configuration", MISSING) from None
    rest = terminal().rest
    return Reply(status=main([*options, *(["--", *rest] if rest else [])]))
