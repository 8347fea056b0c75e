"""What is sent again, when, and how often; on real sockets."""

import anyio
import pytest
from wires import graphql, http, scripted

from tensorone import (
    ConnectionFailed,
    QueryError,
    RateLimited,
    RetryPolicy,
    TensorOneError,
    UnexpectedResponse,
    fan_out,
)


@pytest.fixture(params=["httpx", "aiohttp"], autouse=True)
def over(request, monkeypatch):
    """Over both transports; on trio there is only httpx's own."""
    monkeypatch.setenv("TENSORONE_HTTP", "auto" if request.param == "aiohttp" else "httpx")


GOOD = graphql({"gpuTypes": []})
QUICK = RetryPolicy(attempts=4, wait_initial=0.001, total_timeout=5)


async def hang_up(stream) -> None:
    """Closes without a word."""
    await stream.aclose()


async def attempts(open_client, *answers, retry=QUICK, call=lambda client: client.gpu_types.list(), **settings):
    """How many requests a call took, and the error it ended with."""
    async with scripted(*answers) as server, open_client(server.url, retry=retry, **settings) as client:
        try:
            await call(client)
        except TensorOneError as error:
            return len(server.requests), error
        return len(server.requests), None


@pytest.mark.parametrize("status", [502, 503, 504, 520, 521, 522, 523, 524])
async def test_statuses_that_pass_are_repeated(open_client, status):
    """A proxy that has no server behind it for a moment delays a read."""
    assert await attempts(open_client, http(status), http(status), GOOD) == (3, None)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 501, 525])
async def test_other_statuses_are_not(open_client, status):
    """A failure that will not pass by itself is raised at once."""
    count, error = await attempts(open_client, http(status), GOOD)
    assert (count, error.attempts) == (1, 1)


async def test_a_lost_answer_to_a_read_is_repeated(open_client):
    """Reading twice is the same as reading once."""
    assert await attempts(open_client, hang_up, hang_up, GOOD) == (3, None)


async def test_attempts_are_bounded_and_counted(open_client):
    """The error says how often it was tried."""
    count, error = await attempts(open_client, hang_up)
    assert (count, error.attempts, type(error)) == (4, 4, ConnectionFailed)


async def test_one_attempt_leaves_repeating_to_the_caller(open_client):
    """`attempts=1` sends once."""
    assert (await attempts(open_client, http(502), retry=RetryPolicy(attempts=1)))[0] == 1


async def test_graphql_errors_are_not_repeated(open_client):
    """The server understood and refused."""
    count, error = await attempts(open_client, graphql(None, {"message": "no"}), GOOD)
    assert (count, type(error)) == (1, QueryError)


async def test_a_mutation_is_not_repeated_after_a_status_that_passes(open_client):
    """Behind a bad gateway the server may have acted."""
    resume = {"call": lambda client: client.graphql.resume_cluster("abc", gpu_count=1)}
    assert (await attempts(open_client, http(502), GOOD, **resume))[0] == 1
    assert (await attempts(open_client, hang_up, GOOD, **resume))[0] == 1


async def test_a_mutation_that_was_refused_whole_is_repeated(open_client):
    """Status 429 means that nothing was done."""
    stopped = graphql({"clusterResume": None})
    resume = {"call": lambda client: client.graphql.resume_cluster("abc", gpu_count=1)}
    assert await attempts(open_client, http(429, retry_after="0.01"), stopped, **resume) == (2, None)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_wait_longer_than_the_budget_is_refused_at_once(open_client, status):
    """Nobody sleeps for an hour to fail then; the error says how long it would have been."""
    began = anyio.current_time()
    count, error = await attempts(open_client, http(status, retry_after="3600"), GOOD)
    assert count == 1
    assert anyio.current_time() - began < 2
    assert type(error) is (RateLimited if status == 429 else UnexpectedResponse)
    assert "3600" in str(error)


async def test_a_long_pause_ends_every_call_that_cannot_wait_for_it(open_client):
    """The calls that queue behind the refused one, and those that come later, are refused without being sent."""
    answer = http(429, retry_after="3600")
    async with scripted(answer) as server, open_client(server.url, retry=QUICK, max_connections=1) as client:
        outcomes = await fan_out(lambda _: client.gpu_types.list(), range(5))
        errors = [outcome.error for outcome in outcomes]
    assert len(server.requests) == 1
    assert {type(error) for error in errors} == {RateLimited}
    assert all(3000 < error.retry_after <= 3600 for error in errors)
    assert [error.attempts for error in errors] == [1, 0, 0, 0, 0]
    assert "earlier request" in str(errors[1])


async def test_retry_after_is_waited_for(open_client):
    """The pause is the server's, not the policy's."""
    began = anyio.current_time()
    assert await attempts(open_client, http(503, retry_after="0.2"), GOOD) == (2, None)
    assert anyio.current_time() - began >= 0.2


async def test_the_time_of_an_attempt_fits_the_budget(open_client):
    """The last attempt gets what is left of the total, not a full timeout more."""

    async def silent(stream) -> None:
        await stream.receive()

    began = anyio.current_time()
    retry = RetryPolicy(attempts=5, total_timeout=0.5, wait_initial=0)
    _, error = await attempts(open_client, silent, retry=retry, timeout=0.3)
    assert error.attempts == 2
    assert anyio.current_time() - began < 2
