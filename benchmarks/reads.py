"""Reads of many clusters at the same time, gathered or in a fan-out of 64, against bare aiohttp with one request each.

`run.py` prints the table; as a program this measures one contestant: python reads.py KIND NAME URL COUNT
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

COUNT, WIDTH = 1000, 64
BARE, PLAIN, FAST = "bare aiohttp + json", "tensorone", "tensorone[fast]"
WANTED = {
    ("gathered", PLAIN): 0.4,
    ("gathered", FAST): 0.4,
    ("fan_out of 64", PLAIN): 0.7,
    ("fan_out of 64", FAST): 0.45,
}


async def bare(kind: str, url: str, ids: list[str]) -> float:
    """The same reads by aiohttp and `json.loads`."""
    import aiohttp
    from contestants import DOCUMENT

    connector = aiohttp.TCPConnector(limit=WIDTH)
    async with aiohttp.ClientSession(connector=connector, headers={"content-type": "application/json"}) as session:

        async def get(cluster_id: str) -> object:
            body = json.dumps({"query": DOCUMENT, "variables": {"clusterId": cluster_id}}).encode()
            async with session.post(url, data=body) as response:
                return json.loads(await response.read())

        async def worker() -> None:
            for each in waiting:
                await get(each)

        await asyncio.gather(*map(get, ids[:WIDTH]))
        waiting, begun = iter(ids), time.process_time()
        await asyncio.gather(*(map(get, ids) if kind == "gathered" else [worker() for _ in range(WIDTH)]))
        return time.process_time() - begun


async def sdk(kind: str, url: str, ids: list[str], http: str) -> float:
    """The same reads by this SDK."""
    from tensorone import TensorOne, fan_out

    async with TensorOne("bench", url=url, http=http) as client:
        await asyncio.gather(*map(client.clusters.get, ids[:WIDTH]))
        begun = time.process_time()
        if kind == "gathered":
            await asyncio.gather(*map(client.clusters.get, ids))
        else:
            await fan_out(client.clusters.get, ids, limit=WIDTH)
        return time.process_time() - begun


async def measured(kind: str, name: str, url: str, count: int) -> dict[str, float]:
    """CPU and requests per read."""
    from contestants import counted

    ids = [f"c{number:013}" for number in range(count)]
    await counted(url)
    if name == BARE:
        cpu = await bare(kind, url, ids)
    else:
        cpu = await sdk(kind, url, ids, "aiohttp" if name == FAST else "httpx")
    return {"cpu": cpu / count * 1e6, "requests": await counted(url) / (count + WIDTH)}


def one(kind: str, name: str, url: str) -> dict[str, float]:
    """One measurement, in a process of its own."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, Path(__file__), kind, name, url, str(COUNT)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def reads() -> None:
    """The table."""
    import run
    from progress import shown

    for delay in (0.0, 0.03):
        with run.server(delay=delay) as url:
            for kind in ("gathered", "fan_out of 64"):
                found: dict[str, list[dict[str, float]]] = {name: [] for name in (BARE, PLAIN, FAST)}
                where = f"{COUNT:,} reads, {kind}" + (", server takes 30 ms" if delay else "")
                with shown(f"{where}, rounds", run.ROUNDS) as tell:
                    for turn in range(run.ROUNDS):
                        for name, samples in found.items():
                            samples.append(one(kind, name, url))
                        tell(turn + 1)
                for name in (PLAIN, FAST):
                    cost = run.ratio(found, name, BARE)
                    print(f"| {name}: {where} / bare aiohttp, CPU | {cost} | {WANTED[kind, name]} |")
                    print(f"| the same, reads in a request | {1 / run.median(found, name, 'requests'):.0f} | |")


if __name__ == "__main__":
    kind, name, url, count = sys.argv[1:5]
    print(json.dumps(asyncio.run(measured(kind, name, url, int(count)))))
