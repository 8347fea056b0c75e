"""Asking a server which operations it accepts, without executing any."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import graphql
import pytest
from codegen.conftest import ROOT
from codegen.servers import NO_INTROSPECTION, GraphQLServer

from tensorone.emulator import Emulator
from tensorone_codegen.__main__ import STOPPED, main
from tensorone_codegen._errors import CodegenError
from tensorone_codegen._project import settings, sources
from tensorone_codegen._server import probe, remote

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.conftest import Project

SCHEMA = """
scalar When
enum Order { ASC DESC }
type Query { thing(id: ID!, order: Order, when: When, at: When!): Thing  things(ids: [ID!], filter: Filter): [Thing!] }
type Mutation { make(input: Make!, flag: Boolean = true): Thing }
type Thing { id: ID! name: String size(unit: Float): Float }
input Make { name: String! count: Int inner: Inner price: Float }
input Inner { order: Order make: Make flag: Boolean }
input Filter { any: [Filter!] }
"""
QUERIES = """
query Probe($id: ID!, $order: Order, $at: When!, $when: When) {
  thing(id: $id, order: $order, at: $at, when: $when) { ...Thing }
}
query Things($unit: Float, $ids: [ID!], $filter: Filter, $skip: Boolean!) {
  again: things(ids: $ids, filter: $filter) @skip(if: $skip) { size(unit: $unit) }
}
mutation Make($input: Make!) { make(input: $input) { ...Thing } }
fragment Thing on Thing { id name }
"""


@pytest.fixture(scope="module")
def project(make_project: Callable[..., Project]) -> Project:
    """A project with an operation of every kind."""
    return make_project(SCHEMA, QUERIES)


@pytest.fixture(scope="module")
def loaded(project: Project) -> sources.Project:
    """The same, read."""
    return sources.load(settings.read(project.root))


def ask(loaded: sources.Project, server: GraphQLServer) -> list[probe.Answer]:
    """Probes a server while it runs."""
    with server.running():
        return probe.probe(loaded, remote.Server(server.url))


def test_the_document_asks_everything_and_does_nothing(loaded: sources.Project) -> None:
    """The harmless query comes first; behind it every argument and field stands, with samples, skipped."""
    documents = [probe.document(loaded, node) for node in loaded.operations]
    assert documents == [
        'query Probe{__typename} query Probe_{thing(id:"" order:ASC at:"" when:null) @skip(if:true){id name}'
        ' thing_1:thing(id:"" order:DESC at:"" when:null) @skip(if:true){__typename}}',
        'query Probe{__typename} query Things{again:things(ids:[""] filter:{any:[]}) @include(if:false)'
        " @skip(if:false){size(unit:0.5)}}",
        "query Probe{__typename} mutation Make{make(input:"
        '{name:"" count:0 inner:{order:ASC make:null flag:false} price:0.5}) @skip(if:true){id name}'
        ' make_1:make(input:{name:"" inner:{order:DESC}}) @skip(if:true){__typename}}',
    ]
    for document in documents:
        assert graphql.validate(loaded.schema, graphql.parse(document)) == []


def test_what_is_known_is_accepted_and_nothing_runs(loaded: sources.Project) -> None:
    """A server that knows all of it says so, with introspection switched off, and executes no field of ours."""
    server = GraphQLServer(SCHEMA, NO_INTROSPECTION)
    assert [(each.operation, each.verdict) for each in ask(loaded, server)] == [
        ("Probe", "accepted"),
        ("Things", "accepted"),
        ("Make", "accepted"),
    ]
    assert server.executed == []
    assert all(body["operationName"] == "Probe" for _, _, body in server.asked)


def test_executing_the_other_operation_does_nothing_either(loaded: sources.Project) -> None:
    """Should a server pick ours, the skipped root fields leave nothing to execute."""
    executed: list[str] = []
    for node in loaded.operations:
        document = probe.document(loaded, node)
        name = graphql.parse(document).definitions[1].name.value
        result = graphql.graphql_sync(
            loaded.schema, document, operation_name=name, field_resolver=lambda *_, **__: executed.append("!")
        )
        assert (result.data, result.errors) == ({}, None)
    assert executed == []


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        ("name: String size", "size", ["thing.name: Cannot query", "make.name: Cannot query"]),
        ("inner: Inner price", "price", ["make.input.inner: Field 'inner' is not defined by type 'Make'"]),
        ("order: Order, when", "when", ["thing.order: Unknown argument 'order' on field 'Query.thing'"]),
        ("ASC DESC", "DESC", ["thing.order: Value 'ASC'", "make.input.inner.order: Value 'ASC'"]),
        ("ASC DESC", "ASC", ["thing.order: Value 'DESC'", "make.input.inner.order: Value 'DESC'"]),
        ("size(unit: Float)", "size(unit: Float, to: Int!)", ["again.size: Field 'size' argument 'to'"]),
    ],
)
def test_what_is_refused_is_named(loaded: sources.Project, before: str, after: str, refused: list[str]) -> None:
    """A server without a field, an argument or a value says so, and the answer names the place."""
    answers = ask(loaded, GraphQLServer(SCHEMA.replace(before, after), NO_INTROSPECTION))
    reasons = [str(reason) for each in answers for reason in each.reasons]
    expected = [text.replace("again.", "things.") for text in refused]
    assert len(reasons) == len(expected)
    assert all(reason.startswith(text) for reason, text in zip(reasons, expected, strict=True)), reasons
    assert {each.verdict for each in answers if each.reasons} == {"refused"}


def test_a_server_that_does_not_validate_tells_nothing(loaded: sources.Project) -> None:
    """Whoever accepts a field that nobody has is not believed."""
    answers = ask(loaded, GraphQLServer(SCHEMA, rules=None))
    assert {each.verdict for each in answers} == {"unknown"}
    assert "does not validate" in answers[0].reasons[0].message


@pytest.mark.parametrize(
    ("status", "answer", "verdict", "reasons"),
    [
        (200, {"errors": "down"}, "unknown", ["down"]),
        (400, {"errors": [{"message": "m", "locations": [{"line": 1}]}]}, "refused", ["m"]),
        (400, {"errors": [{"message": "m", "locations": 5}]}, "refused", ["m"]),
        (400, {"errors": [{"message": "m", "locations": [5, {"column": float("inf")}]}]}, "refused", ["m"]),
        (422, {"errors": [{"code": 1}, None]}, "refused", ["{'code': 1}", "None"]),
        (200, {"errors": [{"message": "m", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}]}, "refused", ["m"]),
        (200, {"errors": [{"message": "busy"}], "data": {"__typename": "Query"}}, "unknown", ["busy"]),
        (429, {"errors": [{"message": "Too many requests"}]}, "unknown", ["Too many requests"]),
        (500, {"errors": [{"message": "Internal server error"}]}, "unknown", ["Internal server error"]),
        (200, {"errors": [{"message": "Unauthorized"}]}, "unknown", ["Unauthorized"]),
        (400, {"errors": [{"message": "Cannot query field 'a'", "locations": [{"column": 38}]}] * 2}, "refused", []),
    ],
)
def test_odd_answers_are_read_as_they_are(
    loaded: sources.Project, status: int, answer: dict[str, Any], verdict: str, reasons: list[str]
) -> None:
    """Errors of any shape are reported; an outage, a limit and failed execution do not count."""
    first = ask(loaded, odd("thing(", status, json.dumps(answer).encode()))[0]
    expected = reasons or ["thing: Cannot query field 'a'"]
    assert (first.verdict, list(map(str, first.reasons))) == (verdict, expected)


def odd(words: str, status: int, content: bytes) -> GraphQLServer:
    """A server that answers documents with some words in its own way."""
    server = GraphQLServer(SCHEMA)
    usual = server.answer
    server.answer = lambda body: (status, content) if words in body["query"] else usual(body)  # type: ignore[method-assign]  # part of the test
    return server


def test_a_root_that_is_missing_is_seen(loaded: sources.Project) -> None:
    """Validators skip the fields of a root that is not there, so it has a control of its own."""
    answers = {
        each.operation: each for each in ask(loaded, GraphQLServer(SCHEMA.replace("type Mutation", "type Gone")))
    }
    assert {name: each.verdict for name, each in answers.items()} == {
        "Probe": "accepted",
        "Things": "accepted",
        "Make": "refused",
    }
    assert answers["Make"].reasons[0].message == "the server accepts no mutation at all"


@pytest.mark.parametrize(
    ("kind", "verdicts"),
    [("query Nonsense", ["unknown"] * 3), ("mutation Nonsense", ["accepted", "accepted", "unknown"])],
)
def test_a_control_that_fails_otherwise_tells_nothing(loaded: sources.Project, kind: str, verdicts: list[str]) -> None:
    """Without a refusal of nonsense, acceptance means nothing."""
    answers = ask(loaded, odd(kind, 500, b'{"errors": [{"message": "tired"}]}'))
    assert [each.verdict for each in answers] == verdicts
    assert str(answers[-1].reasons[0]) == "tired"


def test_what_a_server_says_is_one_clean_line(loaded: sources.Project) -> None:
    """Neither the key nor what steers a terminal comes through, and no line that looks like a verdict."""
    key = "tpo_test/0123456789"
    said = f"Cannot query field \\u001b[31m{key}\\naccepted  Make ?api_key=tpo_test%2f0123456789"
    server = odd("thing(", 400, f'{{"errors": [{{"message": "{said}"}}]}}'.encode())
    with server.running():
        (first, *_) = probe.probe(loaded, remote.Server(server.url, key))
    assert str(first.reasons[0]) == "Cannot query field *** accepted  Make ?api_key=***"


def test_a_server_that_answers_nothing_is_no_verdict(loaded: sources.Project) -> None:
    """When even the harmless query fails, that is said instead of refusals."""
    with pytest.raises(CodegenError, match="answers no query at all: maintenance"):
        ask(loaded, GraphQLServer(reply=(200, b'{"errors": [{"message": "maintenance"}]}')))


def test_the_emulator_takes_all_operations(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The SDK's own operations, by command, against a server of other make: all accepted, nothing rented."""
    with Emulator(api_key="tpo_test_0123456789") as emulator:
        monkeypatch.setenv(remote.KEY_VARIABLE, "tpo_test_0123456789")
        monkeypatch.chdir(ROOT)
        assert main(["probe", emulator.url]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert emulator.world.requests == {"__typename": len(lines) + 3}
    assert "accepted  DeployCluster" in lines
    assert all(line.startswith("accepted") for line in lines)


def test_the_status_says_the_worst(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """3 for a refusal, 2 for unknown, and the answers as JSON on demand."""
    monkeypatch.chdir(project.root)
    with GraphQLServer(SCHEMA.replace("name: String size", "size")).running() as server:
        assert main(["probe", server.url, "--format", "json"]) == 3
        answers = json.loads(capsys.readouterr().out)
        assert [each["verdict"] for each in answers] == ["refused", "accepted", "refused"]
        assert answers[0]["reasons"] == [
            {"message": "Cannot query field 'name' on type 'Thing'.", "fields": ["thing.name"]}
        ]
        assert main(["probe", server.url]) == 3
        assert capsys.readouterr().out.splitlines()[:2] == [
            "refused   Probe",
            "    thing.name: Cannot query field 'name' on type 'Thing'.",
        ]
        server.rules = None
        assert main(["probe", server.url]) == 2
    assert main(["probe", server.url]) == STOPPED
    assert "cannot be reached" in capsys.readouterr().err
