"""Rate limits in the body of a response: which words and codes mean one, what follows, and what else a limit may be."""

import json
import random

import anyio
import httpx
import pytest
from wires import graphql, http, refusal, scripted

from tensorone import (
    AuthenticationError,
    ClusterSpec,
    NoCapacity,
    OperationUnsupported,
    OutcomeUnknown,
    QueryError,
    RateLimited,
    RetryPolicy,
    TensorOne,
    UnexpectedResponse,
)
from tensorone._graphql.extension_values import wait
from tensorone._graphql.server_errors import error_class, is_limit, may_have_acted


@pytest.fixture(params=["httpx", "aiohttp"])
def over(request, monkeypatch):
    """Over both transports; on trio there is only httpx's own."""
    monkeypatch.setenv("TENSORONE_HTTP", "auto" if request.param == "aiohttp" else "httpx")


QUICK = RetryPolicy(attempts=4, wait_initial=0.001, total_timeout=5)
SPEC = ClusterSpec(image_name="i", gpu_type_id="NVIDIA A40")
PLACED = {"id": "abc", "desiredStatus": "RUNNING", "imageName": "i", "env": [], "machineId": None, "machine": None}
THROTTLED = refusal("Throttled", "THROTTLED")


def entry(message: str = "?", **fields: object) -> dict[str, object]:
    """An entry of `errors`."""
    return {"message": message, **fields}


def coded(code: object) -> dict[str, object]:
    """An entry with nothing but a code."""
    return entry(extensions={"code": code})


LIMITS = [
    *map(coded, ["THROTTLED", "RATE_LIMITED", "RATELIMITED", "rate-limit-exceeded", "Too many requests", 429, "429"]),
    *map(coded, ["TooManyRequestsException", "userRateLimitExceeded", "RATE_LIMIT_ERROR", "HTTP_429", "slow_down"]),
    entry(type="RATE_LIMITED"),
    entry(errorType="ThrottlingException"),
    entry(extensions={"category": "rate-limit"}),
    entry(extensions={"http": {"status": 429}}),
    entry(extensions={"http": {"statusCode": 429, "headers": {"Retry-After": "7"}}}),
    entry(extensions={"status": "429"}),
    entry(extensions={"statusCode": 429}),
    entry(extensions={"errorHttpCode": 429}),
    entry(extensions={"response": {"status": 429, "body": {"x": []}}}),
    entry(extensions={"exception": {"status": 429, "stacktrace": ["at x"]}}),
    entry(extensions={"exception": {"name": "ThrottlerException"}}),
    entry(extensions={"code": "INTERNAL_SERVER_ERROR", "originalError": {"statusCode": 429}}),
    *map(
        entry,
        [
            "You are trying to access 'clusterFindAndDeployOnDemand' too often",
            "API rate limit exceeded for user ID 1.",
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
            "Rate limit for Mutation.clusterStop exceeded. Try again later.",
            "rate limited",
            "Rate-limited by upstream",
            "You are being rate limited.",
            "You have been temporarily rate-limited",
            "Too Many Requests",
            "Too many requests, please try again in 9 seconds.",
            "ThrottlerException: Too Many Requests",
            "Throttled",
            "Request was throttled. Expected available in 17 seconds.",
            "Your requests are throttled",
            "Rate exceeded",
            "Please slow down",
            "Request limit exceeded",
            "You have reached your API limit",
            "API quota exceeded",
            "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of 100 queries per minute",
            "Exceeded 100 requests per minute",
            "100 requests per minute exceeded",
            "The maximum number of requests has been exceeded",
            "You have exceeded the number of allowed requests",
            "You are sending requests too quickly",
            "You have reached your rate limit",
            "API rate-limit reached",
            "Request rate limit exceeded",
            "Request rate is too large",
            "Please reduce your request rate.",
            "Maximum requests exceeded",
            "You're being throttled",
            "You've made too many requests",
            "Daily request quota exceeded",
            "You have exhausted your API quota",
            "Quota exceeded: 1000 requests/day",
            "You have reached the limit of 60 requests per 60 seconds",
            "Request failed with status code 429",
            "429 Too Many Requests",
            "RATE_LIMITED",
            "rateLimitExceeded",
            "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again.",
            "was submitted too quickly",
            "This endpoint has been requested too many times. Try again later.",
            "You're doing that too much",
            "Request blocked by rate limit",
            "Rate limit exceeded for Subgraph 'a' at Path 'b'.",
            "Too many requests from 1.2.3.4, rate limited by rule x",
            "Please try again later: rate limited",
            "RateLimitExceeded: try again in 12s",
            "Rate limiting in effect",
            "Rate limit active, wait 5 seconds",
            "Rate limit: 10 requests per second",
            "rate limiter: limit exceeded",
            "Rejected by the rate limiter",
            "This operation was throttled, retry later",
            "Operation throttled",
            "API usage limit exceeded",
            "Excessive request rate",
            "Burst limit exceeded",
            "Flood control: wait 5 seconds",
            "Backoff requested, retry in 3 seconds",
            "Query limit exceeded. Retry after 3s",
        ],
    ),
    refusal("Rate limit exceeded", "FORBIDDEN"),
    entry(extensions={"errors": ["?", {"code": "RATE_LIMITED"}]}),
    # As Apollo's router, Contentful, DatoCMS, monday.com, Yelp and DGS write them.
    refusal("Your request has been shed", "REQUEST_CONCURRENCY_LIMITED"),
    refusal("Your request has been rate limited", "ROUTER_RATE_LIMITED"),
    entry("You made too many calls in a while", extensions={"contentful": {"code": "RATE_LIMIT_EXCEEDED"}}),
    entry(attributes={"code": "RATE_LIMIT_EXCEEDED", "details": {}}),
    entry("Budget exhausted", extensions={"code": "COMPLEXITY_BUDGET_EXHAUSTED", "status_code": 429}),
    coded("TOO_MANY_REQUESTS_PER_SECOND"),
    entry(extensions={"errorType": "UNAVAILABLE", "errorDetail": "ENHANCE_YOUR_CALM"}),
    refusal("You are trying to access 'myself' too often", "INTERNAL_SERVER_ERROR"),
]


@pytest.mark.parametrize("one", LIMITS, ids=str)
def test_a_limit_is_known_in_every_wording(one):
    """Codes count in any case and place, statuses under any name, words as the known servers write them."""
    assert error_class([one], 200) is RateLimited
    assert not may_have_acted([one], 200)


OTHERS = [
    (entry("GPU limit exceeded for your account"), QueryError),
    (entry("Argument limit must be positive"), QueryError),
    (entry("Input 'requests per second' is invalid: it exceeds 100"), QueryError),
    (entry("Your spending limit is reached: wait for 3 minutes"), QueryError),
    (entry("Image pull rate limit exceeded: toomanyrequests"), QueryError),
    (entry("InvalidArgument: try again in 12s"), QueryError),
    (entry("Spending limit reached"), QueryError),
    (entry("You have exceeded the rate limit of your budget: $80 per hour"), QueryError),
    (entry("Hourly rate limit exceeded: 2.5 above 2.0"), QueryError),
    (entry("limit exceeded"), QueryError),
    (entry("Max pods per account reached"), QueryError),
    (entry("Request for 8 GPUs exceeds your limit"), QueryError),
    (entry("Too many clusters requested"), QueryError),
    (entry("You can create 20 clusters per hour"), QueryError),
    (entry("Request entity too large"), QueryError),
    (entry("Cluster 429 has failed"), QueryError),
    (entry("Query depth limit of 10 exceeded"), QueryError),
    (entry("Query complexity limit exceeded: 1200 over 1000"), QueryError),
    (entry("The query cost is above the request limit, exceeded by 10"), QueryError),
    (entry("You have reached the maximum number of pods"), QueryError),
    (entry("GPU quota exceeded for your request"), QueryError),
    (entry("Too many requests in a batch"), QueryError),
    (entry("You do not have enough credits"), QueryError),
    (entry("The rate limit of your plan cannot be changed"), QueryError),
    (entry("Pod quota exceeded: no more requests are accepted"), QueryError),
    (coded("QUOTA_EXCEEDED"), QueryError),
    (coded("RESOURCE_EXHAUSTED"), QueryError),
    (coded("COST_LIMIT_EXCEEDED"), QueryError),
    (
        refusal("Query cost is 2161, which exceeds the max cost limit (1000)", "MAX_COST_EXCEEDED"),
        QueryError,
    ),
    (refusal("node limit exceeded", "node-limit-exceeded"), QueryError),
    (entry("The maximum allowed complexity for a query is 11000"), QueryError),
    # The source may have been asked after another one acted.
    (entry("The throughput is exceeded", errorType="DynamoDB:ThrottlingException"), QueryError),
    (coded("depth-limit-exceeded"), QueryError),
    (coded(True), QueryError),
    (coded(None), QueryError),
    (entry(extensions={"name": "rateLimit", "code": "argumentNotAccepted"}), QueryError),
    (entry(extensions={"a": {"b": {"c": {"d": {"status": 429}}}}}), QueryError),
    (refusal("Cannot query field 'rateLimit' on type 'Query'.", "GRAPHQL_VALIDATION_FAILED"), OperationUnsupported),
    (entry("Cannot query field 'throttled' on type 'Query'."), OperationUnsupported),
    (refusal("Too many requests with a wrong key", "UNAUTHENTICATED"), AuthenticationError),
    (entry("Unauthorized"), AuthenticationError),
    (coded("forbidden"), AuthenticationError),
    (entry("There are no instances currently available: too many requests"), NoCapacity),
]


@pytest.mark.parametrize(("one", "kind"), OTHERS, ids=str)
def test_a_limit_of_something_else_stays_what_it_is(one, kind):
    """Money, machines, the size of a document, the key and the schema have limits of their own."""
    assert error_class([one], 200) is kind
    assert not is_limit(one)


def test_403_beside_a_time_to_wait_is_a_limit():
    """Unless the entries speak of the key; without the time it is about the key."""
    assert error_class([], 403, asked_to_wait=True) is RateLimited
    assert error_class([entry()], 403, asked_to_wait=True) is RateLimited
    assert error_class([entry("Forbidden")], 403, asked_to_wait=True) is AuthenticationError
    assert error_class([], 403) is AuthenticationError


def test_a_limit_beside_a_fault_of_the_server_may_hide_what_was_done():
    """The fault alone stands for something that may have happened; 429 is the word of the whole server."""
    fault = coded("INTERNAL_SERVER_ERROR")
    assert error_class([fault, THROTTLED], 200) is RateLimited
    assert may_have_acted([fault, THROTTLED], 200)
    assert not may_have_acted([THROTTLED], 503)
    assert may_have_acted([entry()], 503)
    assert not may_have_acted([fault], 429)


@pytest.mark.parametrize(
    ("one", "seconds"),
    [
        (entry(), None),
        (entry(extensions={"retryAfter": 30}), 30),
        (entry(extensions={"retry_after": "2.5"}), 2.5),
        (entry(extensions={"retryAfterMs": 1500}), 1.5),
        (entry(extensions={"retryAfterSeconds": 3}), 3),
        (entry(extensions={"retryDelay": "17s"}), 17),
        (entry(extensions={"http": {"headers": {"retry-after": "7"}}}), 7),
        (entry(extensions={"retryAfter": "Mon, 12 Jan 1970 13:47:40 GMT"}), 60),
        (entry(extensions={"retryAfter": True}), None),
        (entry(extensions={"retryAfter": "1.2.3"}), None),
        (entry(extensions={"resetAt": "1970-01-12T13:47:00Z"}), 20),
        (entry(extensions={"resetAt": "1970-01-12T13:47:00"}), 20),
        (entry(extensions={"resetAt": 1_000_020}), 20),
        (entry(extensions={"resetAt": 4_102_444_800_000}), 4_101_444_800),
        (entry(extensions={"resetAt": 10**400}), None),
        (entry(extensions={"resetAt": 10**20}), None),
        (entry(extensions={"retryAfter": "1970-01-12T13:47:00Z"}), 20),
        (entry(extensions={"retryAfterMinutes": 2}), 120),
        (entry(extensions={"details": ["?", {"retryDelay": "17s"}]}), 17),
        (entry(extensions={"rateLimit": {"reset": 20}}), 20),
        (entry(extensions={"headers": {"x-ratelimit-reset": "1790000000"}}), 1_789_000_000),
        (entry("Retry in 1m30s"), 90),
        (entry("try again in 1 hour, 5 minutes and 3 seconds"), 3903),
        (entry("Try again in a minute"), 60),
        (entry("Retry-After: 7"), 7),
        (entry("retry after 1,000 seconds"), None),
        (entry(extensions={"resetAt": "soon"}), None),
        (entry(extensions={"retryAfter": 1, "exception": {"retryAfter": 4}}), 4),
        (entry("Request was throttled. Expected available in 17 seconds."), 17),
        (entry("Please try again in 250 ms"), 0.25),
        (entry("Please wait 2 minutes"), 120),
        (entry("100 requests in 60 seconds are allowed"), None),
    ],
    ids=str,
)
def test_the_time_to_wait_is_read_wherever_it_stands(one, seconds):
    """In extensions under any of the names servers use, and in the words."""
    found = wait([one], 1_000_000.0)
    assert found is None if seconds is None else found == pytest.approx(seconds)


SAID = [
    graphql(None, THROTTLED),
    graphql(None, {"message": "?", "type": "RATE_LIMITED"}),
    graphql(None, {"message": "?", "extensions": {"http": {"status": 429}}}),
    graphql(None, {"message": "API rate limit exceeded"}, status=403),
    graphql(None, {"message": "Too many requests"}, status=503),
    http(403, "<html>", retry_after="0"),
    http(403, json.dumps({"message": "You have exceeded a secondary rate limit."})),
    http(400, json.dumps({"error": {"type": "x", "message": "Too many requests"}})),
    http(200, "Too Many Requests"),
    http(503, json.dumps({"statusCode": 429, "message": "?"})),
]


@pytest.mark.parametrize("said", SAID, ids=str)
@pytest.mark.usefixtures("over")
async def test_a_rental_that_was_limited_is_sent_again(open_client, said):
    """A limit means that nothing was done, whatever the status; the call succeeds, and was sent three times."""
    placed = graphql({"clusterFindAndDeployOnDemand": PLACED})
    async with scripted(said, said, placed) as server, open_client(server.url, retry=QUICK) as client:
        assert (await client.clusters.deploy(SPEC)).id == "abc"
        assert client.throttle.requests_per_second is not None
    assert len(server.requests) == 3


@pytest.mark.usefixtures("over")
async def test_a_limit_that_never_ends_is_raised_with_its_time(open_client):
    """The error is the same one as for status 429."""
    said = graphql(None, {"message": "Throttled", "extensions": {"code": "THROTTLED", "retryAfter": 0.01}})
    async with scripted(said) as server, open_client(server.url, retry=QUICK) as client:
        with pytest.raises(RateLimited) as caught:
            await client.clusters.list()
    assert (caught.value.retry_after, caught.value.attempts, caught.value.retryable) == (0.01, 4, True)
    assert caught.value.errors[0]["message"] == "Throttled"


@pytest.mark.parametrize("status", [200, 403, 429, 503])
async def test_retry_after_counts_at_whatever_status_stands_beside_a_limit(open_client, status):
    """A wait that does not fit the budget ends the call at once, and those behind it without a request."""
    said = graphql(None, THROTTLED, status=status, retry_after="3600")
    async with scripted(said) as server, open_client(server.url, retry=QUICK) as client:
        for attempts in (1, 0):
            with pytest.raises(RateLimited, match=r"3600|3599") as caught:
                await client.clusters.list()
            assert caught.value.attempts == attempts
    assert len(server.requests) == 1


async def test_extensions_of_the_whole_response_may_say_how_long(open_client):
    """Some servers write the time beside `errors` and not into an entry."""
    body = {"data": None, "errors": [THROTTLED], "extensions": {"retryAfter": 3600}}
    async with scripted(http(200, json.dumps(body))) as server, open_client(server.url) as client:
        with pytest.raises(RateLimited) as caught:
            await client.clusters.list()
    assert caught.value.retry_after == 3600


async def test_retry_after_beside_another_refusal_at_status_200_means_nothing(open_client):
    """A page of the service shows the header on success, too."""
    said = graphql(None, refusal("no"), retry_after="3600")
    async with scripted(said) as server, open_client(server.url) as client:
        with pytest.raises(QueryError) as caught:
            await client.clusters.list()
        assert "3600" not in str(caught.value)
        assert client.throttle.paused_for == 0


@pytest.mark.usefixtures("over")
async def test_an_id_beside_a_limit_survives(open_client):
    """What the data names exists: the rental is not sent again, and the cluster is adopted."""
    limited = graphql({"clusterFindAndDeployOnDemand": {"id": "abc"}}, THROTTLED)
    cluster = PLACED | {"name": "n", "runtime": None}
    async with (
        scripted(limited, graphql({"cluster": cluster})) as server,
        open_client(server.url, retry=QUICK) as client,
    ):
        assert (await client.clusters.deploy(SPEC)).id == "abc"
    assert [request.query.count("clusterFindAndDeployOnDemand") for request in server.requests] == [1, 0]


async def test_a_fault_beside_a_limit_leaves_a_resume_unknown(open_client):
    """It is not sent again."""
    said = graphql(None, refusal("Something went wrong.", "INTERNAL_SERVER_ERROR"), THROTTLED)
    async with scripted(said) as server, open_client(server.url, retry=QUICK) as client:
        with pytest.raises(OutcomeUnknown):
            await client.graphql.resume_cluster("abc", gpu_count=1)
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", ["<html>Too Many Requests</html>", "x" * 900, "[]", "", '{"message": 7}'])
async def test_a_page_is_not_a_limit(open_client, body):
    """Only a line of text, or a gateway's JSON with words or a status, is read for its meaning."""
    async with scripted(http(418, body)) as server, open_client(server.url) as client:
        with pytest.raises(UnexpectedResponse):
            await client.clusters.list()


def test_a_limit_without_a_time_is_waited_out_by_the_policy(run_virtually):
    """The attempts are not used up while the limit still holds: back-off and pause add up."""

    async def main() -> None:
        began = anyio.current_time()

        def answer(_: httpx.Request) -> httpx.Response:
            body = {"data": {"gpuTypes": []}} if anyio.current_time() > began + 1 else {"errors": [THROTTLED]}
            return httpx.Response(200, json=body)

        async with TensorOne("key", transport=httpx.MockTransport(answer)) as client:
            random.seed(1)
            assert await client.gpu_types.list() == []

    run_virtually(main)


def test_the_whole_client_pauses_for_a_limit_in_the_body(run):
    """Also for calls that did not meet it, on both event loops."""

    async def main() -> None:
        said = graphql(None, {"message": "Throttled", "extensions": {"retryAfter": 60}})
        retry = RetryPolicy(total_timeout=5)
        async with scripted(said) as server, TensorOne("key", url=server.url, retry=retry) as client:
            for call in (client.clusters.list, client.gpu_types.list, lambda: client.clusters.stop("abc")):
                with pytest.raises(RateLimited):
                    await call()
            assert client.throttle.paused_for > 50
        assert len(server.requests) == 1

    run(main)
