"""`run` and `ended_by_signals`: SIGINT, SIGTERM and SIGHUP as one cancellation, so that clean-up takes place."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import anyio

from . import _checks
from ._concurrency.loop_tools import loop_runs
from ._errors import ConfigurationError, InvalidArgument
from ._events.cleanup import Failure, Signalled
from ._events.emitter import emit_everywhere
from ._session.rented import OPEN, described

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import FrameType, TracebackType
    from typing import Self

__all__ = ["ended_by_signals", "run"]

T = TypeVar("T")

# Windows has SIGINT and SIGBREAK; what ends a process there without asking cannot be caught.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))
CLEAN_UP_SECONDS = 60.0

Backend = Literal["asyncio", "trio"]


def run(
    main: Callable[..., Awaitable[T]],
    *args: object,
    backend: str = "asyncio",
    backend_options: dict[str, Any] | None = None,
    cleanup_timeout: float = CLEAN_UP_SECONDS,
) -> T:
    """Runs an async function as `anyio.run` does, and ends it in good order on SIGINT, SIGTERM and SIGHUP.

    The first signal cancels the function: rents that are under way are undone, leases end their clusters, and the
    process exits with status 128 + the signal's number. A second signal, or the end of `cleanup_timeout`, leaves at
    once, with a line that names what may still be billed.

    Args:
        main: The async function.
        args: What to call it with.
        backend: ``"asyncio"`` or ``"trio"``.
        backend_options: As for `anyio.run`.
        cleanup_timeout: Seconds that clean-up may take after the first signal. The SDK's own takes `settle_time` of
            the client and 15 s at most; Kubernetes kills 30 s after SIGTERM unless told otherwise, docker after 10 s.

    Returns:
        What the function returns, where no signal came.

    Raises:
        SystemExit: A signal came; its code is 128 + the signal's number.
        ConfigurationError: It is not called in the main thread, the only one that gets signals; an event loop runs
            there already; or the backend is not installed.
        InvalidArgument: `main` is no async function, or another argument is of the wrong kind.

    Source: the shell's convention for exit statuses.
    """
    _check_call(main, backend, backend_options)
    ending, begun = ended_by_signals(cleanup_timeout=cleanup_timeout), False

    async def body() -> T | None:
        nonlocal begun
        begun = True
        async with ending:
            return await _awaitable(main(*args))
        return None

    try:
        result = anyio.run(body, backend=backend, backend_options=backend_options)
    except BaseException as error:
        if not begun and isinstance(error, LookupError | ImportError):
            words = f"backend {backend!r} cannot be loaded: install what it needs ({error})"
            raise ConfigurationError(words) from error
        if ending.received is None:
            raise
        emit_everywhere(logging.ERROR, Failure, text=f"an error came up while ending on {ending.received.name}")
    if ending.received is not None:
        raise SystemExit(128 + ending.received)
    return result  # type: ignore[return-value]  # None stands for a cancelled body alone, which raised above


def _check_call(main: object, backend: object, backend_options: object) -> None:
    """Refuses what would fail inside anyio, before anything runs."""
    _checks.operation("main", main, what="an async function")
    _checks.one_of("backend", backend, Backend)
    if backend_options is not None and not isinstance(backend_options, dict):
        raise InvalidArgument("backend_options", f"must be a mapping, not {type(backend_options).__name__}")
    if loop_runs():
        words = "an event loop runs here already: await main() instead, inside async with ended_by_signals()"
        raise ConfigurationError(f"tensorone.run: {words}")


def _awaitable(returned: Awaitable[T]) -> Awaitable[T]:
    if not isawaitable(returned):
        raise InvalidArgument("main", f"must be an async function: it returned {type(returned).__name__}")
    return returned


class ended_by_signals:  # noqa: N801 - used as a function is
    """The same for a program that has a loop of its own: ``async with ended_by_signals() as ending: …``.

    The first SIGINT, SIGTERM or SIGHUP cancels the block, which is then left without an error; `received` tells the
    signal. To be entered in the main thread, and once.

    Args:
        cleanup_timeout: Seconds that clean-up may take after the first signal; then the process leaves at once.

    Attributes:
        received: The signal that ended the block; None while there was none.

    Raises:
        ConfigurationError: It is entered outside the main thread.
        InvalidArgument: `cleanup_timeout` is not a number of seconds above 0.
    """

    def __init__(self, *, cleanup_timeout: float = CLEAN_UP_SECONDS) -> None:
        self.received: signal.Signals | None = None
        self._cleanup_timeout = _checks.seconds("cleanup_timeout", cleanup_timeout)
        self._before: dict[signal.Signals, Any] = {}

    async def __aenter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            raise ConfigurationError("signals reach the main thread alone: call tensorone.run there")
        self._body = anyio.CancelScope()
        self._group: anyio.abc.TaskGroup = anyio.create_task_group()
        await self._group.__aenter__()
        await self._group.start(self._watch)
        self._body.__enter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        swallowed = self._body.__exit__(kind, error, traceback)
        self._group.cancel_scope.cancel()
        try:
            await self._group.__aexit__(None, None, None)  # given the error, it would wrap it in a group
        finally:
            for number, handler in self._before.items():
                signal.signal(number, handler)
        return swallowed

    async def _watch(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(*SIGNALS) as signals:
            task_status.started()
            async for number in signals:
                self.received = signal.Signals(number)
                break
        assert self.received is not None  # noqa: S101 - the receiver ends with a signal alone
        # From here on a signal must work even where the event loop is busy, so that it is a plain handler.
        self._before = {number: signal.signal(number, self._leave) for number in SIGNALS}
        self._cancelling(self.received)
        self._body.cancel()
        await anyio.sleep(self._cleanup_timeout)
        self._leave(self.received, None)

    def _cancelling(self, received: signal.Signals) -> None:
        """Says what follows, before anything else happens."""
        words = f"cancelling and cleaning up, for {self._cleanup_timeout:g} s at most; a second signal leaves at once"
        emit_everywhere(logging.WARNING, Signalled, signal=received.name, text=words)

    def _leaving(self, received: signal.Signals) -> None:
        """Says what may still be billed."""
        words = f"leaving before the clean-up ended. {may_be_billed()}"
        emit_everywhere(logging.WARNING, Signalled, signal=received.name, text=words)

    def _leave(self, number: int, _: FrameType | None) -> None:
        """Leaves at once, with a word on what may still be billed."""
        self._leaving(signal.Signals(number))
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(128 + number)


def may_be_billed() -> str:
    """What the clients of this process know to run, and what may run without their knowledge."""
    rented = [record for rentals in OPEN for record in rentals.records]
    tokens = [token for rentals in OPEN for token in rentals.unsettled]
    words = described(rented) if rented else "No cluster that was rented here is known to run"
    unknown = f". Rented, or not: clusters with the client tokens {', '.join(tokens)}" if tokens else ""
    return f"{words}{unknown}"
