# ruff: noqa: T201 - a command line prints
"""`python -m tensorone_codegen`: writes the typed package anew, or tells whether it is up to date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from . import _generate, _settings
from ._errors import CodegenError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Above the statuses by which commands answer.
STOPPED = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; answers the exit status."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except CodegenError as error:
        print(error, file=sys.stderr)
        return STOPPED


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(STOPPED, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m tensorone_codegen",
        description="Generates a typed package from a GraphQL schema and operations.",
        epilog="Run it beside the pyproject.toml whose [tool.ariadne-codegen] names target_package_name."
        f" Whatever is wrong is told with file and line; the status is {STOPPED} then, and nothing was changed.",
    )
    commands = parser.add_subparsers(metavar="command", required=True)
    generate = commands.add_parser("generate", help="write the package anew; what was there is gone")
    generate.set_defaults(run=_run_generate)
    check = commands.add_parser(
        "check", help="tell whether the package is what the schema and the operations say: status 1 if not"
    )
    check.set_defaults(run=_run_check)
    return parser


def _run_generate(_: argparse.Namespace) -> int:
    settings = _settings.read(Path.cwd())
    _generate.generate(settings)
    print(f"wrote {settings.target.relative_to(settings.root)}")
    return 0


def _run_check(_: argparse.Namespace) -> int:
    differences = _generate.check(_settings.read(Path.cwd()))
    if differences:
        print(*differences, "run: python -m tensorone_codegen generate", sep="\n")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
