"""Calls every method of a client once and prints, as JSON, what a call imported or built, by call.

python tests/first_calls.py URL KEY HTTP LOOP OPENED [CALL…]
"""

import json
import ssl
import sys

import anyio
from pydantic import BaseModel

from tensorone import BidPolicy, ClusterSpec, EndpointSpec, TemplateSpec, TensorOne, TensorOneError, fan_out

SPEC = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40")
BIDDING = BidPolicy(ceiling=2)
OPTIONS = {"bidding": BIDDING, "timeout": 9}
ON_DEMAND, SPOT, RUNNING = "inzk6tzuz833h5", "d62t7qg9n5vtan", "riixlu8oclhp"
TEMPLATE = TemplateSpec(name="t", image_name="i", container_disk_in_gb=5)
ENDPOINT = EndpointSpec(name="e", gpu_ids=("AMPERE_16",), template_id="t", workers_max=0)


async def block(manager) -> None:
    """The block of a context manager, and a first event where it has events."""
    async with manager as inside:
        if hasattr(inside, "__aiter__"):
            with anyio.move_on_after(0.3):
                await anext(aiter(inside))


CALLS = {
    "clusters.list": lambda client: client.clusters.list(),
    "clusters.get": lambda client: client.clusters.get(RUNNING),
    "clusters.get_many": lambda client: client.clusters.get_many([RUNNING, SPOT]),
    "clusters.bills": lambda client: client.clusters.bills(),
    "clusters.highest_price": lambda client: client.clusters.highest_price(SPEC),
    "clusters.find": lambda client: client.clusters.find("token"),
    "clusters.deploy": lambda client: client.clusters.deploy(SPEC, client_token="token"),
    "clusters.resume": lambda client: client.clusters.resume(ON_DEMAND, gpu_count=1),
    "clusters.wait_until": lambda client: client.clusters.wait_until(RUNNING, lambda _: True, timeout=9),
    "clusters.wait_until_running": lambda client: client.clusters.wait_until_running(RUNNING, timeout=9),
    "clusters.ensure_running": lambda client: client.clusters.ensure_running(RUNNING, gpu_count=1, timeout=9),
    "clusters.stop": lambda client: client.clusters.stop(ON_DEMAND),
    "clusters.watch": lambda client: block(client.clusters.watch()),
    "clusters.lease": lambda client: block(client.clusters.lease(SPEC, timeout=9, on_exit="terminate")),
    "clusters.reap": lambda client: client.clusters.reap(action="stop", dry_run=True),
    "clusters.terminate": lambda client: client.clusters.terminate(ON_DEMAND),
    "spot.quote": lambda client: client.spot.quote("NVIDIA A40"),
    "spot.quotes": lambda client: client.spot.quotes(["NVIDIA A40", "NVIDIA L40S"]),
    "spot.rent": lambda client: client.spot.rent(SPEC, bid_per_gpu=2),
    "spot.resume": lambda client: client.spot.resume(SPOT, bid_per_gpu=2, gpu_count=1),
    "spot.acquire": lambda client: client.spot.acquire(SPEC, **OPTIONS),
    "spot.acquire_many": lambda client: client.spot.acquire_many(SPEC, 2, mode="best_effort", **OPTIONS),
    "spot.recover": lambda client: client.spot.recover(SPOT, SPEC, **OPTIONS),
    "spot.lease": lambda client: block(client.spot.lease(SPEC, on_exit="terminate", **OPTIONS)),
    "spot.keep_running": lambda client: block(client.spot.keep_running({SPOT: SPEC}, bidding=BIDDING, every=0.1)),
    "gpu_types.list": lambda client: client.gpu_types.list(),
    "gpu_types.get": lambda client: client.gpu_types.get("NVIDIA A40"),
    "account.get": lambda client: client.account.get(),
    "templates.save": lambda client: client.templates.save(TEMPLATE),
    "templates.delete": lambda client: client.templates.delete("t"),
    "endpoints.save": lambda client: client.endpoints.save(ENDPOINT),
    "endpoints.list": lambda client: client.endpoints.list(),
    "check_schema": lambda client: client.check_schema(),
    "fan_out": lambda client: fan_out(client.clusters.get, [RUNNING, SPOT]),
}


def models(parent: type = BaseModel) -> set[str]:
    """All models that are built."""
    built = {f"model {each.__qualname__}" for each in parent.__subclasses__() if each.__pydantic_complete__}
    return built.union(*(models(each) for each in parent.__subclasses__()))


def all_there() -> set[str]:
    """What is imported and built so far: modules, models, TLS contexts."""
    return {*sys.modules, *models(), *contexts}


contexts: list[str] = []
making = ssl.SSLContext.__new__


def noted(*args: object) -> ssl.SSLContext:
    """Notes that a TLS context is made."""
    contexts.append(f"TLS context {len(contexts)}")
    return making(*args)


async def main(client: TensorOne, names: list[str]) -> None:
    """The calls in turn; what they answer does not matter."""
    client = client if client._lifetime.state == "open" else client.open()
    new = {}
    for name in names:
        before = all_there()
        try:
            await CALLS[name](client)
        except TensorOneError as error:
            sys.stderr.write(f"{name}: {error}\n")
        new[name] = sorted(all_there() - before)
    await client.aclose()
    sys.stdout.write(json.dumps(new))


if __name__ == "__main__":
    url, key, http, loop, opened, *names = sys.argv[1:]
    ssl.SSLContext.__new__ = noted
    made = TensorOne(key, url=url, http=http, settle_time=1)
    anyio.run(main, made.open() if opened == "before" else made, names or [*CALLS], backend=loop)
