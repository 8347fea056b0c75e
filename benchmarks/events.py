"""What events cost: CPU per call with nobody listening, with the log at INFO, and with OpenTelemetry and no SDK.

`make bench` prints its table; alone: python benchmarks/events.py. The kinds of listening take turns in one process,
in small blocks, and are compared within a turn, since a machine's speed drifts. The server has a process of its own.
"""

from __future__ import annotations

import asyncio
import logging
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from progress import shown

from tensorone import ClusterSpec, TensorOne

Call = Callable[[], Awaitable[object]]
TURNS, BLOCK, WIDTH = 15, 400, 16
SPEC = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40")
logger = logging.getLogger("tensorone")


@contextmanager
def logged(level: int) -> Iterator[None]:
    """The log at a level, formatted and written to nowhere."""
    with Path(os.devnull).open("w") as nowhere:
        handler = logging.StreamHandler(nowhere)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(level)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)


KINDS = {"off": logging.CRITICAL, "log at INFO": logging.INFO, "OpenTelemetry, no SDK": logging.CRITICAL}
MORE = {"log at DEBUG": logging.DEBUG}


def client(kind: str, url: str, **settings: object) -> TensorOne:
    """A client; OpenTelemetry is looked for when it is made."""
    os.environ["OTEL_SDK_DISABLED"] = "false" if kind.startswith("Open") else "true"
    return TensorOne("bench", url=url, **settings)


async def block(call: Call) -> float:
    """CPU per call, µs, with so many in flight."""

    async def worker() -> None:
        for _ in range(BLOCK // WIDTH):
            await call()

    began = time.process_time()
    await asyncio.gather(*(worker() for _ in range(WIDTH)))
    return (time.process_time() - began) / BLOCK * 1e6


async def turns(calls: dict[str, Call], tell: Callable[[int], None]) -> dict[str, list[float]]:
    """Each kind of listening, so many times, in turns that begin with another one each."""
    found: dict[str, list[float]] = {kind: [] for kind in calls}
    kinds = list(calls)
    for turn in range(TURNS + 2):
        shift = turn % len(kinds)
        for kind in kinds[shift:] + kinds[:shift]:
            with logged((KINDS | MORE)[kind]):
                cost = await block(calls[kind])
            if turn >= 2:
                found[kind].append(cost)
        tell(turn + 1)
    return found


async def measured(
    url: str, what: str, make: Callable[[TensorOne], Call], **settings: object
) -> dict[str, list[float]]:
    """One call, by each kind of listening."""
    clients = {kind: client(kind, url, **settings) for kind in KINDS | MORE}
    for each in clients.values():
        each.open()
    try:
        with shown(f"events, {what}, turns", TURNS + 2) as tell:
            return await turns({kind: make(each) for kind, each in clients.items()}, tell)
    finally:
        for each in clients.values():
            await each.aclose()


def rows(what: str, found: dict[str, list[float]]) -> Iterator[str]:
    """A row for each kind of listening, as a ratio to nobody listening."""
    off = statistics.median(found["off"])
    yield f"| {what}: CPU per call with nobody listening, µs | {off:.0f} | |"
    for kind in (*KINDS, *MORE):
        if kind != "off":
            pairs = [mine / base for mine, base in zip(found[kind], found["off"], strict=True)]
            low, _, high = statistics.quantiles(pairs, n=4)
            wanted = "" if kind in MORE else "1.03"
            yield f"| the same, {kind} / off | {statistics.median(pairs):.3f} ({low:.3f}..{high:.3f}) | {wanted} |"


def main(url: str) -> None:
    """Prints the table."""
    calls: dict[str, Callable[[TensorOne], Call]] = {
        "clusters.get": lambda made: lambda: made.clusters.get("c0000000000001"),
        "clusters.deploy": lambda made: lambda: made.clusters.deploy(SPEC),  # each is logged, at INFO
    }
    for name, call in calls.items():
        for extra, http in (("tensorone", "httpx"), ("tensorone[fast]", "aiohttp")):
            found = asyncio.run(measured(url, f"{extra}, {name}", call, http=http))
            print("\n".join(rows(f"{extra}, {name}", found)), flush=True)


if __name__ == "__main__":
    from run import server

    with server() as address:
        main(address)
