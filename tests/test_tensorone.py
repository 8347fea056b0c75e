"""The client as a whole: operations as generated, given transports, unknown ids."""

import copy
import pickle
from collections.abc import AsyncIterator

import httpx
import pytest
from tensorone_graphql import GET_CLUSTER, LIST_GPU_TYPES
from wires import graphql

from tensorone import ClusterNotFound, ClusterSpec, ConnectionFailed, FileStore, InvalidArgument, RetryPolicy, TensorOne

URL = "https://api.example/graphql"
ONCE = RetryPolicy(attempts=1)


class Given(httpx.AsyncBaseTransport):
    """A user's transport: answers by a function, and notes whether it was closed."""

    def __init__(self, answer) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []
        self.closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)

    async def aclose(self) -> None:
        self.closed = True


class Plain(httpx.AsyncByteStream):
    """A body that is an iterator and not a generator."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = iter(parts)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for part in self._parts:
            return part
        raise StopAsyncIteration


async def test_operations_run_as_generated(client):
    """Operations run with variables by their names in the document, and without any."""
    assert (await client.execute(GET_CLUSTER, {"clusterId": "riixlu8oclhp"})).cluster.id == "riixlu8oclhp"
    assert len((await client.execute(LIST_GPU_TYPES)).gpu_types) > 10


async def test_an_unknown_cluster_is_an_error(client):
    """The server answers null, and the error has the id."""
    with pytest.raises(ClusterNotFound, match="nosuchcluster"):
        await client.clusters.get("nosuchcluster")


async def test_a_cluster_without_gpus_needs_no_gpu_type(client, emulator):
    """A cluster without GPUs is deployed to reach its data."""
    placed = await client.clusters.deploy(ClusterSpec(image_name="i", gpu_count=0))
    assert emulator.world.clusters[placed.id].order.gpu_type_id is None


async def test_a_given_transport_is_used_and_left_open():
    """A given transport gets the key in the address, since it is unknown how it reads the request."""
    given = Given(lambda _: httpx.Response(200, stream=Plain(b'{"data":', b'{"gpuTypes": []}}')))
    async with TensorOne("the-key", url=URL, transport=given) as client:
        assert await client.gpu_types.list() == []
    assert not given.closed
    assert str(given.requests[0].url) == f"{URL}?api_key=the-key"


class Sync(httpx.SyncByteStream):
    """A body for the other kind of client."""

    def __iter__(self):
        yield graphql({"gpuTypes": []})


async def test_a_transport_of_the_wrong_kind_is_refused():
    """A transport whose body cannot be awaited is refused with a clear error."""
    given = Given(lambda _: httpx.Response(200, stream=Sync()))
    async with TensorOne("the-key", url=URL, transport=given, retry=ONCE) as client:
        with pytest.raises(ConnectionFailed, match="not an async iterable"):
            await client.gpu_types.list()


async def test_an_error_of_a_transport_that_holds_the_key_is_withheld():
    """Neither the transport's message nor its error is kept, only the name of its class."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise OSError(f"cannot reach {request.url}")

    async with TensorOne("the-key", url=URL, transport=Given(refuse), retry=ONCE) as client:
        with pytest.raises(ConnectionFailed, match="OSError") as caught:
            await client.gpu_types.list()
    assert "the-key" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_the_address_of_a_request_copies_without_the_key():
    """The address that httpx's own transport gets can be copied and pickled like any address."""
    seen = []

    class Spy(httpx.AsyncHTTPTransport):
        """Notes the address."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            seen.append(request.url)
            return httpx.Response(200, stream=Plain(b'{"data": {"gpuTypes": []}}'))

    async with Spy() as spy, TensorOne("the-key", url=URL, transport=spy) as client:
        await client.gpu_types.list()
    assert b"the-key" in seen[0].raw_path
    for view in (
        str(seen[0]),
        repr(seen[0]),
        str(copy.copy(seen[0])),
        repr(pickle.dumps(seen[0])),
        str(httpx.URL(seen[0])),
    ):
        assert "the-key" not in view


@pytest.mark.parametrize("cluster_id", ["", 7, "a b", 'x"}', "ü"])
async def test_an_invalid_id_is_refused(client, emulator, cluster_id):
    """Every call that takes an id refuses an invalid one before anything is sent."""
    calls = [
        client.clusters.get,
        client.clusters.stop,
        client.clusters.terminate,
        lambda each: client.clusters.resume(each, gpu_count=1),
        lambda each: client.spot.resume(each, bid_per_gpu=1, gpu_count=1),
    ]
    for call in calls:
        with pytest.raises(InvalidArgument) as caught:
            await call(cluster_id)
        assert caught.value.field == "cluster_id"
    assert emulator.world.requests.total() == 0


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: TensorOne("a-key", retry=5), "retry"),
        (lambda: TensorOne("a-key", transport=httpx.Client()), "transport"),
        (lambda: TensorOne.from_profile(path=5), "path"),
        (lambda: FileStore(b"fleet.json"), "path"),
    ],
)
def test_an_argument_of_another_kind_is_named_at_once(make, field):
    """What would raise an error of Python's own, later, is refused where it is given."""
    with pytest.raises(InvalidArgument) as caught:
        make()
    assert caught.value.field == field
