"""What events cost: CPU per call with nobody listening, with the log at INFO, and with OpenTelemetry and no SDK.

`make bench` prints its table; alone: python benchmarks/events.py. The kinds of listening take turns in one process,
in blocks of some 30 ms and a new order each turn, and are compared within a turn, since a machine's speed drifts. The
server has a process of its own. A deployment is logged, so it has a control beside it: the same call with the log off,
followed by `logger.info` with a text of the same length through the same handler. What that costs is logging's.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from progress import shown

from tensorone import ClusterSpec, TensorOne

Call = Callable[[], Awaitable[object]]
TURNS, WIDTH = 80, 16
SPEC = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40")
TEXT = "clusters.deploy: rented cluster c0000000000001, 1 x NVIDIA A40 on machine hpvdausak8xb, token 13ebef…"
logger, control = logging.getLogger("tensorone"), logging.getLogger("control")
OFF, INFO, CONTROL = "off", "log at INFO", "logger.info alone"
OTEL, DEBUG = "OpenTelemetry, no SDK", "log at DEBUG"
LEVELS = {OFF: logging.CRITICAL, INFO: logging.INFO, CONTROL: logging.CRITICAL, OTEL: logging.CRITICAL}
LEVELS |= {DEBUG: logging.DEBUG}


@contextmanager
def handled() -> Iterator[None]:
    """Both logs, formatted and written to nowhere."""
    with Path(os.devnull).open("w") as nowhere:
        handler = logging.StreamHandler(nowhere)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        for each in (logger, control):
            each.addHandler(handler)
            each.setLevel(logging.INFO)
        try:
            yield
        finally:
            for each in (logger, control):
                each.removeHandler(handler)
                each.setLevel(logging.NOTSET)


def client(kind: str, url: str, **settings: object) -> TensorOne:
    """A client; OpenTelemetry is looked for when it is made."""
    os.environ["OTEL_SDK_DISABLED"] = "false" if kind == OTEL else "true"
    return TensorOne("bench", url=url, **settings)


async def block(call: Call, rounds: int) -> float:
    """CPU per call, µs, with so many in flight."""

    async def worker() -> None:
        for _ in range(rounds):
            await call()

    began = time.process_time()
    await asyncio.gather(*(worker() for _ in range(WIDTH)))
    return (time.process_time() - began) / (rounds * WIDTH) * 1e6


async def turns(calls: dict[str, Call], rounds: int, tell: Callable[[int], None]) -> dict[str, list[float]]:
    """Each kind of listening, so many times."""
    found: dict[str, list[float]] = {kind: [] for kind in calls}
    for turn in range(TURNS + 5):
        for kind in random.sample(list(calls), len(calls)):
            logger.setLevel(LEVELS[kind])
            cost = await block(calls[kind], rounds)
            if turn >= 5:
                found[kind].append(cost)
        tell(turn + 1)
    return found


def followed(call: Call) -> Call:
    """The control: a call, and one line of a log."""

    async def both() -> object:
        result = await call()
        control.info(TEXT)
        return result

    return both


@dataclass(frozen=True)
class Measured:
    """A call, how often each of those in flight makes it in a block, and the kinds of listening."""

    make: Callable[[TensorOne], Call]
    rounds: int
    kinds: tuple[str, ...]


CALLS = {
    "clusters.get": Measured(lambda made: lambda: made.clusters.get("c0000000000001"), 12, (OFF, INFO, OTEL, DEBUG)),
    "clusters.deploy": Measured(lambda made: lambda: made.clusters.deploy(SPEC), 4, tuple(LEVELS)),
}


async def measured(url: str, what: str, about: Measured, **settings: object) -> dict[str, list[float]]:
    """One call, by each kind of listening."""
    clients = {kind: client(kind, url, **settings) for kind in about.kinds}
    calls = {kind: about.make(each) for kind, each in clients.items()}
    if CONTROL in calls:
        calls[CONTROL] = followed(calls[CONTROL])
    for each in clients.values():
        each.open()
    try:
        with shown(f"events, {what}, turns", TURNS + 5) as tell, handled():
            return await turns(calls, about.rounds, tell)
    finally:
        for each in clients.values():
            await each.aclose()


def rows(what: str, found: dict[str, list[float]]) -> Iterator[str]:
    """A row for each kind of listening, as a ratio to nobody listening."""
    yield f"| {what}: CPU per call with nobody listening, µs | {statistics.median(found[OFF]):.0f} | |"
    for kind, costs in found.items():
        if kind != OFF:
            yield row(f"the same, {kind} / off", costs, found[OFF], "1.03" if kind in (INFO, OTEL) else "")
    if CONTROL in found:
        yield row(f"the same, {INFO} / {CONTROL}", found[INFO], found[CONTROL], "1.03")


def row(label: str, mine: list[float], base: list[float], wanted: str) -> str:
    """The median of what two kinds cost within a turn, its quartiles, and their difference."""
    low, middle, high = statistics.quantiles([one / other for one, other in zip(mine, base, strict=True)], n=4)
    more = statistics.median(one - other for one, other in zip(mine, base, strict=True))
    return f"| {label} | {middle:.3f} ({low:.3f}..{high:.3f}), {more:+.0f} µs | {wanted} |"


def main(url: str) -> None:
    """Prints the table."""
    for name, about in CALLS.items():
        for extra, http in (("tensorone", "httpx"), ("tensorone[fast]", "aiohttp")):
            found = asyncio.run(measured(url, f"{extra}, {name}", about, http=http))
            print("\n".join(rows(f"{extra}, {name}", found)), flush=True)


if __name__ == "__main__":
    from run import server

    with server() as address:
        main(address)
