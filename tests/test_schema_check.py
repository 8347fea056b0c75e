"""`client.check_schema`: what the server would take, found out without running anything."""

import pytest
from wires import graphql, refusal, schema_without, scripted

from tensorone import AuthenticationError, OperationUnsupported, QueryError, TensorOne
from tensorone._generated import operations
from tensorone.emulator import Emulator, Fault

MUTATIONS = {each.name for each in operations() if each.kind == "mutation"}


async def test_a_server_of_this_schema_takes_everything(client, emulator):
    """And executes nothing: no mutation was resolved, and nothing costs more than before."""
    before = emulator.world.clusters
    checks = await client.check_schema()
    assert {check.operation for check in checks} >= MUTATIONS | {"ListClusters"}
    assert {check.verdict for check in checks} == {"accepted"}
    assert emulator.world.clusters == before
    assert set(emulator.world.requests) <= {"__typename"}


async def test_what_the_server_lacks_is_named():
    """By operation and field; the others are accepted."""
    schema = schema_without("Mutation.clusterRentInterruptable", "User.clientBalance")
    with Emulator(schema=schema) as emulator:
        async with TensorOne(emulator.api_key, url=emulator.url) as client:
            checks = {check.operation: check for check in await client.check_schema()}
            refused = {name: check.unsupported for name, check in checks.items() if check.verdict == "refused"}
            assert refused == {"RentSpotCluster": "clusterRentInterruptable", "GetAccount": "clientBalance"}
            assert all("Cannot query field" in checks[name].reasons[0] for name in refused)
            with pytest.raises(OperationUnsupported):
                await client.account.get()


async def test_one_s_own_operations_may_be_given(client):
    """Any that were generated."""
    (own,) = [each for each in operations() if each.name == "GetCluster"]
    assert [check.operation for check in await client.check_schema([own])] == ["GetCluster"]


async def test_a_server_that_does_not_validate_says_nothing(open_client):
    """It takes nonsense."""
    harmless = graphql({"__typename": "Query"})
    async with scripted(harmless) as server, open_client(server.url) as client:
        checks = await client.check_schema()
    assert {check.verdict for check in checks} == {"unknown"}
    assert len(server.requests) == 2


async def test_what_fails_in_execution_says_nothing_either(open_client):
    """An answer with data was validated before."""
    (own,) = [each for each in operations() if each.name == "GetCluster"]
    answers = (
        graphql({"__typename": "Query"}),
        graphql(None, refusal("Cannot query field")),
        graphql({"__typename": None}, refusal("tired")),
    )
    async with scripted(*answers) as server, open_client(server.url) as client:
        (check,) = await client.check_schema([own])
    assert (check.verdict, check.unsupported, check.reasons) == ("unknown", None, ("tired",))


async def test_what_stands_against_everything_is_raised(client, emulator, open_client):
    """A wrong key, and an outage in the middle."""
    async with TensorOne("wrong", url=emulator.url) as other:
        with pytest.raises(AuthenticationError):
            await other.check_schema()
    for good in (1, 2):
        limited = graphql(None, refusal("slow down", code="RATE_LIMITED"))
        nonsense = graphql(None, refusal("Cannot query field"))
        answers = [graphql({"__typename": "Query"}), *([nonsense] if good == 2 else []), limited]
        async with scripted(*answers) as server, open_client(server.url) as third:
            with pytest.raises(QueryError):
                await third.check_schema()
    emulator.faults.add(Fault("bad_gateway"))
