"""`python -m tensorone.emulator`: serves until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import signal
import subprocess
import sys
import sysconfig
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tensorone.emulator._server.access_log import logger as access_logger
from tensorone.emulator._server.fault import KINDS, Fault

from ._emulator import Emulator

_FAULT_HELP = f"a fault such as close:operation=clusterStop,times=2,commit=true; kinds: {', '.join(KINDS)}"

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGINT or SIGTERM; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.allow_remote and not _is_loopback(options.host):
        return _fail(2, f"{options.host} is not a loopback address; pass --allow-remote to serve on it")
    try:
        emulator = _emulator(options)
        faults = [Fault.parse(text) for text in options.fault]
    except ValueError as error:
        parser.error(str(error))
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _, __: done.set())
    try:
        with ExitStack() as stack, emulator:
            emulator.faults.add(*faults)
            if options.command:
                return _against(emulator, options.command)
            if not options.quiet:
                stack.enter_context(_access_log_on_stderr())
            sys.stdout.write(f"listening on {emulator.url}\napi key: {emulator.api_key}\n")
            sys.stdout.flush()
            done.wait()
    except OSError as error:
        return _fail(1, f"cannot listen on {options.host}, port {options.port}: {error.strerror}")
    return 0


def _against(emulator: Emulator, command: Sequence[str]) -> int:
    """Runs a command whose environment points at the emulator; returns its exit status."""
    environ = {**os.environ, "TENSORONE_API_KEY": emulator.api_key, "TENSORONE_API_URL": emulator.url}
    # After all others, so that a shell finds `tensorone` and keeps its own Python.
    environ["PATH"] = os.pathsep.join((os.environ.get("PATH", os.defpath), sysconfig.get_path("scripts")))
    environ.pop("TENSORONE_PROFILE", None)
    try:
        running = subprocess.Popen(command, env=environ)  # noqa: S603 - what the user asked for
    except OSError as error:
        return _fail(127, f"cannot run {command[0]}: {error.strerror}")
    for number in (signal.SIGINT, signal.SIGTERM):  # a terminal sends the first to the command as well
        signal.signal(number, lambda number, _: running.send_signal(number) if number == signal.SIGTERM else None)
    status = running.wait()
    return status if status >= 0 else 128 - status


@contextmanager
def _access_log_on_stderr() -> Generator[None]:
    """Writes a line per request to standard error: standard output is left to the address and the key."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d %(message)s", "%H:%M:%S"))
    access_logger.addHandler(handler)
    access_logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        access_logger.setLevel(logging.NOTSET)
        access_logger.removeHandler(handler)


def _emulator(options: argparse.Namespace) -> Emulator:
    emulator = Emulator(
        host=options.host,
        port=options.port,
        seed=options.seed,
        speed=options.speed,
        boot=options.boot,
        wording=options.wording,
        api_key=options.api_key,
        introspection=options.introspection,
    )
    emulator.rate_limit(options.rate_limit)
    return emulator


def _fail(status: int, message: str) -> int:
    sys.stderr.write(message + "\n")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tensorone.emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--allow-remote", action="store_true", help="listen on an address that other machines can reach"
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same ids, hosts and prices")
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of the world per real second")
    parser.add_argument("--boot", default="2s", help="at-once, never, 20s or 3r (reads) (default: %(default)s)")
    parser.add_argument("--wording", choices=("pod", "cluster"), default="pod", help="what refusals call a cluster")
    parser.add_argument("--api-key", help="the key to accept (default: drawn from the seed)")
    parser.add_argument("--introspection", action="store_true", help="answer introspection queries")
    parser.add_argument("--fault", action="append", default=[], help=_FAULT_HELP, metavar="KIND:…")
    parser.add_argument("--rate-limit", type=float, help="requests a second; more are answered with 429")
    parser.add_argument("--quiet", action="store_true", help="print no line per request")
    parser.add_argument(
        "command", nargs="*", help="after --: run this against the emulator, then end", metavar="COMMAND"
    )
    return parser


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


if __name__ == "__main__":  # pragma: no cover - the tests run it as a program of its own
    sys.exit(main())
