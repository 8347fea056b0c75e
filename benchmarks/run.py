"""All contestants against the same loopback server, interleaved, each measurement in its own process.

`make bench` prints the tables of docs/performance.md. Only CPU time of the client process counts; compared figures
were measured side by side in one run.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reads import reads

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PLAIN, FAST = "tensorone", "tensorone[fast]"
STOCK, KEPT = "stock ariadne-codegen", "stock, all connections kept"
PEERS = ("bare aiohttp + json", "gql on aiohttp", "gql on httpx", STOCK, KEPT)
ROUNDS = 5
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
    """One measurement."""
    command = [sys.executable, HERE / "contestants.py", kind, name, url, str(width), str(count)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def rounds(kind: str, names: tuple[str, ...], url: str, width: int, counts: dict[str, int] | int) -> Samples:
    """All contestants, so many times, in turns."""
    found: Samples = {name: [] for name in names}
    for _ in range(ROUNDS):
        for name in names:
            count = counts if isinstance(counts, int) else counts.get(name, 2000)
            found[name].append(one(kind, name, url, width, count))
    return found


def ratio(samples: Samples, name: str, other: str, what: str = "cpu") -> str:
    """Median of the ratios within a round, and their spread."""
    pairs = [mine[what] / theirs[what] for mine, theirs in zip(samples[name], samples[other], strict=True)]
    return f"{statistics.median(pairs):.2f} ({min(pairs):.2f}..{max(pairs):.2f})"


def median(samples: Samples, name: str, what: str = "cpu") -> float:
    """The median of one figure."""
    return statistics.median(sample[what] for sample in samples[name])


def per_call() -> None:
    """CPU per operation at three widths."""
    slow = dict.fromkeys(("gql on httpx", STOCK, KEPT), 0)
    tables: dict[int, Samples] = {}
    with server() as url:
        for width in (16, 100, 1000):
            tables[width] = rounds("calls", (*PEERS, PLAIN, FAST), url, width, dict.fromkeys(slow, 500))
    print("| CPU per operation, µs | 16 in flight | 100 in flight | 1,000 in flight |")
    print("| --- | ---: | ---: | ---: |")
    for name in (*PEERS, PLAIN, FAST):
        print(f"| {name} | " + " | ".join(f"{median(tables[width], name):.0f}" for width in tables) + " |")
    print()
    print("| ratio | measured | wanted |")
    print("| --- | ---: | ---: |")
    for width, wanted in ((100, 0.12), (1000, 0.06)):
        for name in (STOCK, KEPT):
            print(f"| {PLAIN} / {name}, {width:,} in flight | {ratio(tables[width], PLAIN, name)} | {wanted} |")
    for name in (PLAIN, FAST):
        growth = median(tables[1000], name) / median(tables[16], name)
        print(f"| {name}, 1,000 in flight / 16 | {growth:.2f} | 1.2 |")
    print(f"| {FAST} / gql on aiohttp, 100 in flight | {ratio(tables[100], FAST, 'gql on aiohttp')} | 0.6 |")
    print(f"| {FAST} / bare aiohttp, 100 in flight | {ratio(tables[100], FAST, PEERS[0])} | 1.6 |")


def latency() -> None:
    """Wall time where the server takes 30 ms."""
    with server(delay=0.03) as url:
        found = rounds("calls", (PEERS[0], PLAIN, FAST), url, 64, 2000)
    for name in (PLAIN, FAST):
        print(
            f"| {name} / bare aiohttp, wall time at 30 ms, 64 in flight | {ratio(found, name, PEERS[0], 'wall')} | 2 |"
        )


def lists() -> None:
    """10,000 clusters in one listing."""
    with server(listed=10_000) as url:
        found = rounds("list", ("TypeAdapter", PLAIN, FAST), url, 1, 5)
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
    small = [one("fan_out", "fan_out", width=32, count=1000) for _ in range(ROUNDS)]
    large = [one("fan_out", "fan_out", width=32, count=16_000) for _ in range(ROUNDS)]
    found = {"large": large, "small": small}
    print(f"| fan_out: cost per item, 16,000 / 1,000 | {ratio(found, 'large', 'small')} | 1.15 |")
    print(f"| fan_out: bytes per item, outcome included | {median(found, 'large', 'bytes'):.0f} | |")
    with server() as url:
        held = one("queued", PLAIN, url, 1, 5000)["bytes"]
    print(f"| a call that waits in the client's queue, its task included, bytes | {held:.0f} | |")


def waiting() -> None:
    """1,000 waiters of one client."""
    with server() as url:
        found = rounds("waiters", (PLAIN, FAST), url, 1, 1000)
        calls = rounds("calls", (PLAIN, FAST), url, 16, 2000)
    print(f"| 1,000 waiters: requests per interval | {median(found, PLAIN, 'requests'):.1f} | 2 |")
    for name in (PLAIN, FAST):
        request = median(calls, name)
        cost, listed = median(found, name) / request, median(found, name, "listed") / request
        print(f"| {name}: CPU per waiter and interval / a request | {cost:.2f}, {listed:.2f} of it the listing | 0.1 |")


def imports() -> None:
    """The cost of an import."""
    ours, base = "import tensorone", "import httpx; from pydantic import BaseModel"
    used = "from tensorone import TensorOne"
    found: Samples = {ours: [], used: [], base: []}
    for _ in range(15):
        for statement in found:
            found[statement].append(one("import", statement))
    print(f"| import tensorone / import httpx and a pydantic model | {ratio(found, ours, base)} | 1.35 |")
    print(f"| from tensorone import TensorOne, which imports it for real / the same | {ratio(found, used, base)} | |")


if __name__ == "__main__":
    for part in (per_call, latency, lists, get_many, reads, fan_outs, waiting, imports):
        part()
        sys.stdout.flush()
