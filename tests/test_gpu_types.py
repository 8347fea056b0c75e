"""What the market offers: types, prices and quotes."""

import pytest
from published_requests import PYTORCH
from wires import graphql, scripted

from tensorone import InvalidArgument, QueryError, SpotQuote


async def test_types_come_with_their_names_and_memory(client):
    """The whole catalogue by one request."""
    types = {gpu.id: gpu for gpu in await client.gpu_types.list()}
    assert types["NVIDIA RTX A6000"].memory_in_gb == 48
    assert types["NVIDIA GeForce RTX 3090"].display_name == "RTX 3090"


async def test_a_quote_is_what_the_market_asks_now(client, emulator):
    """The minimum bid follows the market; the discount follows from the two prices."""
    emulator.world.set_minimum_bid("NVIDIA A40", "0.2")
    quote = await client.spot.quote("NVIDIA A40", gpu_count=2)
    assert (quote.gpu_type_id, quote.gpu_count, quote.minimum_bid, quote.on_demand_price) == ("NVIDIA A40", 2, 0.2, 0.4)
    assert quote.available
    assert quote.discount == pytest.approx(0.5)


async def test_no_stock_is_a_quote_without_prices(client, emulator):
    """It is no error: the type exists, and there is nothing to bid for."""
    emulator.world.sell_out("NVIDIA A40")
    quote = await client.spot.quote("NVIDIA A40")
    assert (quote.minimum_bid, quote.on_demand_price, quote.available, quote.discount) == (None, None, False, None)


async def test_a_price_object_may_be_null(open_client):
    """Then there is no price either, and entries that are null are passed over."""
    gpu = {"id": "A", "displayName": None, "memoryInGb": None, "secureCloud": None, "communityCloud": None}
    answer = graphql({"gpuTypes": [None, gpu | {"lowestPrice": None}]})
    async with scripted(answer) as server, open_client(server.url) as client:
        assert await client.spot.quote("A") == SpotQuote(
            gpu_type_id="A", gpu_count=1, minimum_bid=None, on_demand_price=None
        )


async def test_an_unknown_type_is_named(client):
    """The message says where to find the ids."""
    with pytest.raises(QueryError, match=r"'RTX 9999'.*gpu_types\.list"):
        await client.gpu_types.get("RTX 9999")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [({"gpu_type_id": ""}, "gpu_type_id"), ({"gpu_type_id": "A", "gpu_count": 0}, "gpu_count")],
)
async def test_bad_input_is_named(client, arguments, field):
    """Before anything is sent."""
    with pytest.raises(InvalidArgument) as caught:
        await client.spot.quote(**arguments)
    assert caught.value.field == field


BIDS = [0, -0.2, float("nan"), float("inf"), "0.2", True, None]


@pytest.mark.parametrize("bid", BIDS)
async def test_a_bid_that_cannot_be_is_refused(client, emulator, bid):
    """Negative, zero, NaN, infinite or no number at all: nothing is sent."""
    with pytest.raises(InvalidArgument) as caught:
        await client.spot.rent(PYTORCH, bid_per_gpu=bid)
    assert caught.value.field == "bid_per_gpu"
    with pytest.raises(InvalidArgument):
        await client.spot.resume("d62t7qg9n5vtan", bid_per_gpu=bid, gpu_count=1)
    assert emulator.world.requests.total() == 0


async def test_what_is_no_spec_is_refused(client):
    """A mapping is not taken for one."""
    with pytest.raises(InvalidArgument) as caught:
        await client.clusters.deploy({"image_name": "i"})
    assert caught.value.field == "spec"
