"""An MCP server for GPU clusters: it only reads, unless it is started with a ceiling.

    pip install tensorone "mcp>=2.3,<3"
    python examples/mcp_server.py                            # prices, clusters, the account
    python examples/mcp_server.py --ceiling 2 --longest 4h   # rentals too: $2 an hour in all, four hours each

It talks over standard input and output, with the key of TENSORONE_API_KEY. A rental takes two calls, so that a model
cannot spend what it has not read: `quote` says the most that a cluster costs, and `rent` takes the quote, once. Each
cluster has a deadline, at which this server terminates it; it also terminates what is left when it ends, since nobody
watches then. The deadline is in the cluster as well: `tensorone reap` finds what a server that was killed left behind.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

from tensorone import ClusterSpec, TensorOne, TensorOneError, fan_out

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

try:
    from mcp.server.mcpserver import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp_types import ToolAnnotations
except ModuleNotFoundError:
    sys.exit('this example needs mcp, which the package does not: pip install "mcp>=2.3,<3"')

QUOTE_SECONDS = 300.0  # after which prices have to be read again
LOOK_SECONDS = 1.0  # between two looks at the deadlines

INSTRUCTIONS = """Prices are US dollars. Read `gpu_prices` first. To rent, call `quote`, show the person its
`usd_per_hour` and `usd_at_most`, and call `rent` with its `quote_id` once they agree. Terminate what is not needed."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What may be rented: the spec, the price that binds it, and how long."""

    spec: ClusterSpec
    usd_per_hour: float
    seconds: float
    valid_until: float


@dataclass(slots=True)
class Desk:
    """What the tools work with: the client, quotes, the cluster rented for each, and their deadlines."""

    client: TensorOne
    quotes: dict[str, Quote] = field(default_factory=dict[str, Quote])
    deadlines: dict[str, float] = field(default_factory=dict[str, float])
    rented: dict[str, str] = field(default_factory=dict[str, str])

    async def watch(self) -> None:
        """Terminates each cluster at its deadline; what could not be is tried again."""
        while True:
            await anyio.sleep(LOOK_SECONDS)
            await self.end([each for each, at in self.deadlines.items() if at <= anyio.current_time()])

    async def end(self, ids: list[str]) -> None:
        """Terminates clusters that this server rented."""
        for outcome in await fan_out(self.client.clusters.terminate, ids):
            if outcome.error is None:
                self.deadlines.pop(outcome.item, None)


def server(ceiling: float | None, longest: float) -> MCPServer:
    """The server; without a ceiling it has no tool that rents or ends anything.

    Args:
        ceiling: US dollars per hour that all of its clusters may cost together.
        longest: Seconds that a cluster may run.
    """
    desks: list[Desk] = []

    @asynccontextmanager
    async def opened(_: MCPServer) -> AsyncGenerator[Desk]:
        async with TensorOne(max_hourly_spend=ceiling, label=True) as client, anyio.create_task_group() as group:
            desks.append(desk := Desk(client))
            if ceiling is not None:
                group.start_soon(desk.watch)
            try:
                yield desk
            finally:
                with anyio.CancelScope(shield=True), anyio.move_on_after(30):
                    await desk.end(list(desk.deadlines))
                group.cancel_scope.cancel()

    made = MCPServer("tensorone", instructions=INSTRUCTIONS, lifespan=opened)
    _reading(made, lambda: desks[-1])
    if ceiling is not None:
        _renting(made, lambda: desks[-1], longest)
    return made


def _reading(made: MCPServer, desk: Callable[[], Desk]) -> None:
    reads = ToolAnnotations(read_only_hint=True)

    @made.tool(annotations=reads)
    async def gpu_prices(gpu_count: int = 1) -> dict[str, Any]:
        """List GPU types with the cheapest spot bid and the fixed price, US dollars per GPU and hour."""
        with refusals():
            quotes = await desk().client.spot.quotes(gpu_count=gpu_count)
        keys = ("gpu_type", "spot_usd_per_hour", "fixed_usd_per_hour")
        rows = [(each.gpu_type_id, each.minimum_bid, each.on_demand_price) for each in quotes]
        return {"gpu_types": [dict(zip(keys, row, strict=True)) for row in rows]}

    @made.tool(annotations=reads)
    async def clusters() -> dict[str, Any]:
        """List the account's clusters: id, status, GPU type, and price per hour where it is known."""
        with refusals():
            found = await desk().client.clusters.list()
            bills = {each.cluster_id: each for each in await desk().client.clusters.bills()}
        shown = list[dict[str, Any]]()
        for each in found:
            bill = bills.get(each.id)
            price, gpu = (bill.usd_per_hour, bill.gpu_type) if bill else (None, None)
            status = {"id": each.id, "name": each.name, "status": str(each.desired_status)}
            shown.append({**status, "gpu_type": gpu, "usd_per_hour": price})
        return {"clusters": shown}

    @made.tool(annotations=reads)
    async def account() -> dict[str, Any]:
        """Show the credit that is left and what everything costs per hour now."""
        with refusals():
            told = await desk().client.account.get()
        return {"balance_usd": told.client_balance, "usd_per_hour": told.current_spend_per_hr}


def _renting(made: MCPServer, desk: Callable[[], Desk], longest: float) -> None:
    @made.tool(annotations=ToolAnnotations(read_only_hint=True))
    async def quote(image: str, gpu_type: str, minutes: float, gpu_count: int = 1) -> dict[str, Any]:
        """Say the most that a cluster costs for so many minutes; rents nothing. The quote is good for five minutes."""
        seconds = minutes * 60
        if not 0 < seconds <= longest:
            raise ToolError(f"minutes: must be above 0 and at most {longest / 60:g}, not {minutes:g}")
        with refusals():
            spec = ClusterSpec(image_name=image, gpu_type_id=gpu_type, gpu_count=gpu_count)
            price = await desk().client.clusters.highest_price(spec)
        if price is None:
            raise ToolError(f"the price of {gpu_type} is not known; nothing is rented without one")
        quote_id = secrets.token_hex(12)
        until = anyio.current_time() + QUOTE_SECONDS
        desk().quotes[quote_id] = Quote(spec, float(price), seconds, until)
        most = round(float(price) * seconds / 3600, 4)
        return {"quote_id": quote_id, "usd_per_hour": float(price), "usd_at_most": most}

    @made.tool(annotations=ToolAnnotations(destructive_hint=False, idempotent_hint=True))
    async def rent(quote_id: str) -> dict[str, Any]:
        """Rent what was quoted. Costs money until the quoted time is over. A repeat rents nothing more."""
        quoted = desk().quotes.get(quote_id)
        if quoted is None or quoted.valid_until < anyio.current_time():
            raise ToolError("quote_id: there is no such quote, or it is older than five minutes; call quote")
        if (before := desk().rented.get(quote_id)) is not None and before not in desk().deadlines:
            raise ToolError(f"quote_id: {before} was rented for it, and has ended; call quote for another one")
        with refusals():
            scope = desk().client.limited(max_hourly_spend=quoted.usd_per_hour)
            placed = await scope.clusters.deploy(quoted.spec, client_token=quote_id, expires_in=quoted.seconds)
        desk().rented[quote_id] = placed.id
        desk().deadlines.setdefault(placed.id, anyio.current_time() + quoted.seconds)
        return {"id": placed.id, "usd_per_hour": quoted.usd_per_hour, "terminated_after_seconds": quoted.seconds}

    @made.tool(annotations=ToolAnnotations(destructive_hint=True, idempotent_hint=True))
    async def terminate(cluster_id: str) -> dict[str, Any]:
        """Delete a cluster that this server rented, with its data; ends its bill."""
        if cluster_id not in desk().deadlines:
            raise ToolError(f"cluster_id: this server did not rent {cluster_id}, and ends nothing else")
        with refusals():
            await desk().client.clusters.terminate(cluster_id)
        desk().deadlines.pop(cluster_id, None)
        return {"id": cluster_id, "status": "terminated"}


class refusals:  # noqa: N801 - used like a function
    """Tells the model what the library says, and what may be billed because of it."""

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """An error of the library becomes one of the tool; others are not for a model to read."""
        if isinstance(error, TensorOneError):
            billing = getattr(error, "billing", None)
            raise ToolError(f"{error}. {billing}" if billing else str(error)) from None


def main() -> None:
    """Serves until standard input ends."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--ceiling", type=float, help="US dollars per hour of all rentals; without it, none")
    parser.add_argument("--longest", type=_seconds, default=14400.0, help="longest rental, such as 90m (4h)")
    given = parser.parse_args()
    server(given.ceiling, given.longest).run("stdio")


def _seconds(text: str) -> float:
    """`90m` or `4h` in seconds."""
    return float(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1:]]


if __name__ == "__main__":
    main()
