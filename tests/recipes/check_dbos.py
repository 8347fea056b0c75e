"""examples/durable_dbos on SQLite and, where PostgreSQL is installed, on a server of its own with three workers."""

from __future__ import annotations

import base64
import importlib.util
import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "examples" / "durable_dbos" / "main.py"


def programs() -> Path | None:
    """Where PostgreSQL's programs are: on the path, or where Debian puts them."""
    found = shutil.which("initdb")
    places = (
        [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    )
    return next((each for each in places if (each / "initdb").exists()), None)


@pytest.fixture
def postgres():
    """A server of PostgreSQL on a socket below /tmp, which refuses to run as root; its address."""
    home = programs()
    if home is None:
        pytest.skip("PostgreSQL is not installed: several workers were not tried")
    user = next(each for each in ("postgres", "nobody") if _exists(each)) if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="pg") as folder:  # sockets have short names
        if user:
            shutil.chown(folder, user)
        run = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL}
        data = f"{folder}/data"
        subprocess.run([home / "initdb", "-D", data, "-U", "dbos", "-A", "trust", "--no-sync"], check=True, **run)
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        subprocess.run(
            [home / "pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start"], check=True, **run
        )
        try:
            yield f"postgresql://dbos@/dbos?host={folder}"
        finally:
            subprocess.run([home / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop"], check=True, **run)


def _exists(user: str) -> bool:
    try:
        return pwd.getpwnam(user) is not None
    except KeyError:
        return False


def demo(*options: str) -> str:
    """What the example says; it fails unless the account is as claimed and no value holds a secret."""
    done = subprocess.run([sys.executable, DEMO, *options], capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_one_process_on_sqlite():
    """Killed three times, it keeps six clusters and stores no secret."""
    said = demo()
    assert "as claimed: 6 run, 6 are claimed, 0 are stopped" in said
    assert ", 0 with a secret" in said


def test_three_workers_on_postgresql(postgres):
    """Killed by turns, they keep eighteen clusters and store no secret."""
    said = demo("--database", postgres, "--workers", "3")
    assert "as claimed: 18 run, 18 are claimed, 0 are stopped" in said
    assert ", 0 with a secret" in said


def test_several_workers_need_a_server():
    """SQLite is for one process."""
    done = subprocess.run([sys.executable, DEMO, "--workers", "2"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "postgresql://" in done.stderr


def test_the_search_finds_what_is_there(tmp_path):
    """A secret in the clear, and one in a pickle that was written as base64."""
    spec = importlib.util.spec_from_file_location("demo", DEMO)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with sqlite3.connect(tmp_path / "a.sqlite") as database:
        database.execute("create table t (a text, b text)")
        pickled = base64.b64encode(b"x" + module.HF_TOKEN.encode()).decode()
        database.execute("insert into t values (?, ?)", (module.KEY, pickled))
    values = module.stored(f"sqlite:///{tmp_path}/a.sqlite")
    assert [sum(secret.encode() in each for each in values) for secret in (module.KEY, module.HF_TOKEN)] == [1, 1]
