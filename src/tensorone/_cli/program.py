"""The tree of commands, and the way from a command line to an exit status."""

from __future__ import annotations

import inspect
import logging
import os
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from cyclopts import App, CycloptsError, Parameter

from tensorone._cli._output.failures import CommandFailed, Failure, failure_of
from tensorone._cli._output.terminal import TERMINAL, Terminal

from . import completion
from ._commands import (
    account,
    doctor,
    emulating,
    ending,
    gpus,
    keeping,
    listing,
    profiles,
    reaching,
    renting,
    saved,
    touring,
    waiting,
    watching,
)
from .options import Common
from .running import Reply, no_pipe, show

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

HELP = """GPU clusters on Tensor One: prices, rentals, bids, and what they cost.

Spending and deleting ask first. Data goes to standard output, and what is said
about it to standard error. Exit status: 0 done, 1 failed, 2 usage, 3 declined,
4 key, 5 market or limit, 6 some failed, 7 time is over and billed, 8 unknown.

Example: tensorone gpus a6000 a40
"""

EMPTY: dict[str, dict[str, Any]] = {
    "gpus": {"gpu_types": []},
    "account": {"account": None, "clusters": []},
    "doctor": {"checks": []},
    "template": {"template": None},
    "endpoint": {"endpoints": []},
    "profile": {"profiles": []},
    "login": {"profiles": []},
    "ssh": {},
    "emulator": {},
    "demo": {},
    "watch": {},
    "keep": {},
}
"""The members of each command's object of JSON where it achieves nothing; the others have clusters."""

_WITH_REST = {"emulator", "ssh"}
_STREAMS = {"watch", "keep"}
_ORDER = (
    *("gpus", "ls", "show", "ports", "ssh", "deploy", "spot", "resume", "stop", "terminate", "wait", "watch", "keep"),
    *("reap", "account", "template", "endpoint", "profile", "login", "doctor", "emulator", "demo"),
    "--install-completion",
)


def program() -> App:
    """The commands in the order that help shows them."""
    app = App(
        name="tensorone",
        help=HELP,
        version=_version,
        help_format="plaintext",
        help_formatter="plain",
        default_parameter=Parameter(negative=(), show_default=False),
        result_action="return_value",
    )
    for name, command in _commands().items():
        app.command(command, name=name, sort_key=_ORDER.index(name))
    for name, (text, commands) in _groups().items():
        group = App(name=name, help=text, sort_key=_ORDER.index(name))
        for verb, command in commands.items():
            group.command(command, name=verb)
        app.command(group)
    return app


def _commands() -> dict[str, Callable[..., Any]]:
    return {
        "gpus": gpus.gpus,
        "ls": listing.ls,
        "show": listing.show,
        "ports": reaching.ports,
        "ssh": reaching.ssh,
        "deploy": renting.deploy,
        "spot": renting.spot,
        "resume": waiting.resume,
        "stop": ending.stop,
        "terminate": ending.terminate,
        "wait": waiting.wait,
        "watch": watching.watch,
        "keep": keeping.keep,
        "reap": ending.reap,
        "account": account.account,
        "doctor": doctor.doctor,
        "login": profiles.login,
        "emulator": emulating.emulator,
        "demo": touring.demo,
        "--install-completion": completion.install,
    }


def _groups() -> dict[str, tuple[str, dict[str, Callable[..., Any]]]]:
    return {
        "template": (
            "Save or delete templates of clusters.",
            {"save": saved.save_template, "delete": saved.delete_template},
        ),
        "endpoint": (
            "List, save or delete serverless endpoints.",
            {"list": saved.list_endpoints, "save": saved.save_endpoint, "delete": saved.delete_endpoint},
        ),
        "profile": (
            "List, choose, add or remove accounts.",
            {"list": profiles.list_, "use": profiles.use, "add": profiles.add, "remove": profiles.remove},
        ),
    }


def _version() -> str:
    from tensorone import __version__

    return __version__


def main(arguments: Sequence[str]) -> int:
    """Runs one command line; returns the exit status."""
    shown = Terminal()
    token = TERMINAL.set(shown)
    try:
        return _main(list(arguments), shown)
    except BrokenPipeError:
        no_pipe()
        return 1
    finally:
        TERMINAL.reset(token)


def _main(arguments: list[str], shown: Terminal) -> int:
    tokens, rest = split(hoisted(arguments))
    name = tokens[0] if tokens else ""
    shown.rest = tuple(rest)
    shown.json, shown.streams = shown.json or "--json" in tokens, name in _STREAMS
    try:
        command, bound, _ = program().parse_args(tokens, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return show(Reply(dict(_empty(name)), failure=_misused(error, tokens)))
    common = bound.arguments.get("common")
    if isinstance(common, Common):
        shown.apply(common)
    else:
        shown.apply(Common(json=shown.json))
    with _logged(shown):
        return _run(partial(command, *bound.args, **bound.kwargs), name)


def _run(command: Callable[[], Any], name: str) -> int:
    called: Any = getattr(command, "func", command)
    if inspect.iscoroutinefunction(called):
        from .interrupts import run

        return run(command, dict(_empty(name)))
    try:
        reply = command()
    except CommandFailed as failed:
        reply = Reply(_empty(name) | failed.payload, failure=failed.failure)
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "tensorone":
            raise
        reply = Reply(dict(_empty(name)), failure=failure_of(error))
    if not isinstance(reply, Reply):  # help, version and completion, which the parser shows
        return 0
    return show(reply) if reply.status is None else reply.status


def _empty(name: str) -> dict[str, Any]:
    return EMPTY.get(name, {"clusters": []} if name in _ORDER else {})


def _misused(error: CycloptsError, tokens: Sequence[str]) -> Failure:
    known = [each for each in tokens if not each.startswith("-")][:1]
    command = next((each for each in known if each in _ORDER), None)
    hint = f"tensorone {command} --help" if command else "tensorone --help"
    return Failure(code="invalid_argument", message=str(error).strip(), hint=hint)


def split(tokens: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before and after `--`, for the commands that pass the rest on."""
    listed = list(tokens)
    if listed and listed[0] in _WITH_REST and "--" in listed:
        at = listed.index("--")
        return listed[:at], listed[at + 1 :]
    return listed, []


def hoisted(tokens: Sequence[str]) -> list[str]:
    """Options that every command has, given before it, moved behind it: `tensorone --json ls`."""
    front: list[str] = []
    rest = list(tokens)
    while rest and (rest[0] in {"--json", "--yes", "-y", "--quiet", "-q", "-v", "-vv", "--verbose", "--profile"}):
        front.append(rest.pop(0))
        if front[-1] == "--profile" and rest:
            front.append(rest.pop(0))
    if not front or not rest:
        return rest
    return [rest[0], *front, *rest[1:]]


@contextmanager
def _logged(shown: Terminal) -> Generator[None]:
    """What the library logs, on standard error: all of it if asked for, else nothing that the program says itself."""
    logger = logging.getLogger("tensorone")
    if os.environ.get("TENSORONE_LOG"):
        yield
        return
    level = [logging.CRITICAL, logging.INFO, logging.DEBUG][min(shown.verbose, 2)]
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]
