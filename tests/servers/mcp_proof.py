"""Speaks to examples/mcp_server.py with the protocol's own client, against the emulator; `make mcp-proof` runs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters, stdio_client

from tensorone.emulator import Emulator

SERVER = Path(__file__).parents[2] / "examples" / "mcp_server.py"
READING = {"gpu_prices", "clusters", "account"}
A40, KEY = "NVIDIA A40", "tpo_mcp_0123456789abcdef0123456789abcdef"


def started(emulator: Emulator, *options: str) -> StdioServerParameters:
    """The server as an agent's host starts it."""
    environment = {"TENSORONE_API_KEY": KEY, "TENSORONE_API_URL": emulator.url}
    return StdioServerParameters(command=sys.executable, args=[str(SERVER), *options], env=environment)


async def said(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool answers."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    assert KEY not in repr(result)
    assert result.structured_content is not None
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """What a tool says that it does not do."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result
    assert KEY not in repr(result)
    return str(result.content[0].text)  # type: ignore[union-attr]


async def reads_only(emulator: Emulator) -> None:
    """Without a ceiling, no tool rents or ends."""
    async with Client(stdio_client(started(emulator))) as client:
        tools = (await client.list_tools()).tools
        assert {each.name for each in tools} == READING
        assert all(each.annotations and each.annotations.read_only_hint for each in tools)
        assert len((await said(client, "clusters"))["clusters"]) == 4
        assert (await said(client, "account"))["balance_usd"] > 0
        prices = {each["gpu_type"]: each for each in (await said(client, "gpu_prices"))["gpu_types"]}
        assert prices[A40]["fixed_usd_per_hour"] > 0
        assert "Unknown tool" in await refused(client, "rent", quote_id="x")


async def rents(emulator: Emulator) -> None:
    """A quote, a rental that is one however often it is asked for, a ceiling, a deadline, and an end."""
    before = set(emulator.world.clusters)
    async with Client(stdio_client(started(emulator, "--ceiling", "1", "--longest", "1h"))) as client:
        machine = {"image": "tensorone/pytorch", "gpu_type": A40}
        assert "at most 60" in await refused(client, "quote", **machine, minutes=61)
        quote = await said(client, "quote", **machine, minutes=60)
        assert quote["usd_at_most"] == quote["usd_per_hour"]
        assert set(emulator.world.clusters) == before
        rented = await said(client, "rent", quote_id=quote["quote_id"])
        assert await said(client, "rent", quote_id=quote["quote_id"]) == rented
        assert set(emulator.world.clusters) - before == {rented["id"]}
        assert "no such quote" in await refused(client, "rent", quote_id="made-up")
        many = await said(client, "quote", **machine, gpu_count=4, minutes=60)
        assert "max_hourly_spend" in await refused(client, "rent", quote_id=many["quote_id"])
        other = sorted(before)[0]
        assert "did not rent" in await refused(client, "terminate", cluster_id=other)
        short = await said(client, "quote", **machine, minutes=0.02)
        brief = await said(client, "rent", quote_id=short["quote_id"])
        with anyio.fail_after(60):  # the deadline is a second away
            while brief["id"] in emulator.world.clusters:
                await anyio.sleep(0.1)
        await said(client, "terminate", cluster_id=rented["id"])
        assert "has ended" in await refused(client, "rent", quote_id=quote["quote_id"])
        assert set(emulator.world.clusters) == before
        left = await said(client, "rent", quote_id=(await said(client, "quote", **machine, minutes=60))["quote_id"])
        assert left["id"] in emulator.world.clusters
    with anyio.fail_after(60):  # the server ends what it rented when its host leaves
        while left["id"] in emulator.world.clusters:
            await anyio.sleep(0.1)
    assert set(emulator.world.clusters) == before


async def main() -> None:
    """All of it."""
    with Emulator(api_key=KEY, boot="at-once") as emulator:
        await reads_only(emulator)
        emulator.reset()
        await rents(emulator)
    sys.stdout.write("the MCP server reads, quotes, rents once, keeps its ceiling and ends what it rented\n")


if __name__ == "__main__":
    anyio.run(main)
