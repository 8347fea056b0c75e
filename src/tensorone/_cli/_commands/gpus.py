"""`gpus`: what there is, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from tensorone._cli._output import words
from tensorone._cli.options import COMMON, Common
from tensorone._cli.running import Reply

if TYPE_CHECKING:
    from rich.table import Table

    from tensorone._cli._output.shapes import GpuTypeDocument


async def gpus(
    *names: str,
    sort: Literal["spot", "fixed", "memory"] = "spot",
    count: Annotated[int, Parameter(alias="-c")] = 1,
    common: Common = COMMON,
) -> Reply:
    """Show GPU types with memory and prices.

    Prices are US dollars per GPU and hour, and promise no capacity.

    Example: tensorone gpus a6000 a40 --sort fixed

    Args:
        names: Types as people say them; all without.
        sort: Cheapest bid, fixed price, or most memory first.
        count: GPUs in one cluster that the prices are for.
    """
    from tensorone._cli._output.documents import gpu_type_document
    from tensorone._cli._output.terminal import terminal
    from tensorone._cli.gpu_names import matching
    from tensorone._cli.service import service

    async with service(common) as client:
        catalogue = {each.id: each for each in await client.gpu_types.list()}
        wanted = [matching(name, catalogue.values()) for name in names] or list(catalogue)
        quotes = await client.spot.quotes(wanted, gpu_count=count)
    found = [
        gpu_type_document(
            quote, name=catalogue[quote.gpu_type_id].display_name, memory=catalogue[quote.gpu_type_id].memory_in_gb
        )
        for quote in quotes
    ]
    found.sort(key=lambda one: _rank(one, sort))
    return Reply({"gpu_types": found}, terminal().drawn(_table(found)))


def _rank(one: GpuTypeDocument, sort: str) -> tuple[bool, float]:
    if sort == "memory":
        return False, -(one["memory_gb"] or 0)
    price = one["spot_usd_per_hour"] if sort == "spot" else one["fixed_usd_per_hour"]
    return price is None, price or 0.0


def _table(found: list[GpuTypeDocument]) -> Table:
    from tensorone._cli._output.tables import table

    rows = [
        (
            each["id"],
            "?" if each["memory_gb"] is None else f"{each['memory_gb']} GB",
            _price(each["spot_usd_per_hour"], 3),
            _price(each["fixed_usd_per_hour"], 2),
            "-" if each["saving_percent"] is None else f"{int(each['saving_percent'] + 0.5)}%",
        )
        for each in found
    ]
    return table(("GPU TYPE~", "MEMORY>", "SPOT $/h>", "FIXED $/h>", "SAVES>"), rows)


def _price(value: float | None, least: int) -> str:
    """A price; `-` where there is no stock."""
    return "-" if value is None else words.dollars(value, least=least)
