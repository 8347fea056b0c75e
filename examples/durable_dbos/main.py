"""Fleets on DBOS whose processes are killed: `python examples/durable_dbos/main.py`.

It needs `pip install "tensorone[emulator]" "dbos>=3.4,<4"`. One process keeps its state in SQLite; with
`--database postgresql://… --workers 3` there are three, which share a database of PostgreSQL.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy

from tensorone.emulator import Emulator

WORKER = Path(__file__).with_name("worker.py")
# Planted, and looked for in the database afterwards.
KEY, HF_TOKEN = "tpo_demo_0123456789abcdef0123456789abcdef", "hf_demo_0123456789abcdef"


def main(database: str | None, count: int) -> int:
    """Kills workers in the middle of whatever they do, loses clusters, and compares; 0 if all was as claimed."""
    with (
        tempfile.TemporaryDirectory() as name,
        Emulator(api_key=KEY, first_clusters=False, boot="at-once") as emulator,
    ):
        folder = Path(name)
        emulator.world.set_minimum_bid("NVIDIA A40", "0.20")
        workers = Workers(folder, database, count, emulator.url)
        for number in range(3):
            time.sleep(6 + number)
            for each in list(emulator.world.clusters)[:2]:
                emulator.world.terminate(each)
            time.sleep(0.7)
            killed = workers.restart(number % count)
            print(f"killed worker {killed}: {compared(emulator, folder, count)}")
        for claim in folder.glob("claim-*.txt"):
            claim.unlink()
        end = time.monotonic() + 90
        while time.monotonic() < end and not compared(emulator, folder, count).startswith("as claimed"):
            time.sleep(1)
        workers.kill()
        result = compared(emulator, folder, count)
        print(f"at the end: {result}")
        values = stored(database or f"sqlite:///{folder}/dbos.sqlite")
        secret = sum(KEY.encode() in each or HF_TOKEN.encode() in each for each in values)
        fleets = sum(b"night_" in each for each in values)
        print(f"in the database: {len(values)} values, {fleets} of them of a fleet, {secret} with a secret")
        good = result.startswith("as claimed") and fleets > 0 and secret == 0
        if not good:
            print((folder / "log.txt").read_text()[-4000:])
        return 0 if good else 1


class Workers:
    """Processes, each with a fleet of its own."""

    def __init__(self, folder: Path, database: str | None, count: int, url: str) -> None:
        self._folder = folder
        self._rest = [] if database is None else [database]
        self._environment = {**os.environ, "TENSORONE_API_KEY": KEY, "TENSORONE_API_URL": url, "HF_TOKEN": HF_TOKEN}
        self._running = [self._started(number) for number in range(count)]

    def _started(self, number: int) -> subprocess.Popen[bytes]:
        with (self._folder / "log.txt").open("a") as log:
            return subprocess.Popen(  # noqa: S603 - our own
                [sys.executable, str(WORKER), str(self._folder), f"w{number}", *self._rest],
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    def restart(self, number: int) -> str:
        """SIGKILL for one of them, and another process of its name."""
        self._running[number].kill()
        self._running[number].wait()
        self._running[number] = self._started(number)
        return f"w{number}"

    def kill(self) -> None:
        """SIGKILL for all."""
        for each in self._running:
            each.kill()
            each.wait()


def compared(emulator: Emulator, folder: Path, count: int) -> str:
    """What the last workflow of each worker claims against what the account has."""
    claims = list(folder.glob("claim-*.txt"))
    claimed = {each for claim in claims for each in claim.read_text().split()}
    clusters = list(emulator.world.clusters.values())
    running = {each.id for each in clusters if each.running}
    stopped = len(clusters) - len(running)
    words = "as claimed" if claimed == running and not stopped and len(claims) == count else "not yet as claimed"
    return f"{words}: {len(running)} run, {len(claimed)} are claimed, {stopped} are stopped"


def stored(database: str) -> list[bytes]:
    """Every value that is in a database, and what is in it: DBOS pickles, and writes the pickle as base64."""
    engine = sqlalchemy.create_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    inspector, tables = sqlalchemy.inspect(engine), sqlalchemy.MetaData()
    for schema in inspector.get_schema_names():
        if schema not in ("information_schema", "pg_catalog"):
            tables.reflect(engine, schema=schema)
    with engine.connect() as connection:
        rows = [row for table in tables.tables.values() for row in connection.execute(table.select())]
    return [decoded(str(value)) for row in rows for value in row if value is not None]


def decoded(text: str) -> bytes:
    """The text itself where it is no base64."""
    try:
        return text.encode() + base64.b64decode(text, validate=True)
    except binascii.Error:
        return text.encode()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database", metavar="URL", help="of PostgreSQL; SQLite without it")
    options.add_argument("--workers", metavar="N", type=int, default=1, help="more than one needs PostgreSQL")
    given = options.parse_args()
    if given.workers > 1 and given.database is None:
        options.error("several workers need --database postgresql://…: SQLite is for one process")
    sys.exit(main(given.database, given.workers))
