"""The page on Prefect, with a server of its own: killed and begun again, asked to wait, and refused."""

from __future__ import annotations

import signal
import socket
import sys
import urllib.request
from pathlib import Path

import pytest

from tensorone.emulator import Boot, Fault

PROGRAM = [sys.executable, "prefect_training.py", "7"]
RENT = "clusterRentInterruptable"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Where Prefect keeps everything: its database, results and profiles."""
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture(scope="module")
def server(store):
    """A server of Prefect on SQLite, for all of these tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    patch = pytest.MonkeyPatch()
    patch.setenv("PREFECT_HOME", str(store))
    patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    patch.setenv("DO_NOT_TRACK", "1")
    command = [Path(sys.executable).with_name("prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    patch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{port}/api")
    yield from until_ready(f"http://127.0.0.1:{port}/api/health")
    process.send_signal(signal.SIGINT)
    process.wait(60)
    patch.undo()
