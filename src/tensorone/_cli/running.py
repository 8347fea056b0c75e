"""What one command answers, how that is shown, and its exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import field
from typing import Any

from tensorone._cli._output.failures import Failure
from tensorone._cli._output.terminal import terminal
from tensorone._data.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command answers.

    Attributes:
        payload: The members of its object of JSON.
        text: The same for a person: lines of data. None where it was shown already.
        footer: What is said besides.
        failure: What went wrong, if only a part did.
        status: The exit status, where it is another program's.
        then: A program to run in the end, whose exit status is ours.
    """

    payload: dict[str, Any] = field(default_factory=dict[str, Any])
    text: str | None = None
    footer: str | None = None
    failure: Failure | None = None
    status: int | None = None
    then: tuple[str, ...] = ()


def show(reply: Reply) -> int:
    """Shows an answer; returns the exit status."""
    shown, failure = terminal(), reply.failure
    if reply.then:
        return _run(reply.then)
    if shown.json and shown.streams and (failure is None or failure.code == "interrupted"):
        pass  # what there was to say was said line by line
    elif shown.json:
        from tensorone._cli._output.documents import failed_document

        said = None if failure is None else failed_document(failure)
        shown.document({"version": 1, "ok": failure is None, **reply.payload, "error": said})
    elif reply.text:
        shown.data(reply.text)
    if reply.footer and not shown.json:
        shown.say(reply.footer)
    if failure is not None and failure.code != "interrupted":
        _complain(failure)
    return reply.status or (0 if failure is None else failure.status)


def _run(program: tuple[str, ...]) -> int:
    """Runs another program in our place; signals of the terminal are its business."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        status = subprocess.call(program)  # noqa: S603 - the system's own ssh, with arguments and no shell
    except OSError as error:
        return show(Reply(failure=Failure(code="configuration", message=f"{program[0]}: {error.strerror}")))
    finally:
        signal.signal(signal.SIGINT, before)
    return status if status >= 0 else 128 - status


def _complain(failure: Failure) -> None:
    shown = terminal()
    if shown.json:
        return
    shown.insist(f"tensorone: {failure.message}")
    if failure.billing and failure.billing not in failure.message:
        shown.insist(f"  billed: {failure.billing}")
    if failure.hint:
        shown.insist(f"  try:    {failure.hint}")


def no_pipe() -> None:
    """Whoever read our output has left: nothing more is written, and Python says nothing of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
