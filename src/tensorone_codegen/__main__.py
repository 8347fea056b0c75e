"""`python -m tensorone_codegen`: writes the typed package anew, or tells whether it is up to date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import _generate, _settings
from ._errors import CodegenError


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; answers the exit status."""
    options = _parser().parse_args(arguments)
    try:
        settings = _settings.read(Path.cwd())
        return _COMMANDS[options.command](settings)
    except CodegenError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tensorone_codegen",
        description="Generates a typed package from a GraphQL schema and operations.",
        epilog="Run it beside the pyproject.toml whose [tool.ariadne-codegen] names target_package_name.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("generate", help="write the package anew")
    commands.add_parser(
        "check", help="tell whether the package is what the schema and the operations say; status 1 if not"
    )
    return parser


def _run_generate(settings: _settings.Settings) -> int:
    _generate.generate(settings)
    print(f"wrote {settings.target.relative_to(settings.root)}")  # noqa: T201 - a command line
    return 0


def _run_check(settings: _settings.Settings) -> int:
    differences = _generate.check(settings)
    for line in differences:
        print(line)  # noqa: T201 - a command line
    if differences:
        print("run: python -m tensorone_codegen generate")  # noqa: T201 - a command line
    return 1 if differences else 0


_COMMANDS = {"generate": _run_generate, "check": _run_check}

if __name__ == "__main__":
    sys.exit(main())
