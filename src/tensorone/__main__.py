"""`tensorone` and `python -m tensorone`: the command line, or how to install it."""

from __future__ import annotations

import sys

EXTRA = {"cyclopts", "rich"}


def main() -> int:
    """Runs the program with the arguments of the process; returns the exit status."""
    try:
        from tensorone._cli.program import main as program  # noqa: PLC0415 - the extra may be missing
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise
        sys.stderr.write('the command line is an extra: pip install "tensorone[cli]"\n')
        return 2
    return program(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
