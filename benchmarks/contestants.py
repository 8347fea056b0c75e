"""One contestant in its own process: prints the cost of one measurement as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCUMENT = """query GetCluster($clusterId: String!) { cluster(input: {clusterId: $clusterId}) {
 id desiredStatus imageName env machineId machine { clusterHostId } name
 runtime { uptimeInSeconds ports { ip isIpPublic privatePort publicPort type }
 gpus { id gpuUtilPercent memoryUtilPercent } container { cpuPercent memoryPercent } } } }"""
ID = {"clusterId": "c0000000000001"}
Call = Callable[[], Awaitable[object]]


@contextmanager
def counting() -> Iterator[dict[str, float]]:
    """CPU and wall time of a block in µs; `perf`, if it runs this process, counts the block's instructions alone."""
    took: dict[str, float] = {}
    _perf("enable")
    cpu, wall = time.process_time(), time.perf_counter()
    yield took
    took |= {"cpu": (time.process_time() - cpu) * 1e6, "wall": (time.perf_counter() - wall) * 1e6}
    _perf("disable")


def _perf(command: str) -> None:
    if control := os.environ.get("BENCH_PERF"):
        orders, done = map(int, control.split(","))
        os.write(orders, f"{command}\n".encode())
        os.read(done, 16)


@asynccontextmanager
async def bare_aiohttp(url: str, width: int) -> AsyncIterator[Call]:
    """The cost of the sockets: aiohttp, a body prepared once, `json.loads`."""
    import aiohttp

    body = json.dumps({"query": DOCUMENT, "variables": ID}).encode()
    headers = {"content-type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=min(width, 64)), headers=headers) as session:

        async def call() -> object:
            async with session.post(url, data=body) as response:
                return json.loads(await response.read())

        yield call


@asynccontextmanager
async def gql_on(transport: object) -> AsyncIterator[Call]:
    """gql, with its document parsed once."""
    from gql import Client, GraphQLRequest

    request = GraphQLRequest(DOCUMENT, variable_values=ID)
    async with Client(transport=transport, fetch_schema_from_transport=False, execute_timeout=None) as session:

        async def call() -> object:
            return await session.execute(request)

        yield call


def gql_aiohttp(url: str, _width: int) -> object:
    """Gql on aiohttp."""
    from gql.transport.aiohttp import AIOHTTPTransport

    return gql_on(AIOHTTPTransport(url=url))


def gql_httpx(url: str, _width: int) -> object:
    """Gql on httpx."""
    import httpx
    from gql.transport.httpx import HTTPXAsyncTransport

    return gql_on(HTTPXAsyncTransport(url=url, timeout=None, limits=httpx.Limits(max_connections=100)))


def stock(kept: int) -> Callable[[str, int], object]:
    """The client that ariadne-codegen generates from the same schema and operations; keeps so many connections."""

    @asynccontextmanager
    async def made(url: str, _width: int) -> AsyncIterator[Call]:
        import httpx

        sys.path.insert(0, str(ROOT / "benchmarks" / ".peers"))
        from stock_client import Client

        limits = httpx.Limits(max_connections=100, max_keepalive_connections=kept)
        async with Client(url=url, http_client=httpx.AsyncClient(timeout=None, limits=limits)) as client:
            yield lambda: client.get_cluster(ID["clusterId"])

    return made


@asynccontextmanager
async def sdk(url: str, _width: int) -> AsyncIterator[Call]:
    """This SDK, as it is installed by default."""
    async with client_of(url) as client:
        yield lambda: client.clusters.get(ID["clusterId"])


@asynccontextmanager
async def sdk_fast(url: str, _width: int) -> AsyncIterator[Call]:
    """This SDK with the extra `fast`."""
    async with client_of(url, fast=True) as client:
        yield lambda: client.clusters.get(ID["clusterId"])


def client_of(url: str, *, fast: bool = False, **settings: object) -> object:
    """A client, on httpx's own transport unless `fast`; each call is a request of its own."""
    from tensorone import TensorOne

    return TensorOne("bench", url=url, http="aiohttp" if fast else "httpx", merge_reads=False, **settings)


CONTESTANTS = {
    "bare aiohttp + json": bare_aiohttp,
    "gql on aiohttp": gql_aiohttp,
    "gql on httpx": gql_httpx,
    "stock ariadne-codegen": stock(20),  # httpx's defaults
    "stock, all connections kept": stock(100),
    "tensorone": sdk,
    "tensorone[fast]": sdk_fast,
}


async def calls(name: str, url: str, width: int, count: int) -> dict[str, float]:
    """CPU and wall time per operation, with so many in flight."""
    async with CONTESTANTS[name](url, width) as call:
        await asyncio.gather(*(call() for _ in range(min(width, 64))))
        done = 0

        async def worker() -> None:
            nonlocal done
            while True:
                await call()
                done += 1

        tasks = [asyncio.ensure_future(worker()) for _ in range(width)]
        # Only the time with so many in flight is measured, not the start: all connections stand by then.
        while done < 200 + min(width, 100):
            await asyncio.sleep(0.001)
        begun = done
        with counting() as took:
            while done < begun + count:
                await asyncio.sleep(0.001)
            counted = done - begun
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return {"cpu": took["cpu"] / counted, "wall": took["wall"] / counted, "counted": counted}


async def listing(name: str, url: str, _width: int, count: int) -> dict[str, float]:
    """CPU per listing and peak memory, compared with a TypeAdapter on the bytes alone."""
    from pydantic import TypeAdapter
    from tensorone_graphql.list_clusters import ListClusters

    from tensorone._graphql.decoding import Envelope

    if name == "TypeAdapter":
        body = await fetched(url)
        adapter = TypeAdapter(Envelope[ListClusters])
        adapter.validate_json(body)
        base, cpu = peak(), time.process_time()
        for _ in range(count):
            adapter.validate_json(body)
        return {"cpu": (time.process_time() - cpu) / count * 1e6, "peak": peak(), "base": base}
    async with client_of(url, fast=name == "tensorone[fast]") as client:
        await client.clusters.list()
        base, cpu = peak(), time.process_time()
        for _ in range(count):
            await client.clusters.list()
        return {"cpu": (time.process_time() - cpu) / count * 1e6, "peak": peak(), "base": base}


async def fetched(url: str) -> bytes:
    """The listing as bytes."""
    import httpx

    async with httpx.AsyncClient() as client:
        return (await client.post(url, content=b'{"query": "query ListClusters"}')).content


def peak() -> float:
    """Peak memory of the process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def many(name: str, url: str, width: int, count: int) -> dict[str, float]:
    """So many clusters in few requests, or one by one."""
    if name == "bare aiohttp + json":
        return await calls(name, url, width, count) | {"requests": float(count)}
    async with client_of(url, fast=name == "tensorone[fast]") as client:
        await client.clusters.get_many([f"c{n:013}" for n in range(count)])
        await counted(url)
        cpu = time.process_time()
        for _ in range(5):
            await client.clusters.get_many([f"c{n:013}" for n in range(count)])
        return {"cpu": (time.process_time() - cpu) / 5 / count * 1e6, "requests": await counted(url) / 5}


async def counted(url: str) -> float:
    """Operations answered since the last call."""
    import httpx

    async with httpx.AsyncClient() as client:
        return float((await client.get(url.replace("/graphql", "/count"))).text)


async def fanned(_name: str, _url: str, width: int, count: int) -> dict[str, float]:
    """The cost of `fan_out` itself per item, and the memory of an item that waits."""
    from tensorone import fan_out

    async def op(_: int) -> None:
        await asyncio.sleep(0)

    await fan_out(op, range(100))
    cpu = time.process_time()
    await fan_out(op, range(count), limit=width)
    took = (time.process_time() - cpu) / count * 1e6
    tracemalloc.start()
    await fan_out(op, iter(range(count)), limit=width, stop_after_failures=None)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {"cpu": took, "bytes": held / count}


async def waiters(name: str, url: str, _width: int, count: int) -> dict[str, float]:
    """So many waiters of one client: requests and CPU per interval, and the cost of the listing itself."""
    every, intervals = 0.5, 5
    async with client_of(url, fast=name == "tensorone[fast]") as client:

        async def one(number: int) -> None:
            await client.clusters.wait_until(f"c{number:013}", lambda _: False, timeout=60, every=every)

        tasks = [asyncio.ensure_future(one(number)) for number in range(count)]
        await asyncio.sleep(1.5 * every)
        await counted(url)
        cpu = time.process_time()
        await asyncio.sleep(intervals * every)
        took, requests = time.process_time() - cpu, await counted(url)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        cpu = time.process_time()
        for _ in range(intervals):
            await client.clusters.list()
        listed = time.process_time() - cpu
    per = 1e6 / intervals / count
    return {"cpu": took * per, "listed": listed * per, "requests": requests / intervals}


async def queued(name: str, url: str, _width: int, count: int) -> dict[str, float]:
    """Memory of a call that waits in the client's queue."""
    async with client_of(url, fast=name == "tensorone[fast]", max_connections=1) as client:
        await client.clusters.get(ID["clusterId"])
        tracemalloc.start()
        tasks = [asyncio.ensure_future(client.clusters.get(ID["clusterId"])) for _ in range(count)]
        await asyncio.sleep(0.05)
        held = tracemalloc.get_traced_memory()[0]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return {"bytes": held / count}


def imports(statement: str) -> dict[str, float]:
    """CPU of an import."""
    with counting() as took:
        exec(statement, {})
    return took | {"counted": 1}


async def first_of_base(url: str) -> None:
    """What anybody needs for one answer: httpx, and one pydantic model."""
    import httpx
    from pydantic import BaseModel

    class Answer(BaseModel):
        data: dict[str, object]

    async with httpx.AsyncClient() as client:
        response = await client.post(url, json={"query": DOCUMENT, "variables": ID})
        Answer.model_validate_json(response.content)


async def first_of_ours(url: str, *, fast: bool) -> None:
    """The same through this SDK."""
    async with client_of(url, fast=fast) as client:
        await client.clusters.get(ID["clusterId"])


async def stall(name: str, url: str, _width: int, _count: int) -> dict[str, float]:
    """The longest time, in ms, for which the event loop did nothing else during a client's first call."""
    longest, last = 0.0, time.perf_counter()

    async def ticking() -> None:
        nonlocal longest, last
        while True:
            await asyncio.sleep(0)
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()

    async with client_of(url, fast=name == "tensorone[fast]") as client:
        ticker = asyncio.ensure_future(ticking())
        await asyncio.sleep(0)
        last = time.perf_counter()
        await client.clusters.get(ID["clusterId"])
        ticker.cancel()
    return {"stall": longest * 1e3}


def first(name: str, url: str) -> dict[str, float]:
    """CPU and wall time from the start of the process to the first answer, the interpreter's own start included."""
    asyncio.run(first_of_base(url) if name == "base" else first_of_ours(url, fast=name == "tensorone[fast]"))
    begun = float(os.environ["BENCH_BEGUN"])
    return {"cpu": time.process_time() * 1e6, "wall": (time.time() - begun) * 1e6, "counted": 1}


KINDS = {
    "calls": calls, "list": listing, "many": many, "fan_out": fanned, "waiters": waiters, "queued": queued,
    "stall": stall,
}  # fmt: skip

if __name__ == "__main__":
    kind, name, url, width, count = sys.argv[1:6]
    if kind == "import":
        print(json.dumps(imports(name)))
    elif kind == "first":
        print(json.dumps(first(name, url)))
    else:
        print(json.dumps(asyncio.run(KINDS[kind](name, url, int(width), int(count)))))
