"""What errors call a call: by the name that the user wrote, and by the operation that was sent."""

from operator import attrgetter

import pytest
from tensorone_graphql import GET_CLUSTER
from wires import graphql, refusal, scripted

from tensorone import ConfigurationError, InvalidArgument, OutcomeUnknown, QueryError, TensorOne
from tensorone._generated import operations
from tensorone._graphql.calls import CALLS, name

REFUSED = graphql(None, refusal("no"))


def test_every_call_in_the_table_exists():
    """On the client, under that name."""
    client = TensorOne("key")
    for call in CALLS.values():
        assert callable(attrgetter(call)(client)), call


def test_every_operation_has_a_call_or_is_sent_by_loops_alone():
    """A new operation is entered or named here; a user's own keeps its name."""
    assert {each.name for each in operations()} - CALLS.keys() == {"GetFixedPrices", "GetOnDemandPrice"}
    assert name("MyOwn") == "MyOwn"


@pytest.mark.parametrize(
    ("call", "said", "operation"),
    [
        (lambda client: client.clusters.list(), "clusters.list: no", "ListClusters"),
        (lambda client: client.clusters.stop("abc"), "clusters.stop: no", "StopCluster"),
        (lambda client: client.execute(GET_CLUSTER, {"clusterId": "abc"}), "clusters.get: no", "GetCluster"),
    ],
)
async def test_a_message_begins_with_the_call(open_client, call, said, operation):
    """`.operation` is the operation's own name, as before."""
    async with scripted(REFUSED) as server, open_client(server.url) as client:
        with pytest.raises(QueryError) as caught:
            await call(client)
    assert str(caught.value).startswith(said)
    assert caught.value.operation == operation


async def test_an_unknown_outcome_names_the_call(open_client):
    """It is the call that may have happened."""
    said = graphql(None, refusal("Something went wrong.", "INTERNAL_SERVER_ERROR"))
    async with scripted(said) as server, open_client(server.url) as client:
        with pytest.raises(OutcomeUnknown, match=r"^clusters\.resume may have happened") as caught:
            await client.graphql.resume_cluster("abc", gpu_count=1)
    assert caught.value.operation == "ResumeCluster"


async def test_errors_before_anything_is_sent_name_their_operation():
    """A client that is not open, a variable that cannot be written."""
    client = TensorOne("key", url="http://127.0.0.1:1/")
    with pytest.raises(ConfigurationError) as closed:
        await client.clusters.list()
    with pytest.raises(ConfigurationError) as probe:
        await client.check_schema()
    async with client:
        with pytest.raises(InvalidArgument) as refused:
            await client.execute(GET_CLUSTER, {"clusterId": object()})
    assert [each.value.operation for each in (closed, probe, refused)] == ["ListClusters", "Probe", "GetCluster"]
