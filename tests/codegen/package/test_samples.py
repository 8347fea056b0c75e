"""What a probe gives for variables: every field, every enum value, and no more than once."""

from __future__ import annotations

import graphql
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorone_codegen._package.documents import Cutter
from tensorone_codegen._package.probe_document import text
from tensorone_codegen._package.samples import Samples

LINKED = "type Query {{ find(where: I0, order: [Order!], by: Order): [Int] }} enum Order {{ UP DOWN }} {inputs}"


def document(schema: graphql.GraphQLSchema, query: str) -> str:
    """The probe of one operation; it is valid."""
    (node,) = graphql.parse(query).definitions
    assert isinstance(node, graphql.OperationDefinitionNode)
    made = text(schema, node, Cutter(schema, {}).root_fields(node))
    assert graphql.validate(schema, graphql.parse(made)) == []
    return made


@given(
    links=st.lists(
        st.lists(st.sampled_from(["I{}", "[I{}!]", "[I{}]!"]), min_size=1, max_size=6), min_size=1, max_size=12
    ),
    seed=st.randoms(use_true_random=False),
)
def test_inputs_that_refer_to_each_other_are_asked_once(links: list[list[str]], seed) -> None:
    """However they are linked, each field of each input stands in the document, and no object is written out twice."""
    inputs = "".join(
        f"input I{number} {{ x{number}: Int "
        + "".join(
            f" f{number}_{index}: {type_.format(seed.randrange(len(links)))}" for index, type_ in enumerate(types)
        )
        + "}"
        for number, types in enumerate(links)
    )
    schema = graphql.build_schema(LINKED.format(inputs=inputs))
    made = document(schema, "query Find($where: I0) { find(where: $where) }")
    shown = graphql.print_ast(graphql.parse(made))
    assert all(shown.count(f"x{number}:") <= 1 for number in range(len(links)))
    reached, waiting = set(), {"I0"}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        fields = schema.type_map[name].fields
        assert all(f"{each}:" in shown for each in fields)
        waiting |= {graphql.get_named_type(each.type).name for each in fields.values()} - reached - {"Int"}


def test_many_linked_inputs_make_a_document_of_their_size() -> None:
    """Two hundred inputs with four links each take as much room as their fields."""
    inputs = "".join(
        f"input I{n} {{ x: Int " + "".join(f"f{k}: [I{(n * 4 + k) % 200}!] " for k in range(4)) + "}"
        for n in range(200)
    )
    made = document(
        graphql.build_schema(LINKED.format(inputs=inputs)), "query Find($where: I0) { find(where: $where) }"
    )
    assert len(made) < 200 * 40


def test_what_must_be_given_is_given_each_time() -> None:
    """An input that was written out is there again with what it needs, where it may not be left out."""
    inputs = "input I0 { a: I1! b: I1! c: I1 d: [I1!]! } input I1 { x: Int! y: Int e: Order! }"
    made = document(graphql.build_schema(LINKED.format(inputs=inputs)), "query Find($w: I0) { find(where: $w) }")
    assert made == (
        "query Probe{__typename} query Find{"
        "find(where:{a:{x:0 y:0 e:UP} b:{x:0 e:UP} c:null d:[]}) @skip(if:true) "
        "find_1:find(where:{a:{x:0 e:DOWN} b:{x:0 e:UP} d:[]}) @skip(if:true)}"
    )


@pytest.mark.parametrize(
    ("query", "probe"),
    [
        ("query Find($o: [Order!]) { find(order: $o) }", "find(order:[UP DOWN]) @skip(if:true)"),
        (
            "query Find($o: Order) { find(by: $o) find_1: find(order: [$o]) }",
            "find(by:UP) @skip(if:true) find_1:find(order:[UP]) @skip(if:true) "
            "find_1_:find(by:DOWN) @skip(if:true) find_1_1:find(order:[DOWN]) @skip(if:true)",
        ),
        ("query Find($x: Int) { find(where: {x: $x}) find_1: find(by: UP) }", "find(where:{x:0})"),
    ],
)
def test_every_value_of_an_enum_is_asked(query: str, probe: str) -> None:
    """In a list at once, elsewhere by further fields under keys of their own; what carries none is not repeated."""
    made = document(graphql.build_schema(LINKED.format(inputs="input I0 { x: Int }")), query)
    assert made.startswith(f"query Probe{{__typename}} query Find{{{probe}")


def test_enums_inside_a_selection_are_asked_too() -> None:
    """The whole field is asked again with the selection that carries the enum."""
    schema = graphql.build_schema(
        "type Query { me: User now: Int } type User { list(by: Order, first: Int): [User] id: ID } enum Order { A B }"
    )
    made = document(schema, "query Me($by: Order, $first: Int) { me { id list(by: $by, first: $first) { id } } now }")
    assert made == (
        "query Probe{__typename} query Me{me @skip(if:true){id list(by:A first:0){id}} now @skip(if:true) "
        "me_1:me @skip(if:true){id list(by:B first:0){id}}}"
    )


def test_the_least_nested_place_is_the_one() -> None:
    """So documents are no deeper than they must be."""
    schema = graphql.build_schema(
        "type Query { a(deep: Deep, e: E): Int } input Deep { e: E again: Deep when: [When!] at: When! } "
        "enum E { A B } scalar When"
    )
    samples = Samples(schema, {"deep": "Deep", "e": "E"})
    assert samples.literals() == {"deep": '{e:A again:null when:[] at:""}', "e": "A"}
    assert list(samples.turns()) == [({"deep": "null", "e": "B"}, {"e"})]
