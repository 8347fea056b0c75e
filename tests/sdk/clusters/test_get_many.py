"""Many clusters in few requests: order, batches, and what one cluster's failure costs the others."""

import re

import pytest
from wires import graphql, http, refusal, scripted

from tensorone import (
    AuthenticationError,
    ConnectionFailed,
    InvalidArgument,
    OperationUnsupported,
    QueryError,
    TensorOne,
    UnexpectedResponse,
)

ASKED = re.compile(r'(?:(\w+):)?cluster\(input:\{clusterId:"(\w+)"\}\)')
NULLS = dict.fromkeys(("imageName", "machineId", "machine", "name", "runtime"))


def cluster(cluster_id: str) -> dict:
    """A cluster as the server returns it."""
    return {"id": cluster_id, "desiredStatus": "RUNNING", "env": ["A=secret-value"], **NULLS}


class Server:
    """Answers each alias separately; refuses a request as a whole where `refuse` says so."""

    def __init__(self, *, broken=(), unknown=(), missing=(), silent=(), refuse=lambda ids: None) -> None:
        self.broken, self.unknown, self.missing, self.silent = broken, unknown, missing, silent
        self.refuse = refuse
        self.sizes: list[int] = []
        self.url = ""

    def answer(self, query: str) -> bytes:
        asked = {alias or "cluster": cluster_id for alias, cluster_id in ASKED.findall(query)}
        self.sizes.append(len(asked))
        if (refused := self.refuse(list(asked.values()))) is not None:
            return refused
        bad = {
            alias: words
            for alias, each in asked.items()
            if (words := "boom" * (each in self.broken) or "Cluster not found" * (each in self.unknown))
        }
        errors = [refusal(words) | {"path": [alias, "runtime"]} for alias, words in bad.items()]
        silent = self.silent if len(asked) > 1 else ()
        data = {
            alias: None if alias in bad or each in self.missing else cluster(each)
            for alias, each in asked.items()
            if each not in silent
        }
        return graphql(data, *errors)

    async def serve(self, main, open_client, **settings) -> None:
        """Runs the test with a client on this server."""
        async with scripted() as server:

            async def reply(stream):
                await stream.send(self.answer(server.requests[-1].query))

            server.answers.append(reply)
            async with open_client(server.url, **settings) as client:
                await main(client)


def ids(count: int) -> list[str]:
    """So many ids."""
    return [f"id{index}" for index in range(count)]


def seen(clusters) -> list[str | None]:
    """The ids of the clusters, with None for a missing one."""
    return [each and each.id for each in clusters]


async def test_clusters_come_in_the_order_asked_for(client: TensorOne, emulator):
    """Results follow the given ids, duplicates included, with None for missing clusters, in one request."""
    wanted = ["riixlu8oclhp", "nosuchcluster", "inzk6tzuz833h5", "riixlu8oclhp"]
    clusters = await client.clusters.get_many(iter(wanted))
    assert seen(clusters) == ["riixlu8oclhp", None, "inzk6tzuz833h5", "riixlu8oclhp"]
    assert clusters[0] == await client.clusters.get("riixlu8oclhp")
    assert [len(request.root_fields) for request in emulator.world.log] == [3, 1]


async def test_a_hundred_and_twenty_clusters_are_three_requests(client: TensorOne, emulator):
    """A batch has at most fifty reads, which the emulator accepts; without ids no request is sent."""
    assert await client.clusters.get_many(ids(120)) == [None] * 120
    assert sorted(len(request.root_fields) for request in emulator.world.log) == [20, 50, 50]
    assert await client.clusters.get_many([]) == []
    assert len(emulator.world.log) == 3


async def test_the_style_of_arguments_makes_no_difference(emulator):
    """Ids are written into the document in both argument styles, since a batch declares no variable types."""
    async with TensorOne(emulator.api_key, url=emulator.url, arguments="variables") as client:
        assert seen(await client.clusters.get_many(["riixlu8oclhp", "x"])) == ["riixlu8oclhp", None]


@pytest.mark.parametrize("bad", ["", 'x"}', None, 7])
async def test_a_bad_id_is_refused_before_anything_is_sent(client: TensorOne, emulator, bad):
    """An invalid id is refused before anything is sent, and the error says which one."""
    with pytest.raises(InvalidArgument) as caught:
        await client.clusters.get_many(["riixlu8oclhp", bad])
    assert caught.value.field == "cluster_ids[1]"
    assert emulator.world.requests.total() == 0


async def test_one_string_is_not_taken_for_its_letters(client: TensorOne):
    """A single string is refused instead of being read as a list of letters."""
    with pytest.raises(InvalidArgument, match="one string"):
        await client.clusters.get_many("riixlu8oclhp")


def test_a_missing_cluster_may_be_null_or_an_error(run, open_client):
    """An alias that is "not found" gives None, and the other clusters keep their environments."""
    server = Server(unknown=["id3", "id7"], missing=["id5"])

    async def main(client):
        clusters = await client.clusters.get_many(ids(10))
        assert seen(clusters) == [None if index in {3, 5, 7} else f"id{index}" for index in range(10)]
        assert clusters[0].env == ["A=secret-value"]

    run(server.serve, main, open_client)
    assert server.sizes == [10, 8]


def test_nothing_but_missing_clusters_is_one_request(run, open_client):
    """Missing clusters that the errors name are not requested again."""
    server = Server(unknown=ids(4))

    async def main(client):
        assert await client.clusters.get_many(ids(4)) == [None] * 4
        assert await client.clusters.get_many(["id0"]) == [None]

    run(server.serve, main, open_client)
    assert server.sizes == [4, 1]


def test_a_cluster_that_fails_is_asked_for_by_itself(run, open_client):
    """A transient failure of one cluster costs two requests; a lasting one is raised for that cluster."""
    server = Server(broken=["id2"])

    async def main(client):
        with pytest.raises(QueryError, match="boom") as caught:
            await client.clusters.get_many(ids(5))
        assert caught.value.operation == "GetCluster"
        server.sizes.clear()
        real = server.answer

        def healed(query):
            answer = real(query)
            server.broken = ()
            return answer

        server.answer = healed
        assert seen(await client.clusters.get_many(ids(5))) == ids(5)

    run(server.serve, main, open_client)
    assert server.sizes == [5, 4, 1]


def test_what_an_answer_leaves_out_is_asked_for_by_itself(run, open_client):
    """A cluster that an answer omits is requested again instead of being reported as missing."""
    server = Server(silent=["id1"])

    async def main(client):
        assert seen(await client.clusters.get_many(ids(3))) == ids(3)

    run(server.serve, main, open_client)
    assert server.sizes == [3, 1]


@pytest.mark.parametrize(
    "refused",
    [
        http(413, "too large"),
        graphql(None, refusal("query cost 700 is above 100", code="GRAPHQL_VALIDATION_FAILED"), status=400),
        graphql(None, {"message": "too complex", "path": None}),
        graphql(None, {"message": "too complex", "path": ["elsewhere"]}),
        graphql(None, {"message": "too complex", "path": [0]}),
    ],
)
def test_a_batch_that_is_refused_as_a_whole_is_halved(run, open_client, refused):
    """A batch that is refused as a whole is halved as often as needed, down to single clusters."""
    server = Server(refuse=lambda asked: refused if len(asked) > 2 else None)

    async def main(client):
        assert seen(await client.clusters.get_many(ids(9))) == ids(9)

    run(server.serve, main, open_client)
    assert server.sizes == [9, 4, 2, 2, 5, 2, 3, 1, 2]


def test_how_many_a_server_takes_is_remembered(run, open_client):
    """The next call starts with the batch size that the server accepted; one broken cluster does not reduce it."""
    refused = graphql(None, refusal("too many aliases"), status=400)
    server = Server(refuse=lambda asked: refused if len(asked) > 15 or "bad" in asked[:-1] else None)

    async def main(client):
        await client.clusters.get_many(["bad", *ids(3)])
        assert server.sizes == [4, 2, 1, 1, 2]
        server.sizes.clear()
        await client.clusters.get_many(ids(50))
        assert server.sizes == [50, 25, 12, 13, 25, 12, 13]
        server.sizes.clear()
        await client.clusters.get_many(ids(50))
        assert sorted(server.sizes) == [11, 13, 13, 13]

    run(server.serve, main, open_client)


@pytest.mark.parametrize(
    ("refused", "kind"),
    [
        (graphql(None, refusal("Unauthorized", code="UNAUTHENTICATED")), AuthenticationError),
        (graphql(None, refusal('Cannot query field "machine" on type "Cluster".')), OperationUnsupported),
        (http(200, "garbage"), UnexpectedResponse),
        (graphql({}, refusal("later"), status=503), QueryError),
    ],
)
def test_what_would_fail_in_smaller_batches_too_is_raised_at_once(run, open_client, refused, kind):
    """A wrong key or another schema is raised after one request, since smaller batches would fail as well."""
    server = Server(refuse=lambda asked: refused)

    async def main(client):
        with pytest.raises(kind) as caught:
            await client.clusters.get_many(ids(9))
        assert caught.value.operation == "GetClusters"

    run(server.serve, main, open_client)
    assert server.sizes == [9]


def test_a_failed_connection_does_not_make_batches_smaller(run, open_client):
    """A failed connection does not reduce the batch; the error is raised once the executor gives up."""

    async def main():
        async with open_client("http://127.0.0.1:1/graphql") as client:
            with pytest.raises(ConnectionFailed) as caught:
                await client.clusters.get_many(ids(2))
            assert caught.value.operation == "GetClusters"

    run(main)
