"""`demo`: the tour, against an emulator of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorone._cli.options import COMMON, Common
from tensorone._cli.running import Reply

if TYPE_CHECKING:
    from tensorone import TensorOne


async def demo(*, common: Common = COMMON) -> Reply:  # noqa: ARG001 - the program reads it
    """Take a tour against an emulator: rent, bid, be preempted, recover, pay.

    Takes half a minute and costs nothing.

    Example: tensorone demo
    """
    from tensorone import TensorOne
    from tensorone._cli._commands.emulating import MISSING
    from tensorone._cli._output.failures import failed

    try:
        from tensorone.emulator import Emulator
    except ModuleNotFoundError:
        raise failed("configuration", MISSING) from None
    async with (
        Emulator(speed=60, first_clusters=False, balance="100") as emulator,
        TensorOne(emulator.api_key, url=emulator.url, label=True) as client,
    ):
        emulator.world.set_minimum_bid(GPU, "0.15")
        await _rent(client)
        (spot,) = [each for each in client.rented if each.kind == "spot"]
        emulator.world.set_minimum_bid(GPU, "0.20")
        await _recover(client, spot.cluster_id)
        await _pay(client)
    return Reply()


GPU = "NVIDIA RTX A6000"


def _say(title: str, text: str = "") -> None:
    from tensorone._cli._output.terminal import terminal

    terminal().say(f"\n{title}" if not text else f"  {title:<12}{text}")


async def _rent(client: TensorOne) -> None:
    from tensorone import BidPolicy, ClusterSpec
    from tensorone._cli._output import words

    spec = ClusterSpec(image_name="tensorone/pytorch", gpu_type_id=GPU, volume_in_gb=40, ports=("8888/http",))
    quote = await client.spot.quote(GPU)
    _say("The market")
    _say(GPU, f"  ${words.dollars(quote.on_demand_price)} an hour, or spot from ${words.dollars(quote.minimum_bid)}")
    _say("Two clusters, one at the fixed price, one by a bid")
    placed = await client.clusters.deploy(spec)
    won = await client.spot.acquire(spec, bidding=BidPolicy(ceiling=0.30), timeout=60)
    for name, cluster_id in (("on-demand", placed.id), ("spot", won.cluster.id)):
        up = await client.clusters.wait_until_running(cluster_id, timeout=60, every=0.2)
        _say(name, f"{cluster_id} is up, {len(up.env or [])} variables, of which no value is shown")


async def _recover(client: TensorOne, cluster_id: str) -> None:
    from tensorone import BidPolicy
    from tensorone._cli._output import words

    _say("The market rises, and somebody bids more")
    bills = {each.cluster_id: each for each in await client.clusters.bills()}
    _say(cluster_id, f"  stopped by {bills[cluster_id].ended_by}")
    bidding = BidPolicy(ceiling=0.30)
    await client.clusters.ensure_running(
        cluster_id, gpu_count=1, timeout=60, bidding=bidding, gpu_type_id=GPU, every=0.2
    )
    (rented,) = [each for each in client.rented if each.cluster_id == cluster_id]
    _say(cluster_id, f"  runs again, at ${words.dollars(rented.usd_per_hour)} an hour")


async def _pay(client: TensorOne) -> None:
    from tensorone import fan_out
    from tensorone._cli._output import words

    _say("The bill")
    account = await client.account.get()
    _say("spends", f"${words.dollars(round(account.current_spend_per_hr or 0, 3))} an hour")
    outcomes = await fan_out(client.clusters.terminate, [each.cluster_id for each in client.rented])
    account = await client.account.get()
    _say("ended", f"{words.several(len(outcomes), 'cluster')}; ${account.client_balance or 0:.4f} left of $100")
