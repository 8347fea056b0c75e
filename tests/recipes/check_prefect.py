"""docs/howto/prefect.md with a server of its own: killed and begun again, asked to wait, refused."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tensorone.emulator import Boot, Fault

PROGRAM = [sys.executable, "prefect_training.py", "7"]
RENT = "clusterRentInterruptable"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Prefect's server on SQLite, for all of these tests; returns the folder in which it keeps everything."""
    home = tmp_path_factory.mktemp("prefect")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/api"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(home))
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        patch.setenv("PREFECT_API_URL", address)
        prefect = Path(sys.executable).with_name("prefect")
        port = address.rpartition(":")[2].removesuffix("/api")
        server = subprocess.Popen(
            [prefect, "server", "start", "--host", "127.0.0.1", "--port", port], stdout=subprocess.DEVNULL
        )
        wait_until_healthy(address)
        yield home
        server.send_signal(signal.SIGINT)
        server.wait(60)


def wait_until_healthy(address: str) -> None:
    """Waits for the server, two minutes at most."""
    end = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(f"{address}/health").close()
        except urllib.error.URLError:
            assert time.monotonic() < end
            time.sleep(0.2)
        else:
            return


def test_the_page(recipe, store):
    """A job has one cluster, which is ended; nothing that Prefect stores holds a secret."""
    recipe.save()
    assert recipe.start(*PROGRAM).wait(120) == 0, recipe.log
    assert "job 7 was trained" in recipe.log
    assert recipe.world.requests[RENT] == 1
    assert recipe.running == []
    assert recipe.secrets_below(store, known="training") == []


def test_a_killed_flow_begun_again_has_its_cluster(recipe, store):
    """The token follows from the job, so that another run of the flow adopts what the first one rented."""
    recipe.save()
    recipe.world.boot = Boot.parse("12s")
    program = recipe.start(*PROGRAM)
    recipe.wait_for(lambda: recipe.running)
    assert [each.env["HF_TOKEN"] for each in recipe.world.clusters.values()] == [recipe.secret]
    program.kill()
    program.wait()
    assert len(recipe.running) == 1
    assert recipe.start(*PROGRAM).wait(120) == 0, recipe.log
    assert recipe.world.requests[RENT] == 1
    assert recipe.running == []
    assert recipe.secrets_below(store, known="training") == []


def test_prefect_repeats_what_may_be_repeated(recipe, store):
    """What the client does not wait for, Prefect does; the repeated task finds its cluster."""
    recipe.save()
    recipe.emulator.faults.add(Fault("rate_limited", "clusterTerminate", retry_after=3600))
    assert recipe.start(*PROGRAM).wait(120) == 0, recipe.log
    assert "RateLimited" in recipe.log
    assert "Retry 1/3" in recipe.log
    assert recipe.world.requests[RENT] == 1
    assert recipe.running == []


def test_prefect_does_not_repeat_what_stays_refused(recipe, store, monkeypatch):
    """The flow fails at once."""
    recipe.save()
    monkeypatch.setenv("TENSORONE_API_KEY", recipe.emulator.powerless_key)
    assert recipe.start(*PROGRAM).wait(120) == 1, recipe.log
    assert "AuthenticationError" in recipe.log
    assert "Retry 1/3" not in recipe.log
