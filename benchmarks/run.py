"""All contestants against the same loopback server, interleaved, each measurement in its own process.

`make bench` prints the tables of docs/performance.md. Only CPU time of the client process counts, and its instructions
where `perf` can count them, which vary less; compared figures were measured side by side in one run.
"""

from __future__ import annotations

import compileall
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from progress import shown
from reads import reads

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PLAIN, FAST = "tensorone", "tensorone[fast]"
STOCK, KEPT = "stock ariadne-codegen", "stock, all connections kept"
PEERS = ("bare aiohttp + json", "gql on aiohttp", "gql on httpx", STOCK, KEPT)
ROUNDS, SLOW_ROUNDS, SLOW_COUNT = 5, 3, 300
SLOW = ("gql on httpx", STOCK, KEPT)  # fewer rounds and fewer calls of these, which take most of the time
PERF_EVENT = "instructions:u"
Samples = dict[str, list[dict[str, float]]]


@contextmanager
def server(listed: int = 1000, delay: float = 0.0) -> Iterator[str]:
    """The loopback server, in its own process."""
    command = [sys.executable, HERE / "server.py", str(listed), str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/graphql"
        finally:
            process.kill()


def one(kind: str, name: str, url: str = "", width: int = 1, count: int = 1) -> dict[str, float]:
    """One measurement, in a process of its own; one that writes no bytecode would measure the compiler."""
    command = [sys.executable, HERE / "contestants.py", kind, name, url, str(width), str(count)]
    environment = {**os.environ, "BENCH_BEGUN": str(time.time())}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if kind in PERF_COUNTS:
        return _under_perf(command, environment, whole=kind == "first")
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _under_perf(command: list[str | Path], environment: dict[str, str], *, whole: bool) -> dict[str, float]:
    """The same with instructions counted: of the whole process, or of what the contestant marks."""
    (told, tell), (heard, hear) = os.pipe(), os.pipe()
    counted, counts = os.pipe()
    perf = ["perf", "stat", "-x,", "-e", PERF_EVENT, "--log-fd", str(counts)]
    if not whole:
        perf += ["--delay=-1", f"--control=fd:{told},{hear}"]
        environment = {**environment, "BENCH_PERF": f"{tell},{heard}"}
    descriptors = (told, tell, heard, hear, counts)
    try:
        done = subprocess.run(
            [*perf, "--", *command],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
            pass_fds=descriptors,
        )
        found: dict[str, float] = json.loads(done.stdout)
        return found | {"instructions": float(os.read(counted, 4096).split(b",", 1)[0]) / found["counted"]}
    finally:
        for each in (*descriptors, counted):
            os.close(each)


def _perf_counts() -> bool:
    """Whether instructions can be counted here; in many virtual machines they cannot."""
    try:
        done = subprocess.run(
            ["perf", "stat", "-x,", "-e", PERF_EVENT, "true"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0 and "not " not in done.stderr


def rounds(  # noqa: PLR0913 - a plan of measurements, written in one line each
    kind: str, names: tuple[str, ...], url: str, width: int, count: int, times: int = ROUNDS
) -> Samples:
    """All contestants, so many times, in turns."""
    found: Samples = {name: [] for name in names}
    with shown(f"{kind}, {width} in flight, rounds", times) as tell:
        for turn in range(times):
            for name in names:
                if turn < SLOW_ROUNDS or name not in SLOW:
                    found[name].append(one(kind, name, url, width, SLOW_COUNT if name in SLOW else count))
            tell(turn + 1)
    return found


def ratio(samples: Samples, name: str, other: str, what: str = "cpu") -> str:
    """Median of the ratios within a round, and their spread."""
    pairs = [mine[what] / theirs[what] for mine, theirs in zip(samples[name], samples[other], strict=False)]
    return f"{statistics.median(pairs):.2f} ({min(pairs):.2f}..{max(pairs):.2f})"


def median(samples: Samples, name: str, what: str = "cpu") -> float:
    """The median of one figure."""
    return statistics.median(sample[what] for sample in samples[name])


def per_call() -> None:
    """CPU per operation at three widths."""
    tables: dict[int, Samples] = {}
    with server() as url:
        for width in (16, 100, 1000):
            tables[width] = rounds("calls", (*PEERS, PLAIN, FAST), url, width, 2000)
    print("| CPU per operation, µs | 16 in flight | 100 in flight | 1,000 in flight |")
    print("| --- | ---: | ---: | ---: |")
    for name in (*PEERS, PLAIN, FAST):
        print(f"| {name} | " + " | ".join(f"{median(tables[width], name):.0f}" for width in tables) + " |")
    print()
    print("| ratio | measured | wanted |")
    print("| --- | ---: | ---: |")
    for width, wanted in ((100, 0.12), (1000, 0.05)):
        for name in (STOCK, KEPT):
            print(f"| {PLAIN} / {name}, {width:,} in flight | {ratio(tables[width], PLAIN, name)} | {wanted} |")
    for name in (PLAIN, FAST):
        growth = median(tables[1000], name) / median(tables[16], name)
        print(f"| {name}, 1,000 in flight / 16 | {growth:.2f} | 1.1 |")
    print(f"| {FAST} / gql on aiohttp, 100 in flight | {ratio(tables[100], FAST, 'gql on aiohttp')} | 0.6 |")
    for name, wanted in ((PLAIN, 3.1), (FAST, 1.25)):
        for what in WHAT:
            found = ratio(tables[100], name, PEERS[0], what)
            print(f"| {name} / bare aiohttp, 100 in flight, {LABEL[what]} | {found} | {wanted} |")


def latency() -> None:
    """Wall time where the server takes 30 ms."""
    with server(delay=0.03) as url:
        found = rounds("calls", (PEERS[0], PLAIN, FAST), url, 64, 2000, 3)
    for name in (PLAIN, FAST):
        print(
            f"| {name} / bare aiohttp, wall time at 30 ms, 64 in flight | {ratio(found, name, PEERS[0], 'wall')} | 2 |"
        )


def lists() -> None:
    """10,000 clusters in one listing."""
    with server(listed=10_000) as url:
        found = rounds("list", ("TypeAdapter", PLAIN, FAST), url, 1, 5, 3)
    for name in (PLAIN, FAST):
        print(f"| {name}: list of 10,000 / TypeAdapter, CPU | {ratio(found, name, 'TypeAdapter')} | 1.2 |")
        print(f"| the same, peak memory of the process | {ratio(found, name, 'TypeAdapter', 'peak')} | 1.2 |")


def get_many() -> None:
    """1,000 clusters at once, or one by one."""
    with server() as url:
        found = rounds("many", (PEERS[0], PLAIN, FAST), url, 16, 1000)
    for name in (PLAIN, FAST):
        print(f"| {name}: get_many of 1,000 / bare aiohttp one by one, CPU | {ratio(found, name, PEERS[0])} | 0.4 |")
    print(f"| the same, requests | {median(found, PLAIN, 'requests'):.0f} / 1000 | 1/20 |")


def fan_outs() -> None:
    """Growth with the number of items, and the memory of what waits."""
    found: Samples = {"large": [], "small": []}
    with shown("fan_out, rounds", ROUNDS) as tell:
        for turn in range(ROUNDS):
            for name, count in (("small", 1000), ("large", 16_000)):
                found[name].append(one("fan_out", "fan_out", width=32, count=count))
            tell(turn + 1)
    print(f"| fan_out: cost per item, 16,000 / 1,000 | {ratio(found, 'large', 'small')} | 1.15 |")
    print(f"| fan_out: bytes per item, outcome included | {median(found, 'large', 'bytes'):.0f} | |")
    with server() as url:
        held = one("queued", PLAIN, url, 1, 5000)["bytes"]
    print(f"| a call that waits in the client's queue, its task included, bytes | {held:.0f} | |")


def waiting() -> None:
    """1,000 waiters of one client."""
    with server() as url:
        found = rounds("waiters", (PLAIN, FAST), url, 1, 1000, 2)
        calls = rounds("calls", (PLAIN, FAST), url, 16, 2000, 3)
    print(f"| 1,000 waiters: requests per interval | {median(found, PLAIN, 'requests'):.1f} | 2 |")
    for name in (PLAIN, FAST):
        request = median(calls, name)
        cost, listed = median(found, name) / request, median(found, name, "listed") / request
        print(f"| {name}: CPU per waiter and interval / a request | {cost:.2f}, {listed:.2f} of it the listing | 0.1 |")


def imports() -> None:
    """The cost of an import, with the bytecode there, and of all that comes before a first answer."""
    ours, base = "import tensorone", "import httpx; from pydantic import BaseModel"
    used = "from tensorone import TensorOne"
    found = rounds("import", (ours, used, base), "", 1, 1, 11)
    print(f"| import tensorone / import httpx and a pydantic model | {ratio(found, ours, base)} | |")
    for what in WHAT:
        print(f"| {used} / the same, {LABEL[what]} | {ratio(found, used, base, what)} | 1.3 |")
    with server() as url:
        found = rounds("first", ("base", PLAIN, FAST), url, 1, 1, 11)
        stalls = rounds("stall", (PLAIN, FAST), url, 1, 1, 5)
    for name in (PLAIN, FAST):
        for what in WHAT:
            found_ratio = ratio(found, name, "base", what)
            print(f"| {name}: process start to first answer / httpx and a model, {LABEL[what]} | {found_ratio} | 1.6 |")
    for name in (PLAIN, FAST):
        print(f"| {name}: longest stall of the loop in a first call, ms | {median(stalls, name, 'stall'):.1f} | 10 |")


PERF_COUNTS = ("calls", "import", "first") if _perf_counts() else ()
LABEL = {"cpu": "CPU", "instructions": "instructions"}
WHAT = tuple(LABEL) if PERF_COUNTS else ("cpu",)


def events() -> None:
    """What the three sinks cost."""
    subprocess.run([sys.executable, HERE / "events.py"], check=True)


if __name__ == "__main__":
    for folder in ("src", "generated"):
        compileall.compile_dir(HERE.parent / folder, quiet=1)
    for part in (per_call, latency, lists, get_many, reads, fan_outs, waiting, imports, events):
        part()
        sys.stdout.flush()
