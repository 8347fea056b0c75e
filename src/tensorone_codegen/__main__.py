# ruff: noqa: T201 - a command line prints
"""`python -m tensorone_codegen`: keeps a typed package in step with a schema and the operations of a project."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ariadne_codegen.exceptions import CodeGenException
from graphql import GraphQLError

from tensorone_codegen._package import generate
from tensorone_codegen._project import settings as project_settings
from tensorone_codegen._project import sources
from tensorone_codegen._project.files import display_name, replacing
from tensorone_codegen._review import report
from tensorone_codegen._review import update as schema_update
from tensorone_codegen._server import probe, pull
from tensorone_codegen._server.remote import KEY_VARIABLE, Server

from ._errors import CodegenError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tensorone_codegen._review.review import Review

# Above the statuses by which commands answer.
STOPPED = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except CodegenError as error:
        problem = str(error)
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except (GraphQLError, CodeGenException, TypeError, RuntimeError) as error:
        # What graphql-core and ariadne-codegen report of a schema that no rule of ours or theirs covers.
        # A default that contains itself makes graphql-core repeat one sentence as deep as Python goes.
        words = ". ".join(dict.fromkeys(str(error).split(". ")))
        problem = f"nothing can be generated from this schema: {words}"
    print(problem, file=sys.stderr)
    return STOPPED


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(STOPPED, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m tensorone_codegen",
        description="Keeps a typed package in step with a GraphQL schema and the operations of a project.",
        epilog="Run it beside the pyproject.toml whose [tool.ariadne-codegen] names target_package_name."
        f" Every mistake is reported with file and line; the status is then {STOPPED}, and nothing was changed."
        f" The API key is read from the variable {KEY_VARIABLE}.",
    )
    commands = parser.add_subparsers(metavar="command", required=True)

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    add("generate", _run_generate, "regenerate the package; everything that was in its directory is replaced")
    add("check", _run_check, "compare the package with what would be generated: status 1 if they differ")
    statuses = "status 0 nothing changed, 1 nothing that they notice, 2 dangerous, 3 breaking"
    reviewed = add("review", _run_review, f"report what a new schema means for the operations: {statuses}")
    updated = add(
        "update",
        _run_update,
        f"apply a new schema completely or not at all: review it, replace the old one and regenerate; if an operation"
        f" does not fit, only the review is printed: status {STOPPED}, otherwise {statuses}",
    )
    pulled = add(
        "pull",
        _run_pull,
        "replace the old schema by a new one, sorted, with the notes of the old one; generate nothing",
    )
    probed = add(
        "probe", _run_probe, "ask a server which operations it accepts, executing none: status 3 if it refuses any"
    )
    for command in (reviewed, updated, pulled):
        command.add_argument("source", help="URL to introspect, or file: SDL, or the JSON of an introspection")
    updated.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="DIR",
        help="a project that extends this one's package: its operations must fit too, and its package is generated",
    )
    for command in (reviewed, updated):
        command.add_argument(
            "--whole-schema",
            action="store_true",
            help="let the status be about the whole schema, also what no operation here uses",
        )
    probed.add_argument("url", help="address of the server")
    for command in (reviewed, updated, pulled, probed):
        command.add_argument("--auth", choices=("query", "header"), default="query", help="how the key is sent")
    for command in (reviewed, probed):
        command.add_argument("--format", choices=("text", "json"), default="text", help="for people or for machines")
    return parser


def _run_generate(_: argparse.Namespace) -> int:
    settings = project_settings.read(Path.cwd())
    for warning in generate.generate(settings):
        print(warning, file=sys.stderr)
    _print_written(settings.target)
    return 0


def _run_check(_: argparse.Namespace) -> int:
    differences = generate.check(project_settings.read(Path.cwd()))
    if differences:
        print(*differences, "run: python -m tensorone_codegen generate", sep="\n")
    return 1 if differences else 0


def _run_review(options: argparse.Namespace) -> int:
    review = schema_update.reviewed(project_settings.read(Path.cwd()), pull.pull(_source(options)))
    print(report.as_json(review) if options.format == "json" else report.as_text(review))
    return _status(options, review)


def _run_update(options: argparse.Namespace) -> int:
    settings = project_settings.read(Path.cwd())
    others = [project_settings.read(settings.root / each) for each in options.also]
    update = schema_update.planned(settings, _source(options), others)
    review, *reviews = (found for _, found in update.projects)
    print(report.as_text(review))
    for name, other in zip(options.also, reviews, strict=True):
        if other.refused:
            print(f"In {name}:", report.refused_as_text(other), sep="\n")
    changed, warnings = schema_update.apply(update)
    print(*warnings, sep="\n", end="\n" if warnings else "", file=sys.stderr)
    _print_written(update.file, changed=changed)
    for each, _ in update.projects:
        _print_written(each.target)
    return _status(options, review)


def _status(options: argparse.Namespace, review: Review) -> int:
    return review.whole_status if options.whole_schema else review.status


def _run_pull(options: argparse.Namespace) -> int:
    file, old = pull.replaced(project_settings.read(Path.cwd()))
    with replacing(file, pull.pull(_source(options), old, display_name(file, Path.cwd()))) as changed:
        pass
    _print_written(file, changed=changed)
    return 0


def _print_written(path: Path, *, changed: bool = True) -> None:
    print(f"{'wrote' if changed else 'unchanged:'} {display_name(path, Path.cwd())}")


def _source(options: argparse.Namespace) -> Server | Path:
    if "://" in options.source:
        return Server(options.source, os.environ.get(KEY_VARIABLE, ""), options.auth)
    return Path(options.source)


def _run_probe(options: argparse.Namespace) -> int:
    project = sources.load(project_settings.read(Path.cwd()))
    answers = probe.probe(project, Server(options.url, os.environ.get(KEY_VARIABLE, ""), options.auth))
    print(report.probe_as_json(answers) if options.format == "json" else report.probe_as_text(answers))
    return max((_PROBED[answer.verdict] for answer in answers), default=0)


# As the statuses of a review: refused is breaking, and unknown is dangerous.
_PROBED = {"accepted": 0, "unknown": 2, "refused": 3}

if __name__ == "__main__":
    sys.exit(main())
