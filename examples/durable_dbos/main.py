"""A fleet on DBOS and SQLite whose only process is killed: `python examples/durable_dbos/main.py`.

It needs `pip install "tensorone[emulator]" "dbos>=3,<4"`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tensorone.emulator import Emulator

WORKER = Path(__file__).with_name("worker.py")


def main() -> int:
    """Kills the worker in the middle of whatever it does, loses clusters, and compares; 0 if all was as claimed."""
    with tempfile.TemporaryDirectory() as folder, Emulator(first_clusters=False, boot="at-once") as emulator:
        emulator.world.set_minimum_bid("NVIDIA A40", "0.20")
        environment = {**os.environ, "TENSORONE_API_KEY": emulator.api_key, "TENSORONE_API_URL": emulator.url}
        for number in range(4):
            with Path(folder, "log.txt").open("a") as log:
                worker = subprocess.Popen(  # noqa: S603 - our own
                    [sys.executable, str(WORKER), folder], env=environment, stdout=log, stderr=log
                )
            print(f"process {number + 1}: {compared(emulator, Path(folder))}")
            if number < 3:  # noqa: PLR2004 - the last one lives
                time.sleep(6 + number)
                for each in list(emulator.world.clusters)[:2]:
                    emulator.world.terminate(each)
                time.sleep(0.7)
                worker.kill()
                worker.wait()
        Path(folder, "claim.txt").unlink(missing_ok=True)
        end = time.monotonic() + 90
        while time.monotonic() < end and not compared(emulator, Path(folder)).startswith("as claimed"):
            time.sleep(1)
        worker.kill()
        worker.wait()
        result = compared(emulator, Path(folder))
        print(f"at the end: {result}")
        if not result.startswith("as claimed"):
            print(Path(folder, "log.txt").read_text()[-4000:])
        return 0 if result.startswith("as claimed") else 1


def compared(emulator: Emulator, folder: Path) -> str:
    """What the last workflow claims against what the account has."""
    file = folder / "claim.txt"
    claimed = set(file.read_text().split()) if file.exists() else set[str]()
    running = {each.id for each in list(emulator.world.clusters.values()) if each.running}
    stopped = len(emulator.world.clusters) - len(running)
    words = "as claimed" if claimed == running and not stopped and claimed else "not yet as claimed"
    return f"{words}: {len(running)} run, {len(claimed)} are claimed, {stopped} are stopped"


if __name__ == "__main__":
    sys.exit(main())
