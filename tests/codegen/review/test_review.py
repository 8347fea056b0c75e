"""What a new schema means for the operations of a project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import graphql
import pytest
from codegen.conftest import ROOT

from tensorone.emulator import Emulator
from tensorone_codegen.__main__ import main
from tensorone_codegen._project import settings, sources
from tensorone_codegen._review import report, review

if TYPE_CHECKING:
    from collections.abc import Callable

    from codegen.conftest import Project

SCHEMA = """
directive @fast(level: Int = 1, why: String) repeatable on FIELD | QUERY
scalar When
scalar Mark @specifiedBy(url: "https://old.example")
enum Status { ON OFF }
enum Order { ASC DESC }
interface Item { id: ID! }
interface Named { name: String }
union Any = Thing | Part
type Thing implements Item {
  id: ID!
  name: String
  size: Float
  status: Status!
  tags(first: Int = 10, order: Order, from: String!): [String!]
  part: Part
  mark: Mark
  old: Int @deprecated(reason: "gone soon")
}
type Part implements Item & Named { id: ID! name: String }
type Unused { x: Int y(a: Int): Int }
input Make { name: String! count: Int = 1 inner: Inner order: Order when: When }
input Inner { a: Int! b: String }
input Spare { z: Int }
type Query { thing(id: ID!): Thing any: Any item: Item unused(spare: Spare): Unused }
type Mutation { make(input: Make!): Thing  drop(id: ID!): Int }
"""
QUERIES = """
query ReadThing($id: ID!) { thing(id: $id) { ...Thing } }
query ReadAny { any { __typename ... on Part { id } } item { id } }
mutation MakeThing($input: Make!) { make(input: $input) { ...Thing } }
mutation Drop($id: ID!) @idempotent { drop(id: $id) @fast(level: 2) }
fragment Thing on Thing {
  id
  size
  status
  tags(from: "x", order: ASC)
}
"""

BOTH = ["ReadThing", "MakeThing"]
OURS, OTHERS, DANGEROUS, DANGEROUS_OTHERS = "breaking", "breaking-others", "dangerous", "dangerous-others"
DEPRECATED, ADDED = "deprecation", "additive"
NO_MUTATION = "type Mutation { make(input: Make!): Thing  drop(id: ID!): Int }"

# What is replaced by what, what becomes of it, for which coordinate, touching which operations.
CHANGES: list[tuple[str, str, str, str, list[str]]] = [
    # Types
    (
        "type Unused { x: Int y(a: Int): Int }",
        "type Unused { x: Int y(a: Int): Int } type New { n: Int }",
        ADDED,
        "New",
        [],
    ),
    ("scalar When", "enum When { NOW }", OURS, "When", ["MakeThing"]),
    ("scalar When", 'scalar When @specifiedBy(url: "https://new.example")', ADDED, "When", ["MakeThing"]),
    ("https://old.example", "https://new.example", DANGEROUS_OTHERS, "Mark", []),
    ("type Unused {", "type New implements Item { id: ID! } type Unused {", DANGEROUS, "New & Item", ["ReadAny"]),
    ("type Unused {", "interface Unused {", OTHERS, "Unused", []),
    ("input Spare { z: Int }", "", OTHERS, "Spare", []),
    # Fields
    ("  size: Float\n", "", OURS, "Thing.size", BOTH),
    ("  name: String\n  size", "  size", OTHERS, "Thing.name", []),
    ("  part: Part\n", "  part: Part weight: Float\n", ADDED, "Thing.weight", BOTH),
    ("size: Float", "size: String", OURS, "Thing.size", BOTH),
    ("size: Float", "size: [Float]", OURS, "Thing.size", BOTH),
    ("size: Float", "size: Float!", ADDED, "Thing.size", BOTH),
    ("status: Status!", "status: Status", OURS, "Thing.status", BOTH),
    (": [String!]", ": [String]", OURS, "Thing.tags", BOTH),
    (": [String!]", ": [String!]!", ADDED, "Thing.tags", BOTH),
    ("size: Float", 'size: Float @deprecated(reason: "use mass")', DEPRECATED, "Thing.size", BOTH),
    ('old: Int @deprecated(reason: "gone soon")', "old: Int", ADDED, "Thing.old", []),
    ("gone soon", "gone now", DEPRECATED, "Thing.old", []),
    # Arguments
    ("tags(first: Int = 10, ", "tags(", OTHERS, "Thing.tags(first:)", []),
    ("order: Order, from", "from", OURS, "Thing.tags(order:)", BOTH),
    ("from: String!)", "from: String!, upto: Int!)", OURS, "Thing.tags(upto:)", BOTH),
    ("from: String!)", "from: String!, upto: Int)", DANGEROUS, "Thing.tags(upto:)", BOTH),
    ("from: String!)", "from: Int!)", OURS, "Thing.tags(from:)", BOTH),
    ("from: String!)", "from: String)", ADDED, "Thing.tags(from:)", BOTH),
    ("first: Int = 10", "first: Int = 20", DANGEROUS, "Thing.tags(first:)", BOTH),
    ("first: Int = 10", "first: Int", DANGEROUS, "Thing.tags(first:)", BOTH),
    ("y(a: Int): Int", "y(a: Int!): Int", OTHERS, "Unused.y(a:)", []),
    ("order: Order, from", "order: Order @deprecated, from", DEPRECATED, "Thing.tags(order:)", BOTH),
    # Inputs
    ("count: Int = 1 ", "", OURS, "Make.count", ["MakeThing"]),
    ("b: String }", "b: String c: Int! }", OURS, "Inner.c", ["MakeThing"]),
    ("b: String }", "b: String c: Int }", DANGEROUS, "Inner.c", ["MakeThing"]),
    ("b: String }", "b: Int }", OURS, "Inner.b", ["MakeThing"]),
    ("b: String }", "b: String! }", OURS, "Inner.b", ["MakeThing"]),
    ("a: Int! b", "a: Int b", ADDED, "Inner.a", ["MakeThing"]),
    ("count: Int = 1 ", "count: Int = 2 ", DANGEROUS, "Make.count", ["MakeThing"]),
    ("input Spare { z: Int }", "input Spare { z: Int! }", OTHERS, "Spare.z", []),
    ("count: Int = 1 ", "count: Int = 1 @deprecated ", DEPRECATED, "Make.count", ["MakeThing"]),
    # Enums
    ("ON OFF", "ON OFF ASLEEP", DANGEROUS, "Status.ASLEEP", BOTH),
    ("ON OFF", "ON", OURS, "Status.OFF", BOTH),
    ("ON OFF", "ON OFF @deprecated", DEPRECATED, "Status.OFF", BOTH),
    ("ASC DESC", "ASC", OURS, "Order.DESC", ["MakeThing"]),
    ("ASC DESC", "DESC", OURS, "Order.ASC", BOTH),
    ("ASC DESC", "ASC @deprecated DESC", DEPRECATED, "Order.ASC", BOTH),
    # Unions and interfaces
    ("union Any = Thing | Part", "union Any = Part", OURS, "Any = Thing", ["ReadAny"]),
    ("union Any = Thing | Part", "union Any = Thing | Part | Unused", DANGEROUS, "Any = Unused", ["ReadAny"]),
    ("implements Item & Named {", "implements Item {", OURS, "Part & Named", ["ReadAny"]),
    ("Thing implements Item {", "Thing implements Item & Named {", DANGEROUS, "Thing & Named", BOTH),
    ("Thing implements Item {", "Thing {", OURS, "Thing & Item", [*BOTH, "ReadAny"]),
    # Directives and roots
    ("directive @fast(level: Int = 1, why: String) repeatable on FIELD | QUERY", "", OURS, "@fast", ["Drop"]),
    ("scalar When", "scalar When directive @new on FIELD", ADDED, "@new", []),
    ("level: Int = 1, why: String", "level: Int = 1", OTHERS, "@fast(why:)", []),
    ("why: String)", "why: String!)", OURS, "@fast(why:)", ["Drop"]),
    ("why: String)", "why: String, who: Int!)", OURS, "@fast(who:)", ["Drop"]),
    ("repeatable on", "on", OURS, "@fast", ["Drop"]),
    ("on FIELD | QUERY", "on FIELD", OURS, "@fast on QUERY", ["Drop"]),
    ("on FIELD | QUERY", "on FIELD | QUERY | MUTATION", ADDED, "@fast on MUTATION", ["Drop"]),
    (NO_MUTATION, "", OURS, "Mutation", ["MakeThing", "Drop"]),
    (NO_MUTATION, f"{NO_MUTATION} type Subscription {{ tick: Int }}", ADDED, "Subscription", []),
]


@pytest.fixture(scope="module")
def project(make_project: Callable[..., Project]) -> Project:
    """A project whose operations use about half of its schema."""
    return make_project(SCHEMA, QUERIES)


@pytest.fixture(scope="module")
def loaded(project: Project) -> sources.Project:
    """The same, read."""
    return sources.load(settings.read(project.root))


def changed(before: str, after: str) -> str:
    """The schema with one change."""
    assert SCHEMA.count(before) == 1, before
    text = SCHEMA.replace(before, after)
    return text.replace("(spare: Spare)", "") if "input Spare" not in text else text


@pytest.mark.parametrize(("before", "after", "severity", "coordinate", "operations"), CHANGES)
def test_each_change_has_its_severity_and_its_operations(
    loaded: sources.Project, before: str, after: str, severity: str, coordinate: str, operations: list[str]
) -> None:
    """A change is as bad as what the operations do with what it touches."""
    reviewed = review.review(loaded, graphql.build_schema(changed(before, after)))
    found = [(each.severity.label, each.change.coordinate, each.operations) for each in reviewed.findings]
    assert (severity, coordinate, operations) in found
    assert reviewed.status == {OURS: 3, OTHERS: 1, DANGEROUS: 2, DANGEROUS_OTHERS: 1, DEPRECATED: 1, ADDED: 1}[severity]
    assert (
        reviewed.whole_status
        == {OURS: 3, OTHERS: 3, DANGEROUS: 2, DANGEROUS_OTHERS: 2, DEPRECATED: 1, ADDED: 1}[severity]
    )


@pytest.mark.slow
def test_nothing_that_graphql_core_reports_is_missed(loaded: sources.Project) -> None:
    """Each of its kinds of change is in the table, and none counts for less than it is."""
    kinds: set[object] = set()
    old = graphql.build_schema(SCHEMA)
    for before, after, *_ in CHANGES:
        new = graphql.build_schema(changed(before, after))
        breaking, dangerous = graphql.find_breaking_changes(old, new), graphql.find_dangerous_changes(old, new)
        kinds |= {change.type for change in (*breaking, *dangerous)}
        status = review.review(loaded, new).whole_status
        assert status == (3 if breaking else 2 if dangerous else status)
    assert kinds == {*graphql.BreakingChangeType, *graphql.DangerousChangeType}


def test_the_same_schema_is_no_change(loaded: sources.Project) -> None:
    """Order and descriptions are not changes."""
    schema = graphql.lexicographic_sort_schema(graphql.build_schema(SCHEMA))
    schema.type_map["Thing"].description = "Another one."
    reviewed = review.review(loaded, schema)
    assert (reviewed.findings, reviewed.refused, reviewed.status) == ((), (), 0)
    assert report.as_text(reviewed) == "nothing changed"


CHOOSING = """
query Literal { a(i: {t: 1, u: 1}, x: 1) }
query Omitting { a(i: {u: 1}) }
query Sure($t: Int!, $d: Int = 2) { a(i: {t: $t, u: 1}, x: $d) }
query Unsure($n: Int) { a(i: {t: $n, u: 1}, x: $n) }
query Whole($i: I = {u: 2}) { a(i: $i, x: 1) }
"""


@pytest.mark.parametrize(
    ("new", "coordinate", "operations"),
    [
        (
            "input I { t: Int = 2 u: Int! } type Query { a(i: I, x: Int = 1): Int }",
            "I.t",
            ["Omitting", "Unsure", "Whole"],
        ),
        (
            "input I { t: Int = 1 u: Int! } type Query { a(i: I, x: Int = 2): Int }",
            "Query.a(x:)",
            ["Omitting", "Unsure"],
        ),
    ],
)
def test_a_default_concerns_those_who_may_leave_it_to_the_server(
    make_project: Callable[..., Project], new: str, coordinate: str, operations: list[str]
) -> None:
    """Whoever always gives a value has nothing to do with what it would be otherwise."""
    made = make_project("input I { t: Int = 1 u: Int! } type Query { a(i: I, x: Int = 1): Int }", CHOOSING)
    (finding,) = review.review(sources.load(settings.read(made.root)), graphql.build_schema(new)).findings
    assert (finding.change.coordinate, sorted(finding.operations)) == (coordinate, operations)


@pytest.mark.parametrize(
    ("before", "after", "models"),
    [
        ("  size: Float\n", "", ["Thing"]),
        ("ON OFF", "ON", ["Status", "Thing"]),
        ("b: String }", "b: Int }", ["Inner"]),
        ("input Spare { z: Int }", "input Spare { z: Int! }", []),
        ("{ x: Int y", "{ x: String y", []),
    ],
)
def test_public_models_are_named(loaded: sources.Project, before: str, after: str, models: list[str]) -> None:
    """Fragments, and the enums and inputs that operations use; what nobody uses is not a model."""
    worst = review.review(loaded, graphql.build_schema(changed(before, after))).findings[0]
    assert worst.models == models


def test_what_is_refused_is_breaking(make_project: Callable[..., Project]) -> None:
    """Also where each change by itself is harmless: two types that have drifted apart cannot be read in one field."""
    old = "interface I { id: ID } type A implements I { id: ID x: String } type B implements I { id: ID x: String }"
    query = "query Get { i { ... on A { x } ... on B { x } } }\nquery Other { i { id } }"
    made = make_project(f"{old} type Query {{ i: I }}", query)
    new = graphql.build_schema(f"{old.replace('x: String }', 'x: String! }', 1)} type Query {{ i: I }}")
    reviewed = review.review(sources.load(settings.read(made.root)), new)
    assert [finding.severity.label for finding in reviewed.findings] == [ADDED]
    assert (reviewed.status, [use.operation for use in reviewed.broken]) == (3, ["Get"])
    assert "conflicting types" in reviewed.refused[0]


@pytest.mark.parametrize(
    ("queries", "refused"),
    [
        ("query Get { b }", []),
        ("query Get($n: New) { b(n: $n) ...F }\nfragment F on New { x }", ["Unknown type 'New'", "Unknown type 'New'"]),
        ("query Get { a { ... { x } } ...F ...F @nope(x: 1) } {b} ", ["anonymous", "Unknown fragment"]),
    ],
)
def test_operations_may_be_written_for_the_new_schema(
    make_project: Callable[..., Project], queries: str, refused: list[str]
) -> None:
    """The report is to be had before and after the operations are changed, whatever they name."""
    made = make_project("type T { x: Int } type Query { a: T }", queries)
    project = sources.draft(settings.read(made.root))
    reviewed = review.review(project, graphql.build_schema("type T { x: Int } type Query { b: Int }"))
    assert reviewed.findings[0].change.coordinate == "Query.a"
    assert bool(reviewed.refused) == bool(refused)
    words_found = "\n".join(reviewed.refused)
    assert [words for words in refused if words not in words_found] == []


def test_every_place_of_a_break_is_named(make_project: Callable[..., Project]) -> None:
    """A removed field is reported wherever it is selected."""
    made = make_project("type Query { a: Int b: Int }", "query Get {\n  a\n  again: a\n  b\n}")
    reviewed = review.review(sources.load(settings.read(made.root)), graphql.build_schema("type Query { b: Int }"))
    assert report.as_text(reviewed).splitlines()[1:4] == [
        "  Query.a was removed",
        "    queries/queries.graphql:2: a in Get",
        "    queries/queries.graphql:3: a in Get",
    ]


@pytest.fixture
def run(project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Reviews a schema by command; answers what is printed."""
    monkeypatch.chdir(project.root)

    def call(schema: str, *options: str, status: int) -> str:
        project.write("new.graphql", schema)
        assert main(["review", "new.graphql", *options]) == status
        return capsys.readouterr().out

    return call


def test_the_report_names_file_line_and_field(run: Callable[..., str]) -> None:
    """Where operations break, and which of them and which models, is said in words."""
    text = SCHEMA.replace("  size: Float\n", "  weight: Float\n").replace("ON OFF", "ON OFF ASLEEP")
    text = text.replace("count: Int = 1", 'count: Int = 1 @deprecated(reason: "one")')
    assert run(text, status=3).splitlines() == [
        "Breaks our operations:",
        "  Thing.size was removed",
        "    queries/queries.graphql:8: size in ReadThing, MakeThing, model Thing",
        "Dangerous: may change what a call does:",
        "  Status.ASLEEP was added",
        "    queries/queries.graphql:9: status in ReadThing, MakeThing, model Thing",
        "Deprecated: will go:",
        "  Make.count is deprecated: one",
        "    queries/queries.graphql:4: $input in MakeThing",
        "Added or eased:",
        "  Thing.weight was added",
        "The new schema refuses:",
        "  queries/queries.graphql:8: Cannot query field 'size' on type 'Thing'.",
        "Operations to change or delete:",
        "  queries/queries.graphql:2: ReadThing",
        "  queries/queries.graphql:4: MakeThing",
    ]


def test_the_report_is_json_too(run: Callable[..., str]) -> None:
    """A machine finds the same in it."""
    report = json.loads(run(SCHEMA.replace("count: Int = 1 ", "count: Int = 2 "), "--format", "json", status=2))
    assert report == {
        "status": 2,
        "whole_schema_status": 2,
        "unused": {"breaking": 0, "dangerous": 0},
        "changes": [
            {
                "severity": "dangerous",
                "coordinate": "Make.count",
                "change": "defaulted to 1 and defaults to 2",
                "operations": ["MakeThing"],
                "models": ["Make"],
                "calls": [],
                "places": [
                    {
                        "operation": "MakeThing",
                        "model": "",
                        "file": "queries/queries.graphql",
                        "line": 4,
                        "field": "$input",
                    }
                ],
            }
        ],
        "refused": [],
        "broken": [],
    }


def test_what_no_operation_uses_is_counted_and_raises_no_alarm(run: Callable[..., str]) -> None:
    """The status is about our operations; a flag makes it about the whole schema."""
    text = SCHEMA.replace("input Spare { z: Int }", "input Spare { y: Int }").replace(
        "y(a: Int): Int", "y(a: Int, b: Int): Int"
    )
    lines = run(text, status=1).splitlines()
    assert lines[:2] == ["Breaks only what we do not use:", "  Spare.z was removed"]
    assert lines[-1] == "Status 1 is for our operations; --whole-schema makes it 3: 1 breaking and 2 dangerous."
    report = json.loads(run(text, "--format", "json", status=1))
    assert (report["status"], report["whole_schema_status"]) == (1, 3)
    assert report["unused"] == {"breaking": 1, "dangerous": 2}
    run(text, "--whole-schema", status=3)
    run(SCHEMA.replace("y(a: Int): Int", "y(a: Int, b: Int): Int"), "--whole-schema", status=2)
    run(SCHEMA.replace("y(a: Int): Int", "y(a: Int, b: Int): Int"), status=1)


def test_nothing_changed_is_status_0(run: Callable[..., str]) -> None:
    """A schedule can look at the status alone."""
    assert run(SCHEMA, status=0) == "nothing changed\n"


@pytest.mark.slow
def test_a_server_of_our_own_schema_changes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By introspection over HTTP the emulator answers the very schema that it was given."""
    monkeypatch.setenv("TENSORONE_API_KEY", "tpo_test_0123456789")
    monkeypatch.chdir(ROOT)
    with Emulator(api_key="tpo_test_0123456789", introspection=True) as emulator:
        assert main(["review", emulator.url]) == 0
    assert capsys.readouterr().out == "nothing changed\n"
