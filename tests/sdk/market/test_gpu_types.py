"""What the market offers: types, prices and quotes."""

import pytest
from published_requests import PYTORCH
from wires import graphql, refusal, scripted

from tensorone import AuthenticationError, InvalidArgument, QueryError, SpotQuote, TensorOne


async def test_types_come_with_their_names_and_memory(client):
    """One request returns the whole catalogue."""
    types = {gpu.id: gpu for gpu in await client.gpu_types.list()}
    assert types["NVIDIA RTX A6000"].memory_in_gb == 48
    assert types["NVIDIA GeForce RTX 3090"].display_name == "RTX 3090"


async def test_a_quote_is_what_the_market_asks_now(client, emulator):
    """The minimum bid follows the market, and the discount follows from the two prices."""
    emulator.world.set_minimum_bid("NVIDIA A40", "0.2")
    quote = await client.spot.quote("NVIDIA A40", gpu_count=2)
    assert (quote.gpu_type_id, quote.gpu_count, quote.minimum_bid, quote.on_demand_price) == ("NVIDIA A40", 2, 0.2, 0.4)
    assert quote.available
    assert quote.discount == pytest.approx(0.5)


async def test_no_stock_is_a_quote_without_prices(client, emulator):
    """A sold-out type is not an error: it has a quote without prices."""
    emulator.world.sell_out("NVIDIA A40")
    quote = await client.spot.quote("NVIDIA A40")
    assert (quote.minimum_bid, quote.on_demand_price, quote.available, quote.discount) == (None, None, False, None)


async def test_a_price_of_zero_is_no_price(open_client):
    """A GPU type at zero dollars is not available, and not the cheapest."""
    gpu = {"id": "A", "displayName": None, "memoryInGb": None, "secureCloud": None, "communityCloud": None}
    lowest = {"minimumBidPrice": 0, "uninterruptablePrice": 0.0}
    async with (
        scripted(graphql({"gpuTypes": [gpu | {"lowestPrice": lowest}]})) as server,
        open_client(server.url) as client,
    ):
        quote = await client.spot.quote("A")
    assert (quote.minimum_bid, quote.on_demand_price, quote.available, quote.discount) == (None, None, False, None)


async def test_a_price_object_may_be_null(open_client):
    """A null price object gives no price, and null entries are skipped."""
    gpu = {"id": "A", "displayName": None, "memoryInGb": None, "secureCloud": None, "communityCloud": None}
    answer = graphql({"gpuTypes": [None, gpu | {"lowestPrice": None}]})
    async with scripted(answer) as server, open_client(server.url) as client:
        assert await client.spot.quote("A") == SpotQuote(
            gpu_type_id="A", gpu_count=1, minimum_bid=None, on_demand_price=None
        )


async def test_quotes_are_one_request_and_sorted_by_price(client, emulator):
    """Sold-out types come last; an unknown type has its problem in its own quote."""
    emulator.world.set_minimum_bid("NVIDIA A40", "0.2")
    emulator.world.set_minimum_bid("NVIDIA L40S", "0.1")
    emulator.world.sell_out("NVIDIA L4")
    quotes = await client.spot.quotes(["RTX 9999", "NVIDIA L4", "NVIDIA A40", "NVIDIA L40S", "NVIDIA A40"])
    assert [quote.gpu_type_id for quote in quotes] == ["NVIDIA L40S", "NVIDIA A40", "RTX 9999", "NVIDIA L4"]
    assert [quote.available for quote in quotes] == [True, True, False, False]
    assert "no GPU type 'RTX 9999'" in quotes[2].problem
    assert quotes[3].problem is None
    assert len(emulator.world.log) == 1
    assert quotes[1] == await client.spot.quote("NVIDIA A40")


async def test_quotes_of_the_whole_catalogue(client, emulator):
    """Without ids, one request fetches the types and one their prices."""
    quotes = await client.spot.quotes(gpu_count=2)
    prices = [quote.minimum_bid for quote in quotes if quote.available]
    assert prices == sorted(prices)
    assert {quote.gpu_type_id for quote in quotes} == {gpu.id for gpu in await client.gpu_types.list()}
    assert len(emulator.world.log) == 3


async def test_a_type_that_fails_spoils_no_other(open_client):
    """The types are then requested one by one, and the failing one's quote says what is wrong."""
    gpu = {"id": "A", "displayName": None, "memoryInGb": None, "secureCloud": None, "communityCloud": None}
    price = {"minimumBidPrice": 0.1, "uninterruptablePrice": 0.2}
    fine = graphql({"gpuTypes": [gpu | {"lowestPrice": price}]})
    at_fault = graphql({"c0": None, "c1": None}, refusal("something about B", path=["c1"]))
    alone = graphql({"gpuTypes": None}, refusal("something about B", path=["gpuTypes"]))
    async with scripted(at_fault, fine, alone) as server, open_client(server.url) as client:
        first, second = await client.spot.quotes(["A", "B"])
    assert (first.minimum_bid, first.problem) == (0.1, None)
    assert (second.gpu_type_id, second.available) == ("B", False)
    assert "something about B" in second.problem


@pytest.mark.parametrize("ids", [["A"], ["A", "B"]])
async def test_a_refusal_that_concerns_all_types_is_raised(emulator, ids):
    """A wrong key is raised, since it does not concern one GPU type."""
    async with TensorOne("tpo_wrong", url=emulator.url) as client:
        with pytest.raises(AuthenticationError):
            await client.spot.quotes(ids)


@pytest.mark.parametrize(
    ("ids", "count", "field"), [("A", 1, "gpu_type_ids"), ([""], 1, "gpu_type_ids[0]"), (["A"], 0, "gpu_count")]
)
async def test_bad_input_of_quotes_is_named(client, emulator, ids, count, field):
    """Invalid input is refused by name before anything is sent."""
    with pytest.raises(InvalidArgument) as caught:
        await client.spot.quotes(ids, gpu_count=count)
    assert caught.value.field == field
    assert not emulator.world.log


async def test_an_unknown_type_is_named(client):
    """The message says where to find the ids."""
    with pytest.raises(QueryError, match=r"'RTX 9999'.*gpu_types\.list"):
        await client.gpu_types.get("RTX 9999")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [({"gpu_type_id": ""}, "gpu_type_id"), ({"gpu_type_id": "A", "gpu_count": 0}, "gpu_count")],
)
async def test_bad_input_is_named(client, arguments, field):
    """Invalid input is refused by name before anything is sent."""
    with pytest.raises(InvalidArgument) as caught:
        await client.spot.quote(**arguments)
    assert caught.value.field == field


BIDS = [0, -0.2, float("nan"), float("inf"), "0.2", True, None]


@pytest.mark.parametrize("bid", BIDS)
async def test_an_invalid_bid_is_refused(client, emulator, bid):
    """A negative, zero, NaN, infinite or non-numeric bid is refused before anything is sent."""
    with pytest.raises(InvalidArgument) as caught:
        await client.spot.rent(PYTORCH, bid_per_gpu=bid)
    assert caught.value.field == "bid_per_gpu"
    with pytest.raises(InvalidArgument):
        await client.spot.resume("d62t7qg9n5vtan", bid_per_gpu=bid, gpu_count=1)
    assert emulator.world.requests.total() == 0


async def test_what_is_not_a_spec_is_refused(client):
    """A mapping is refused as a spec."""
    with pytest.raises(InvalidArgument) as caught:
        await client.clusters.deploy({"image_name": "i"})
    assert caught.value.field == "spec"
