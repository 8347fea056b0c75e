"""Keys, media types, statuses, errors and limits, over HTTP."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from graphql import get_introspection_query

from tensorone.emulator import Emulator

if TYPE_CHECKING:
    from .conftest import Ask

STOP = 'mutation StopIt { clusterStop(input: {clusterId: "riixlu8oclhp"}) { id } }'
MYSELF = "{ myself { id } }"


def test_a_wrong_key_is_401_without_json(emulator: Emulator, ask: Ask) -> None:
    """Nothing is carried out, and the body is not JSON."""
    answer = ask(STOP, key="tpo_live_wrong")
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/plain")
    assert emulator.world.clusters["riixlu8oclhp"].running


def test_without_a_key_myself_is_null(emulator: Emulator, ask: Ask) -> None:
    """`myself` is null without an error; everything else is unauthorised."""
    assert ask(MYSELF, key=None).json() == {"data": {"myself": None}}
    content = ask(STOP, key=None).json()
    assert content["data"] == {"clusterStop": None}
    assert content["errors"][0]["message"] == "Unauthorized"
    assert emulator.world.clusters["riixlu8oclhp"].running


def test_a_key_without_the_right_is_unauthorised_at_200(emulator: Emulator, ask: Ask) -> None:
    """A valid key may have no rights."""
    answer = ask(MYSELF, key=emulator.powerless_key)
    assert answer.status_code == 200
    content = answer.json()
    assert content["data"] == {"myself": None}
    (error,) = content["errors"]
    assert (error["message"], error["path"], error["extensions"]) == ("Unauthorized", ["myself"], {"code": "RUNPOD"})


def test_a_read_only_key_reads(emulator: Emulator, ask: Ask) -> None:
    """It can query, and cannot mutate."""
    assert ask(MYSELF, key=emulator.read_only_key).json()["data"]["myself"]["id"]
    assert ask(STOP, key=emulator.read_only_key).json()["errors"][0]["message"] == "Unauthorized"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_key_may_come_as_a_bearer_token(emulator: Emulator, scheme: str) -> None:
    """The header replaces the parameter of the URL."""
    headers = {"authorization": f"{scheme} {emulator.api_key}"}
    assert httpx.post(emulator.url, headers=headers, json={"query": MYSELF}).json()["data"]["myself"]


def test_other_schemes_are_ignored(emulator: Emulator) -> None:
    """Basic authentication counts as no key."""
    answer = httpx.post(emulator.url, headers={"authorization": "Basic x"}, json={"query": MYSELF})
    assert answer.json() == {"data": {"myself": None}}


def test_keys_may_hold_anything() -> None:
    """A key that needs escaping in a URL is accepted there."""
    key = "a&b=c d%2F#é"
    with Emulator(api_key=key) as emulator:
        assert httpx.post(emulator.url, params={"api_key": key}, json={"query": MYSELF}).json()["data"]["myself"]


def test_a_refusal_is_200_with_path_and_code(ask: Ask) -> None:
    """The field is null, and the error has its path and code."""
    answer = ask('mutation { gone: clusterTerminate(input: {clusterId: "nobody"}) }')
    assert answer.status_code == 200
    assert answer.json() == {
        "errors": [
            {
                "message": "pod not found to terminate",
                "locations": [{"line": 1, "column": 12}],
                "extensions": {"code": "POD_NOT_FOUND"},
                "path": ["gone"],
            }
        ],
        "data": {"gone": None},
    }


def test_refusals_may_speak_of_clusters() -> None:
    """The wording of texts and codes is a setting."""
    with Emulator(wording="cluster") as emulator:
        document = 'mutation { clusterTerminate(input: {clusterId: "nobody"}) }'
        answer = httpx.post(emulator.url, params={"api_key": emulator.api_key}, json={"query": document})
    (error,) = answer.json()["errors"]
    assert (error["message"], error["extensions"]["code"]) == ("cluster not found to terminate", "CLUSTER_NOT_FOUND")


@pytest.mark.parametrize(
    ("document", "code", "message"),
    [
        (
            'mutation { clusterStop(input: {clusterId: "x", restartPolicy: null}) { id } }',
            "GRAPHQL_VALIDATION_FAILED",
            'Field "restartPolicy" is not defined by type "ClusterStopInput".',
        ),
        ("{ myself { secrets } }", "GRAPHQL_VALIDATION_FAILED", 'Cannot query field "secrets" on type "User".'),
        (
            'mutation { clusterBidResume(input: {clusterId: "x", bidPerGpu: 1}) { id } }',
            "GRAPHQL_VALIDATION_FAILED",
            'Field "ClusterBidResumeInput.gpuCount" of required type "Int!" was not provided.',
        ),
        ("{ __schema { types { name } } }", "GRAPHQL_VALIDATION_FAILED", "GraphQL introspection has been disabled"),
        ("{ myself", "GRAPHQL_PARSE_FAILED", "Syntax Error: Expected Name, found <EOF>."),
        ("fragment F on User { id }", "OPERATION_RESOLUTION_FAILURE", "Must provide operation name"),
        (
            "query A { __typename } query B { __typename }",
            "OPERATION_RESOLUTION_FAILURE",
            "Must provide operation name",
        ),
    ],
)
def test_a_bad_document_is_400_without_data(ask: Ask, document: str, code: str, message: str) -> None:
    """The answer has errors in the service's form, and no data."""
    answer = ask(document)
    assert answer.status_code == 400
    content = answer.json()
    assert content.keys() == {"errors"}
    assert content["errors"][0]["message"].startswith(message)
    assert content["errors"][0]["extensions"] == {"code": code}


def test_bad_variables_are_400_without_data(ask: Ask) -> None:
    """A variable of the wrong type refuses the request before any resolver runs."""
    document = "mutation($id: String!) { clusterStop(input: {clusterId: $id}) { id } }"
    for variables in ({}, {"id": 7}):
        answer = ask(document, variables=variables)
        assert (answer.status_code, answer.json().keys()) == (400, {"errors"})
        assert answer.json()["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


def test_variables_and_operation_names_are_standard(emulator: Emulator, ask: Ask) -> None:
    """The named operation is carried out with its variables; the others are only validated."""
    document = (
        f"query Probe {{ __typename }} {STOP} query One($id: String!) {{ cluster(input: {{clusterId: $id}}) {{ id }} }}"
    )
    assert ask(document, operationName="Probe").json() == {"data": {"__typename": "Query"}}
    assert emulator.world.clusters["riixlu8oclhp"].running
    variables = {"id": "riixlu8oclhp"}
    assert ask(document, operationName="One", variables=variables).json()["data"]["cluster"] == variables
    assert ask(document, operationName="Two").json()["errors"][0]["message"] == 'Unknown operation named "Two".'


def test_introspection_may_be_allowed() -> None:
    """It is off by default; if allowed, the query that every tool sends is answered completely."""
    with Emulator(introspection=True) as emulator:
        answer = httpx.post(
            emulator.url, params={"api_key": emulator.api_key}, json={"query": get_introspection_query()}
        )
    assert answer.json()["data"]["__schema"]["queryType"]["name"] == "Query"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b'[{"query": "{ __typename }"}]',
        b"{}",
        b'{"query": 7}',
        b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "operationName": 7}',
        b'{"query": "{ __typename }", "extensions": "text"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_bad_body_is_400(emulator: Emulator, body: bytes) -> None:
    """A body that is not a GraphQL request is refused with a code of its own."""
    answer = post(emulator, body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


def test_another_content_type_is_400(emulator: Emulator) -> None:
    """Forms and plain text are refused."""
    assert post(emulator, json.dumps({"query": MYSELF}).encode(), content_type="text/plain").status_code == 400


JSON, GRAPHQL_RESPONSE = "application/json", "application/graphql-response+json"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/html", JSON),
        ("application/json", JSON),
        ("application/json, text/html;q=0.9, */*;q=0.1", JSON),
        ("application/graphql-response+json", GRAPHQL_RESPONSE),
        ("Application/GraphQL-Response+JSON; charset=utf-8", GRAPHQL_RESPONSE),
        ("application/json, application/graphql-response+json", GRAPHQL_RESPONSE),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL_RESPONSE),
        ("application/graphql-response+json;q=0, */*", JSON),
        ("application/json;q=0, */*", GRAPHQL_RESPONSE),
        ("application/json;q=0.1, application/*;q=0.2", GRAPHQL_RESPONSE),
        ("application/graphql-response+json;q=much", JSON),
        ("application/graphql-response+json;q=2", JSON),
        ("application/graphql-response+json;q=nan", JSON),
    ],
)
def test_the_accept_header_decides_the_media_type(emulator: Emulator, accept: str | None, media_type: str) -> None:
    """The media type of higher quality; of equal ones the newer, if the header names it."""
    with httpx.Client() as client:
        del client.headers["accept"]
        headers = {} if accept is None else {"accept": accept}
        answer = client.post(
            emulator.url, params={"api_key": emulator.api_key}, headers=headers, json={"query": MYSELF}
        )
    assert answer.headers["content-type"] == media_type
    assert answer.json()["data"]["myself"]


def test_several_accept_headers_count_as_one(emulator: Emulator) -> None:
    """HTTP allows a list header to be split."""
    headers = [("accept", "application/json;q=0.2"), ("accept", GRAPHQL_RESPONSE)]
    params = {"api_key": emulator.api_key}
    answer = httpx.post(emulator.url, params=params, headers=headers, json={"query": MYSELF})
    assert answer.headers["content-type"] == GRAPHQL_RESPONSE


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_RESPONSE])
@pytest.mark.parametrize(
    ("body", "status", "members"),
    [
        ({"query": "{"}, 400, {"errors"}),
        ({"query": "{ nonsense }"}, 400, {"errors"}),
        ({"query": "query($id: ID!) { __typename }", "variables": {"id": None}}, 400, {"errors"}),
        ({"query": 7}, 400, {"errors"}),
        ({"query": 'mutation { clusterTerminate(input: {clusterId: "nobody"}) }'}, 200, {"data", "errors"}),
    ],
)
def test_the_status_is_the_same_for_both_media_types(
    emulator: Emulator, accept: str, body: dict[str, Any], status: int, members: set[str]
) -> None:
    """400 without data for a request that cannot be executed, 200 as soon as there is data, null or not."""
    headers = {"accept": accept}
    answer = httpx.post(emulator.url, params={"api_key": emulator.api_key}, headers=headers, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, accept)
    assert answer.json().keys() == members


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 200), ("POST", "/", 404), ("GET", "/graphql", 405), ("GET", "/elsewhere", 404)],
)
def test_one_path_and_method_are_served(emulator: Emulator, method: str, path: str, status: int) -> None:
    """POST /graphql, and a line of text at the root."""
    answer = httpx.request(method, httpx.URL(emulator.url).copy_with(path=path))
    assert answer.status_code == status
    assert answer.headers["x-request-id"]


def test_every_answer_has_its_own_request_id(ask: Ask) -> None:
    """Answers and refusals have one."""
    ids = [ask(document).headers["x-request-id"] for document in (MYSELF, MYSELF, "{")]
    assert len(set(ids)) == 3


def test_texts_arrive_and_return_unchanged(emulator: Emulator) -> None:
    """Quotes, newlines, backslashes, emoji, and a lone surrogate."""
    name = 'a"b\\c\n#{}"""\U0001f600\ud800'
    document = """mutation($name: String) { clusterFindAndDeployOnDemand(
        input: {imageName: "i", gpuTypeId: "NVIDIA L4", name: $name}) { name } }"""
    body = json.dumps({"query": document, "variables": {"name": name}}).encode()
    content = json.loads(post(emulator, body).text)
    assert content["data"]["clusterFindAndDeployOnDemand"]["name"] == name


@pytest.mark.parametrize(
    "document",
    [
        "{" + " ".join(f"a{i}: __typename" for i in range(101)) + "}",
        "query { ...F } fragment F on Query {" + " ".join(f"a{i}: __typename" for i in range(101)) + "}",
        "{ myself " + "{ clusters " * 12 + "{ id }" + "}" * 13,
        "{a" * 4900,
        "{ myself { clusters { id " + "id " * 300 + "} } }",
        "{ __typename " + "# " * 3 + "\n" + "@skip(if: false) " * 3000 + "}",
        "{ "
        + " ".join(f"a{i}: myself {{ ...F }}" for i in range(90))
        + "} fragment F on User {"
        + " ".join(f"b{i}: id" for i in range(90))
        + "}",
    ],
    ids=["aliases", "fragment", "depth", "braces", "repeats", "tokens", "fields"],
)
def test_documents_too_large_are_refused(ask: Ask, document: str) -> None:
    """Too many root fields, levels, equal keys, tokens or fields: 400, and the next request is answered."""
    answer = ask(document)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"]
    assert ask(MYSELF).status_code == 200


def test_fragments_in_a_circle_are_refused(ask: Ask) -> None:
    """Measuring a document ends although its fragments are cyclic; unknown fragments count as 0."""
    circle = "{ ...A } fragment A on Query { ...B ...A } fragment B on Query { ... on Query { ...A ...None } }"
    answer = ask(circle)
    assert answer.status_code == 400
    assert any("itself" in error["message"] for error in answer.json()["errors"])


def test_bodies_too_large_are_refused(emulator: Emulator, ask: Ask) -> None:
    """More than a mebibyte is 413, and the next request is answered."""
    assert post(emulator, b" " * (1 << 20) + b" ").status_code == 413
    assert ask(MYSELF).status_code == 200


def test_documents_with_comments_are_validated_one_by_one(ask: Ask) -> None:
    """Quotes in comments and block strings do not hide fields from validation."""
    assert ask('{ __typename #"\n}').status_code == 200
    assert ask('{ __typename #"\n nonsense #"\n}').status_code == 400


def test_requests_are_counted_and_kept_without_the_key(emulator: Emulator) -> None:
    """The log has root fields, operation name, body and headers; its repr shows no secret."""
    headers = {"authorization": f"Bearer {emulator.api_key}", "x-mine": "yes"}
    httpx.post(emulator.url, params={"api_key": emulator.api_key}, headers=headers, json={"query": STOP})
    httpx.post(emulator.url, headers=headers, content=b"nothing")
    assert emulator.world.requests == {"clusterStop": 1}
    stop, nothing = emulator.world.log
    assert (stop.root_fields, stop.operation_name, stop.at) == (("clusterStop",), "StopIt", 0.0)
    assert json.loads(stop.body) == {"query": STOP}
    assert stop.headers["x-mine"] == "yes"
    assert (nothing.root_fields, nothing.operation_name, nothing.body) == ((), None, "nothing")
    assert emulator.api_key not in f"{stop.headers} {stop.body} {stop!r}"
    assert "riixlu8oclhp" not in repr(stop)


def test_logging_shows_neither_key_nor_values(emulator: Emulator, ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    """The log line of a request has its root fields, status and duration."""
    with caplog.at_level(logging.DEBUG, logger="tensorone.emulator"):
        ask(STOP)
    (record,) = [record for record in caplog.records if record.name == "tensorone.emulator"]
    assert record.getMessage().startswith("clusterStop: 200 after ")
    assert record.levelno == logging.DEBUG


def post(emulator: Emulator, body: bytes, *, content_type: str = "application/json; charset=utf-8") -> httpx.Response:
    """Sends raw bytes with the valid key."""
    params: dict[str, Any] = {"api_key": emulator.api_key}
    return httpx.post(emulator.url, params=params, headers={"content-type": content_type}, content=body)
