"""Awaits one command: signals, what is said of what it rented, and errors of the library as failures."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import anyio

from tensorone._cli._output import words
from tensorone._cli._output.documents import rented_document
from tensorone._cli._output.failures import CommandFailed, Failure, failure_of
from tensorone._cli._output.terminal import terminal
from tensorone._errors import TensorOneError
from tensorone._run import ended_by_signals, may_be_billed

from .running import Reply, show

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tensorone import RentedCluster

PATIENCE = 1.0  # seconds after which a message says that something is under way


class interruptible(ended_by_signals):  # noqa: N801 - as its base is
    """Says at once, in the words of a shell, what a signal leaves and what it waits for."""

    said: Sequence[str] = ()

    def _cancelling(self, received: signal.Signals) -> None:
        shown = terminal()
        doing = shown.under_way()
        if doing is not None:
            bound = f"up to {self.patience:.0f} s; a second {_key(received)} leaves at once"
            shown.insist(f"\n{_key(received)}: waiting for {doing}, {bound}")
        self.said = [] if shown.streams else rented_lines()
        for line in self.said:
            shown.insist(line)

    def said_again(self) -> None:
        """What was rented at the last moment, and so was not among what was said at once."""
        lines = [] if terminal().streams else rented_lines()
        if lines != self.said:
            for line in lines or ["nothing that was rented here runs on"]:
                terminal().insist(line)

    def _leaving(self, received: signal.Signals) -> None:
        shown = terminal()
        shown.insist(f"\n{_key(received)}: left before the clean-up ended")
        for line in rented_lines() or [may_be_billed()]:
            shown.insist(line)

    @property
    def patience(self) -> float:
        """Seconds that clean-up may take."""
        return self._cleanup_timeout


def _key(received: signal.Signals) -> str:
    return "Ctrl-C" if received == signal.SIGINT else received.name


def rented_lines() -> list[str]:
    """What this command rented and has not seen ended, what it costs, and the lines that wait for it or end it."""
    client = terminal().client
    left: tuple[RentedCluster, ...] = () if client is None else client.rented
    if not left:
        return []
    ids = [each.cluster_id for each in left]
    one = len(ids) == 1
    price = words.total([each.usd_per_hour for each in left])
    return [
        f"{words.listed(ids, 20)} {'is' if one else 'are'} rented, and billed at {price}",
        f"  wait:  tensorone wait {' '.join(ids)}",
        f"  end:   tensorone terminate {' '.join(ids)}",
    ]


def run(command: Callable[[], Awaitable[Reply]], empty: dict[str, Any]) -> int:
    """Runs a command; returns the exit status.

    Args:
        command: What to await.
        empty: The members of its object of JSON where it achieves nothing.
    """
    ending = interruptible()
    return _concluded(ending, anyio.run(_run, command, ending), empty)


def _concluded(ending: interruptible, done: Reply | Exception | None, empty: dict[str, Any]) -> int:
    reply = _reply(done, empty)
    if ending.received is not None:
        ending.said_again()
        reply = _interrupted(ending.received, empty, reply)
    return show(reply)


def _interrupted(received: signal.Signals, empty: dict[str, Any], reply: Reply) -> Reply:
    client = terminal().client
    left = [] if client is None else [each.cluster_id for each in client.rented]
    failure = Failure(
        code="interrupted",
        message=f"interrupted by {received.name}",
        hint=f"tensorone terminate {' '.join(left)}" if left else None,
        ids=tuple(left),
        billing=f"{words.listed(left)} run on" if left else None,
        signal=received,
    )
    payload = empty | reply.payload
    if left and "clusters" in payload:
        payload["clusters"] = [rented_document(each) for each in (client.rented if client else ())]
    return Reply(payload, failure=failure)


def _reply(done: Reply | Exception | None, empty: dict[str, Any]) -> Reply:
    """What came of a command as a reply; None is a command that a signal ended."""
    if isinstance(done, CommandFailed):
        return Reply(empty | done.payload, failure=done.failure)
    if isinstance(done, TensorOneError):
        return Reply(empty, failure=failure_of(done))
    if isinstance(done, Exception):
        raise done
    return done or Reply(empty)


async def _run(command: Callable[[], Awaitable[Reply]], ending: interruptible) -> Reply | Exception | None:
    """Runs the command, and tells whoever watches after a while that the service has not answered yet."""
    shown = terminal()
    done: Reply | Exception | None = None

    async def note() -> None:
        await anyio.sleep(PATIENCE)
        if not shown.talked and shown.attended:
            shown.insist("waiting for the service …")

    async with ending, anyio.create_task_group() as group:
        group.start_soon(note)
        try:
            done = await command()
        except Exception as error:  # noqa: BLE001 - a group would wrap it
            done = error
        group.cancel_scope.cancel()
    return done  # pragma: no cover - every test runs it; a tracer of Python 3.11 loses a frame that was cancelled
