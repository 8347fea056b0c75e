"""Credit and spend, apart from everything else."""

from __future__ import annotations

from importlib import resources

import pytest
from wires import graphql, scripted

from tensorone import AuthenticationError, OperationUnsupported, TensorOne
from tensorone.emulator import Emulator

SCHEMA = resources.files("tensorone_graphql").joinpath("schema.graphql").read_text(encoding="utf-8")


async def test_credit_and_spend_are_the_world_s(client, emulator):
    """One request tells what is left and what everything costs."""
    account = await client.account.get()
    assert account.client_balance == pytest.approx(float(emulator.world.balance))
    assert account.current_spend_per_hr == pytest.approx(float(emulator.world.spend_per_hour))
    assert emulator.world.requests.total() == 1


async def test_a_key_without_an_account_is_told(open_client):
    """A null account is an error of the key and no empty answer."""
    async with scripted(graphql({"myself": None})) as server, open_client(server.url) as client:
        with pytest.raises(AuthenticationError, match="GetAccount"):
            await client.account.get()


async def test_a_server_without_it_breaks_nothing_else():
    """The missing field is named, and the clusters are listed as ever."""
    schema = SCHEMA.replace("clientBalance: Float", "")
    schema = schema.replace('"Credit left, US dollars. [rp]"', "")
    with Emulator(schema=schema) as emulator:
        async with TensorOne(emulator.api_key, url=emulator.url) as client:
            with pytest.raises(OperationUnsupported) as caught:
                await client.account.get()
            assert caught.value.unsupported == "clientBalance"
            assert "regenerate" in str(caught.value)
            assert await client.clusters.list()
