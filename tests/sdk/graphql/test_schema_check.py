"""`client.check_schema`: what the server would take, found out without running anything."""

from importlib import resources

import pytest
from wires import graphql, refusal, schema_without, scripted

from tensorone import AuthenticationError, OperationUnsupported, QueryError, TensorOne
from tensorone._generated import operations
from tensorone._graphql import probing, server_errors
from tensorone.emulator import Emulator, Fault

MUTATIONS = {each.name for each in operations() if each.kind == "mutation"}


async def test_a_server_of_this_schema_accepts_everything(client, emulator):
    """And executes nothing: no mutation was resolved, and nothing costs more than before."""
    before = emulator.world.clusters
    checks = await client.check_schema()
    assert {check.operation for check in checks} >= MUTATIONS | {"ListClusters"}
    assert {check.verdict for check in checks} == {"accepted"}
    assert emulator.world.clusters == before
    assert set(emulator.world.requests) <= {"__typename"}


def served():
    """The schema that the emulator serves."""
    return resources.files("tensorone_graphql").joinpath("schema.graphql").read_text()


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


async def test_a_server_without_mutations_refuses_all_of_them():
    """Validators skip the fields of a root that is not there; no mutation of ours is believed to be accepted."""
    schema = served().replace("  mutation: Mutation\n", "")
    with Emulator(schema=schema) as emulator:
        async with TensorOne(emulator.api_key, url=emulator.url) as client:
            checks = await client.check_schema()
    assert {check.operation for check in checks if check.verdict == "refused"} == MUTATIONS
    assert {check.reasons for check in checks} == {(), ("the server accepts no mutation at all",)}


async def test_a_value_that_an_input_can_no_longer_have_is_seen():
    """Also one that is not the first of its enum."""
    with Emulator(schema=served().replace("  SECURE\n", "  GUARDED\n")) as emulator:
        async with TensorOne(emulator.api_key, url=emulator.url) as client:
            checks = {check.operation: check for check in await client.check_schema()}
    refused = {name: check.reasons for name, check in checks.items() if check.verdict == "refused"}
    assert refused.keys() == {"DeployCluster", "RentSpotCluster"}
    assert {reasons[0].partition(" enum")[0] for reasons in refused.values()} == {
        'Value "SECURE" does not exist in "CloudTypeEnum"'
    }


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (graphql(None, refusal("Argument 'input' has a bad value", code="X"), status=400), "refused"),
        (graphql(None, refusal("no such thing", code="GRAPHQL_VALIDATION_FAILED")), "refused"),
        (graphql(None, refusal("Internal server error", code="X"), status=500), "unknown"),
        (graphql(None, refusal("whatever", code="INTERNAL_SERVER_ERROR"), status=400), "unknown"),
        (graphql(None, refusal("sorry", code="X")), "unknown"),
    ],
)
async def test_only_validation_is_a_refusal(open_client, answer, verdict):
    """An outage does not count as a schema that moved."""
    (own,) = [each for each in operations() if each.name == "GetCluster"]
    answers = (graphql({"__typename": "Query"}), graphql(None, refusal("Cannot query field")), answer)
    async with scripted(*answers) as server, open_client(server.url) as client:
        (check,) = await client.check_schema([own])
    assert check.verdict == verdict
    assert len(check.reasons) == 1


async def test_without_a_refusal_of_nonsense_nothing_is_believed(open_client):
    """The control of queries, and that of mutations, may fail in another way."""
    own = [each for each in operations() if each.name in {"GetCluster", "StopCluster"}]
    harmless, nonsense = graphql({"__typename": "Query"}), graphql(None, refusal("Cannot query field"))
    tired = graphql(None, refusal("tired", code="X"))
    for answers, verdicts in (
        ((harmless, tired), {"GetCluster": "unknown", "StopCluster": "unknown"}),
        ((harmless, nonsense, tired, harmless), {"GetCluster": "accepted", "StopCluster": "unknown"}),
    ):
        async with scripted(*answers) as server, open_client(server.url) as client:
            checks = await client.check_schema(own)
        assert {check.operation: check.verdict for check in checks} == verdicts
        assert {check.reasons for check in checks if check.verdict == "unknown"} == {("tired",)}


async def test_an_error_of_the_harmless_query_is_raised(open_client):
    """Whatever stands against it stands against everything."""
    async with scripted(graphql(None, refusal("maintenance", code="X"))) as server, open_client(server.url) as client:
        with pytest.raises(QueryError, match="maintenance"):
            await client.check_schema()


async def test_one_s_own_operations_may_be_given(client):
    """Any that were generated."""
    (own,) = [each for each in operations() if each.name == "GetCluster"]
    assert [check.operation for check in await client.check_schema([own])] == ["GetCluster"]


async def test_a_server_that_does_not_validate_says_nothing(open_client):
    """It accepts nonsense."""
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


@pytest.mark.parametrize(
    ("status", "message", "code", "verdict"),
    [
        (200, "Cannot query field 'a' on type 'Query'.", "", "refused"),
        (200, 'Value "SECURE" does not exist in "CloudTypeEnum" enum.', "", "refused"),
        (200, "Field 'size' argument 'to' of type 'Int!' is required, but it was not provided.", "", "refused"),
        (200, "Field 'In.x' of required type 'Int!' was not provided.", "", "refused"),
        (200, "Field 'a' must not have a selection since type 'Int' has no subfields.", "", "refused"),
        (200, "Expected value of type 'In', found 5.", "", "refused"),
        (200, "Int cannot represent non-integer value: 0.5", "", "refused"),
        (200, "The mutation operation is not supported by the schema.", "", "refused"),
        (400, "Schema is not configured for mutations.", "", "refused"),
        (200, "Validation error (FieldUndefined@[a]) : Field 'a' in type 'Query' is undefined", "", "refused"),
        (200, "Field 'a' doesn't exist on type 'Query'", "undefinedField", "refused"),
        (200, "The field `a` does not exist on the type `Query`.", "", "refused"),
        (200, "field 'a' not found in type: 'query_root'", "validation-failed", "refused"),
        (422, "anything", "", "refused"),
        (400, "Unauthorized", "", "unknown"),
        (401, "anything", "", "unknown"),
        (403, "anything", "", "unknown"),
        (429, "Cannot query field 'a'", "", "unknown"),
        (400, "slow down", "TOO_MANY_REQUESTS", "unknown"),
        (503, "anything", "", "unknown"),
        (200, "There are no longer any instances available.", "", "unknown"),
    ],
)
def test_servers_of_several_makes_are_understood(status, message, code, verdict):
    """By their words of validation, their codes or the status."""
    errors = [{"message": message, "extensions": {"code": code}}]
    assert probing.verdict(errors, status, None) == verdict
    assert probing.verdict(errors, status, {"__typename": None}) == "unknown"


@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        ("Invalid API key: it has expired", "unknown"),
        ("Query is too complex: 900 exceeds 500", "unknown"),
        ("This field went away", "refused"),
        ('Cannot query field "token" on type "Cluster".', "refused"),
    ],
)
def test_a_key_or_a_limit_is_no_word_on_the_schema(message, verdict):
    """Though servers answer all of it with status 400."""
    assert probing.verdict([{"message": message}], 400, None) == verdict


def test_a_server_without_mutations_lacks_each_of_them():
    """As graphql-js says it when one is sent for real."""
    message = "Schema is not configured to execute mutation operation."
    assert server_errors.error_class([{"message": message}], 400) is OperationUnsupported
