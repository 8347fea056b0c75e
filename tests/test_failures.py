"""Everything that can go wrong with a single request, on one page and on real sockets."""

import gzip
import json
import pickle
import zlib

import anyio
import pytest
from wires import graphql, http, refusal, scripted

from tensorone import (
    AuthenticationError,
    BidTooLow,
    ClusterNotFound,
    ConfigurationError,
    ConnectionFailed,
    NoCapacity,
    OperationUnsupported,
    OutcomeUnknown,
    QueryError,
    RateLimited,
    RequestTimedOut,
    RetryPolicy,
    TensorOneError,
    UnexpectedResponse,
)


@pytest.fixture(params=["httpx", "aiohttp"], autouse=True)
def over(request, monkeypatch):
    """Runs each test over both transports; on trio only httpx's own is used."""
    monkeypatch.setenv("TENSORONE_HTTP", "auto" if request.param == "aiohttp" else "httpx")


CLUSTER = {
    "id": "abc",
    "desiredStatus": "RUNNING",
    "imageName": "i",
    "env": ["A=hidden-value"],
    "machineId": None,
    "machine": None,
    "name": "n",
    "runtime": None,
}


async def fail(open_client, answer, call=lambda client: client.clusters.list(), **settings) -> TensorOneError:
    """The error with which a call ends when the server answers so; it is pickled on the way."""
    async with scripted(answer) as server, open_client(server.url, **settings) as client:
        with pytest.raises(TensorOneError) as caught:
            await call(client)
    error = caught.value
    duplicate = pickle.loads(pickle.dumps(error))
    assert type(duplicate) is type(error)
    assert str(duplicate) == str(error)
    assert duplicate.__dict__ == error.__dict__
    assert error.operation
    return error


NONE_LEFT = "There are no longer any instances available with"
WORDS = [
    (f"{NONE_LEFT} the requested specifications. Please refresh and try again.", NoCapacity),
    (f"{NONE_LEFT} the request specifications. Please try again later.", NoCapacity),
    (f"{NONE_LEFT} enough disk space.", NoCapacity),
    ("This machine does not have the resources to deploy your pod. Please try a different machine", NoCapacity),
    ("This machine does not have the resources to deploy your cluster. Please try a different machine", NoCapacity),
    ("There are no instances currently available", NoCapacity),
    ("There are not enough free GPUs on the host machine to start this pod.", NoCapacity),
    ("There are not enough free GPUs on the host machine to start this cluster.", NoCapacity),
    ("pod not found to terminate", ClusterNotFound),
    ("cluster not found to terminate", ClusterNotFound),
    ("Your bid of 0.1 is below the minimum of 0.2.", BidTooLow),
    ("Unauthorized", AuthenticationError),
    ("Cannot resume a spot pod as an on demand pod.", QueryError),
    ('Network volume "abc" not found', QueryError),
    ("Something entirely new", QueryError),
]


@pytest.mark.parametrize(("words", "kind"), WORDS)
async def test_the_servers_words_choose_the_error(open_client, words, kind):
    """Known messages choose their class, in both wordings; unknown ones stay a plain error, and no text is lost."""
    entry = refusal(words, networkVolumeId="v1")
    error = await fail(open_client, graphql({"myself": None}, entry, x_request_id="r-17"))
    assert type(error) is kind
    assert error.errors == [entry]
    assert error.data == {"myself": None}
    assert (error.status_code, error.request_id, error.attempts, error.operation) == (200, "r-17", 1, "ListClusters")
    assert words in str(error)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("UNAUTHENTICATED", AuthenticationError), ("FORBIDDEN", AuthenticationError), ("POD_NOT_FOUND", ClusterNotFound)],
)
async def test_codes_choose_the_error_before_words(open_client, code, kind):
    """`extensions.code` chooses the class where the message is unknown."""
    assert type(await fail(open_client, graphql(None, refusal("?", code)))) is kind


@pytest.mark.parametrize("status", [401, 403])
async def test_a_wrong_key_need_not_be_answered_in_json(open_client, status):
    """First shape of an authentication failure: a bare status."""
    error = await fail(open_client, http(status, "go away", content_type="text/plain"))
    assert type(error) is AuthenticationError
    assert error.status_code == status
    assert "TENSORONE_API_KEY" in str(error)


async def test_an_account_that_is_null_is_an_authentication_failure(open_client):
    """Second shape: data without an account, and no error."""
    assert type(await fail(open_client, graphql({"myself": None}))) is AuthenticationError


async def test_errors_beside_an_account_that_is_null_are_too(open_client):
    """Third shape: "Unauthorized" in a list of errors at status 200."""
    error = await fail(open_client, graphql({"myself": None}, refusal("Unauthorized")))
    assert type(error) is AuthenticationError


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("Cannot query field 'runtime' on type 'Cluster'.", "runtime"),
        ('Field "volumeKey" is not defined by type "ClusterFindAndDeployOnDemandInput".', "volumeKey"),
        ('Unknown argument "input" on field "Query.cluster".', "input"),
        ("Syntax is fine but the schema is not.", None),
    ],
)
async def test_a_schema_that_moved_names_what_it_lacks(open_client, message, name):
    """HTTP 400 with validation errors keeps all of them, names the field, and says to regenerate."""
    entries = [refusal(message, "GRAPHQL_VALIDATION_FAILED"), refusal("and more", "GRAPHQL_VALIDATION_FAILED")]
    error = await fail(open_client, graphql(None, *entries, status=400))
    assert type(error) is OperationUnsupported
    assert error.unsupported == name
    assert error.errors == entries
    assert error.status_code == 400
    assert "regenerate" in str(error)


@pytest.mark.parametrize("entries", [[{}], ["text"], [None], {"message": "alone"}, [{"message": 7, "extensions": "x"}]])
async def test_odd_entries_of_errors_do_no_harm(open_client, entries):
    """Errors without a message, errors that are text, and errors that are no list each give one error."""
    error = await fail(open_client, http(200, json.dumps({"data": None, "errors": entries})))
    assert type(error) is QueryError
    assert error.errors


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'"text"',
        b'{"data": null}',
        b'{"data": {"myself": 7}}',
        b'{"data": {"myself": {"clusters": [{"id": 7}]}}}',
        b"<html>captive portal</html>",
        b'{"data": {"myself": {"clusters": ' + b"[" * 100_000,
        b"\xff\xfe\x00",
    ],
)
async def test_a_body_of_another_shape_is_said_to_be_so(open_client, body):
    """Garbage, HTML, deep nesting and foreign JSON at status 200 give one clear error with an excerpt."""
    error = await fail(open_client, http(200, body))
    assert type(error) is UnexpectedResponse
    assert error.status_code == 200
    assert len(error.excerpt) <= 300


async def test_a_shape_error_shows_where_but_no_values(open_client):
    """The error names the path of the field that differs, and blanks environment values in the excerpt."""
    cluster = CLUSTER | {"desiredStatus": None}
    error = await fail(open_client, graphql({"myself": {"clusters": [cluster]}}))
    assert "data.myself.clusters.0.desiredStatus" in str(error)
    assert "hidden-value" not in str(error) + error.excerpt
    assert "A=***" in error.excerpt


@pytest.mark.parametrize("status", [204, 301, 307, 404, 413, 500, 502, 520, 599])
async def test_a_status_without_graphql_is_named(open_client, status):
    """The error has the status; redirects are not followed, and only their path is shown."""
    location = "https://elsewhere.example/login?api_key=tpo_x"
    error = await fail(open_client, http(status, "" if status == 204 else "<html>", location=location))
    assert type(error) is UnexpectedResponse
    assert error.status_code == status
    assert f"HTTP {status}" in str(error)
    assert "tpo_x" not in str(error)


async def test_graphql_errors_win_over_a_bad_status(open_client):
    """A body with GraphQL errors is read at any status."""
    error = await fail(open_client, graphql(None, refusal("teapot"), status=418))
    assert type(error) is QueryError
    assert (error.status_code, error.errors[0]["message"]) == (418, "teapot")


@pytest.mark.parametrize("body", ["slow down", json.dumps({"errors": [refusal("slow down")]})])
async def test_too_many_requests_say_how_long_to_wait(open_client, body):
    """429 is RateLimited whatever its body, with the seconds that the server asked for."""
    error = await fail(open_client, http(429, body, retry_after="17"))
    assert type(error) is RateLimited
    assert (error.retry_after, error.retryable, error.status_code) == (17.0, True, 429)


async def hang_up(stream) -> None:
    """Closes the connection without an answer."""
    await stream.aclose()


async def cut_short(stream) -> None:
    """Announces more bytes than it sends."""
    await stream.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{")
    await stream.aclose()


async def say_nothing(stream) -> None:
    """Never answers."""
    await stream.receive()


async def drip(stream) -> None:
    """Sends a body without end, byte by byte."""
    await stream.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n")
    while True:
        await stream.send(b" ")
        await anyio.sleep(0.01)


async def endless_headers(stream) -> None:
    """Sends headers without end."""
    await stream.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await stream.send(b"x-more: " + b"y" * 1000 + b"\r\n")


async def endless_body(stream) -> None:
    """Sends a body without end."""
    await stream.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        await stream.send(b"10000\r\n" + b" " * 65536 + b"\r\n")


@pytest.mark.parametrize("behaviour", [hang_up, cut_short, endless_headers, b"nonsense\r\n\r\n", b"HTTP/1.1 200\r\n"])
async def test_a_broken_connection_is_a_connection_failure(open_client, behaviour):
    """A read whose answer is lost failed without harm, and the error says how often it was tried."""
    error = await fail(open_client, behaviour, retry=RetryPolicy(attempts=2, wait_initial=0), timeout=0.3)
    assert isinstance(error, ConnectionFailed)
    assert (error.attempts, error.retryable, error.billing) == (2, True, None)
    assert "ConnectTimeout" not in str(error)  # as httpx-aiohttp calls it, although the request was sent


@pytest.mark.parametrize("behaviour", [say_nothing, drip])
async def test_an_answer_that_does_not_end_in_time_is_a_timeout(open_client, behaviour):
    """The timeout covers the whole attempt, slow bodies included."""
    error = await fail(open_client, behaviour, timeout=0.2)
    assert type(error) is RequestTimedOut
    assert isinstance(error, TimeoutError)
    assert "0.2 s" in str(error)


async def test_a_server_that_is_not_there_is_a_connection_failure(open_client):
    """Nothing was sent; the error keeps its cause, which holds no key."""
    async with open_client("http://127.0.0.1:1/graphql") as client:
        with pytest.raises(ConnectionFailed) as caught:
            await client.clusters.list()
    assert repr(caught.value.__cause__).startswith(("ConnectError", "ConnectTimeout"))
    assert "api_key" not in str(caught.value.__cause__.request.url)


GZIPPED = {"content_encoding": "gzip"}


async def test_compressed_answers_are_read(open_client):
    """Responses compressed with gzip, as requested, are read."""
    body = gzip.compress(json.dumps({"data": {"myself": {"clusters": [CLUSTER]}}}).encode())
    async with scripted(http(200, body, **GZIPPED)) as server, open_client(server.url) as client:
        assert [cluster.id for cluster in await client.clusters.list()] == ["abc"]
        assert server.requests[0].headers["accept-encoding"] == "gzip"


def bomb() -> bytes:
    """A gigabyte of blanks in about a megabyte."""
    packer = zlib.compressobj(9, wbits=31)
    block = b" " * 2**20
    return b"".join(packer.compress(block) for _ in range(1024)) + packer.flush()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http(200, b" " * 70_000), "larger than 65536 bytes"),
        (endless_body, "larger than 65536 bytes"),
        (http(200, bomb(), **GZIPPED), "larger than 65536 bytes"),
        (http(200, b"x", content_encoding="br"), "packed as 'br'"),
    ],
    ids=["long", "endless", "bomb", "brotli"],
)
async def test_an_answer_that_is_too_large_is_not_read(open_client, answer, words):
    """Neither a large body nor a small one that unpacks to a gigabyte takes more memory than allowed."""
    error = await fail(open_client, answer, max_response_bytes=65_536)
    assert type(error) is UnexpectedResponse
    assert words in str(error)


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b'{"data": {}}')[:-9]], ids=["foreign", "cut"])
async def test_a_compressed_body_that_is_damaged_is_a_connection_failure(open_client, body):
    """A damaged body counts as cut on the way, like any other incomplete body."""
    assert type(await fail(open_client, http(200, body, **GZIPPED))) is ConnectionFailed


async def test_a_client_works_inside_its_lifetime_only(open_client):
    """Use before the block, after it or twice is a configuration error; closing twice is allowed."""
    async with scripted(graphql({"gpuTypes": None})) as server:
        client = open_client(server.url)
        with pytest.raises(ConfigurationError, match="not opened"):
            await client.gpu_types.list()
        async with client:
            assert await client.gpu_types.list() == []
            with pytest.raises(ConfigurationError, match="open"):
                await client.__aenter__()
        with pytest.raises(ConfigurationError, match="closed"):
            await client.gpu_types.list()
        await client.aclose()
        with pytest.raises(TypeError, match="pickled"):
            pickle.dumps(client)


FAULT = refusal("Something went wrong. Please try again later or contact support.", "INTERNAL_SERVER_ERROR")


@pytest.mark.parametrize("answer", [graphql(None, FAULT), http(500, "<html>"), hang_up, http(200, "?")])
async def test_a_mutation_whose_answer_is_lost_is_sent_once(open_client, answer):
    """A rent or resume is not repeated after an ambiguous failure: its outcome is unknown, with the cause kept."""
    async with scripted(answer) as server, open_client(server.url, retry=RetryPolicy(wait_initial=0)) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await client.graphql.resume_cluster("abc", gpu_count=1)
    assert len(server.requests) == 1
    assert isinstance(caught.value.__cause__, TensorOneError)
    assert "billed" in (caught.value.billing or "")
