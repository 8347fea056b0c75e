"""Credit and spend, apart from everything else."""

from __future__ import annotations

from importlib import resources

import pytest
from wires import graphql, scripted

from tensorone import AuthenticationError, OperationUnsupported, TensorOne
from tensorone.emulator import Emulator

SCHEMA = resources.files("tensorone_graphql").joinpath("schema.graphql").read_text(encoding="utf-8")


async def test_credit_and_spend_are_those_of_the_account(client, emulator):
    """One request returns the credit left and the spend of all clusters."""
    account = await client.account.get()
    assert account.client_balance == pytest.approx(float(emulator.world.balance))
    assert account.current_spend_per_hr == pytest.approx(float(emulator.world.spend_per_hour))
    assert emulator.world.requests.total() == 1


async def test_a_key_without_an_account_is_an_error(open_client):
    """A null account means that the key is wrong, not that the account is empty."""
    async with scripted(graphql({"myself": None})) as server, open_client(server.url) as client:
        with pytest.raises(AuthenticationError, match=r"account\.get: "):
            await client.account.get()


async def test_a_server_without_it_breaks_nothing_else():
    """The error names the missing field, and listing clusters still works."""
    schema = SCHEMA.replace("clientBalance: Float", "")
    schema = schema.replace('"Credit left, US dollars. [rp]"', "")
    with Emulator(schema=schema) as emulator:
        async with TensorOne(emulator.api_key, url=emulator.url) as client:
            with pytest.raises(OperationUnsupported) as caught:
                await client.account.get()
            assert caught.value.unsupported == "clientBalance"
            assert "regenerate" in str(caught.value)
            assert await client.clusters.list()
