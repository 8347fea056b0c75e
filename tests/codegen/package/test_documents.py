"""Operations cut at their variables ask the same as the operations that they were cut from."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

import graphql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tensorone._graphql import arguments
from tensorone_codegen._package import documents
from tensorone_codegen.runtime.operation import Group, Operation, RootField, Slot

SCHEMA = graphql.build_schema("""
directive @idempotent on MUTATION
enum Color { RED GREEN }
input In { x: Int s: String n: In l: [Int] e: Color }
type Query { a(x: Int, s: String, e: Color, l: [Int], o: In, os: [In]): Node  b(x: Int): Int  any: Any }
type Mutation { do(x: Int! = 3): Int }
type Node { id: ID n(x: Int, o: In): Node  list: [Node]  v(s: String, o: In, l: [Int], e: Color): String  any: Any }
type Other { id: ID  w(x: Int): Int  n: Node }
union Any = Node | Other
""")
TYPES: dict[str, Any] = {"Query": SCHEMA.query_type, "Node": SCHEMA.type_map["Node"], "Other": SCHEMA.type_map["Other"]}
Color = enum.Enum("Color", {"RED": "RED", "GREEN": "GREEN"})


@dataclass
class Draft:
    """An operation in the making."""

    variables: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    keys: int = 0

    def text(self, selection: str) -> str:
        """The document, in which every variable of a directive has a default."""
        declared = ", ".join(f"${name}: {type_}" for name, type_ in self.variables.items())
        return f"query Draft{f'({declared})' if declared else ''} {selection}\n" + "\n".join(self.fragments)


LEAVES: dict[str, tuple[st.SearchStrategy[str], st.SearchStrategy[Any]]] = {
    "Int": (st.integers(-9, 9).map(str), st.integers(-(2**31), 2**31 - 1)),
    "String": (
        st.sampled_from(['"$x"', '"a \\"{\\n} ) #"', '"""\n  block $y\n    "in" it\n"""', '""', '"é😀"']),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    ),
    "Color": (st.sampled_from(["RED", "GREEN"]), st.sampled_from(list(Color))),
}
INPUTS = {"x": "Int", "s": "String", "n": "In", "l": "[Int]", "e": "Color"}


def value(draw: st.DrawFn, draft: Draft, type_: str, depth: int = 0) -> str:
    """A value as text: a variable, null, or something of its type, which can hold variables itself."""
    choice = draw(st.sampled_from(["variable", "null", "literal", "literal", "literal"]))
    if choice == "null":
        return "null"
    if choice == "variable":
        return variable(draw, draft, type_)
    if type_.startswith("["):
        items = draw(st.integers(0, 3))
        return "[" + ", ".join(value(draw, draft, type_[1:-1], depth + 1) for _ in range(items)) + "]"
    if type_ == "In":
        names = draw(st.lists(st.sampled_from(sorted(INPUTS)), unique=True, max_size=3 if depth < 2 else 0))
        return "{" + ", ".join(f"{name}: {value(draw, draft, INPUTS[name], depth + 1)}" for name in names) + "}"
    return draw(LEAVES[type_][0])


def variable(draw: st.DrawFn, draft: Draft, type_: str) -> str:
    """A new variable, with or without default, given or not."""
    name = f"v{len(draft.variables)}"
    default = draw(st.sampled_from(["", "", " = null", " = constant"]))
    if default == " = constant":
        default = f" = {constant(draw, type_)}"
    draft.variables[name] = type_ + default
    if draw(st.booleans()):
        draft.values[name] = draw(st.none() | given_value(type_))
    return f"${name}"


def constant(draw: st.DrawFn, type_: str) -> str:
    """A value without variables."""
    if type_.startswith("["):
        return "[" + ", ".join(draw(st.lists(st.just(constant(draw, type_[1:-1])), max_size=2))) + "]"
    return "{x: 1, n: {l: [1, 2], e: RED}}" if type_ == "In" else draw(LEAVES[type_][0])


def given_value(type_: str) -> st.SearchStrategy[Any]:
    """What a caller gives for a variable."""
    if type_.startswith("["):
        return st.lists(given_value(type_[1:-1]), max_size=2)
    if type_ == "In":
        leaves = {name: st.none() | LEAVES[type_][1] for name, type_ in INPUTS.items() if type_ in LEAVES}
        return st.fixed_dictionaries({}, optional=leaves | {"n": st.fixed_dictionaries({}, optional=leaves)})
    return LEAVES[type_][1]


def selection(draw: st.DrawFn, draft: Draft, type_: str, depth: int = 0) -> str:
    """A selection of fields, fragments and inline fragments."""
    items = [item(draw, draft, type_, depth) for _ in range(draw(st.integers(1, 3)))]
    return "{ " + draw(st.sampled_from([" ", ", ", " # note\n"])).join(items) + " }"


def item(draw: st.DrawFn, draft: Draft, type_: str, depth: int) -> str:
    """One part of a selection; fragments have a type and no directives, since the generator refuses the rest."""
    shape = draw(st.sampled_from(["field", "field", "field", "fragment", "inline"])) if depth < 3 else "field"
    if shape == "fragment":
        name = f"F{len(draft.fragments)}"
        draft.fragments.append("")
        draft.fragments[int(name[1:])] = f"fragment {name} on {type_} {selection(draw, draft, type_, depth + 1)}"
        return f"...{name}"
    if shape == "inline":
        return f"... on {type_} {selection(draw, draft, type_, depth + 1)}"
    return a_field(draw, draft, type_, depth)


def a_field(draw: st.DrawFn, draft: Draft, type_: str, depth: int) -> str:
    """A field under a key of its own, so that no two conflict."""
    if depth > 2:
        return draw(st.sampled_from(["__typename", "any_name: __typename"]))
    name = draw(st.sampled_from(sorted(TYPES[type_].fields)))
    known = TYPES[type_].fields[name]
    names = draw(st.lists(st.sampled_from(sorted(known.args)), unique=True)) if known.args else []
    arguments = ", ".join(f"{each}: {value(draw, draft, str(known.args[each].type))}" for each in names)
    draft.keys += 1
    text = f"k{draft.keys}: {name}" + (f"({arguments})" if arguments else "") + directive(draw, draft)
    inner = graphql.get_named_type(known.type).name
    if inner == "Any":
        cases = (f"... on {each} {selection(draw, draft, each, depth + 1)}" for each in ("Node", "Other"))
        return f"{text} {{ {' '.join(cases)} }}"
    return f"{text} {selection(draw, draft, inner, depth + 1)}" if inner in TYPES else text


def directive(draw: st.DrawFn, draft: Draft) -> str:
    """Sometimes a directive, sometimes with a variable."""
    shape = draw(st.sampled_from(["", "", "", "fixed", "variable"]))
    if shape == "variable":
        name = f"v{len(draft.variables)}"
        draft.variables[name] = f"Boolean! = {draw(st.sampled_from(['true', 'false']))}"
        if draw(st.booleans()):
            draft.values[name] = draw(st.booleans())
        return f" @include(if: ${name})"
    return " @skip(if: false)" if shape else ""


@st.composite
def drafts(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A valid operation with values for its variables."""
    draft = Draft()
    return draft.text(selection(draw, draft, "Query")), draft.values


def cut(text: str) -> Operation[object]:
    """Cuts the one operation of a document."""
    definitions = graphql.parse(text).definitions
    fragments = {node.name.value: node for node in definitions if isinstance(node, graphql.FragmentDefinitionNode)}
    node = next(node for node in definitions if isinstance(node, graphql.OperationDefinitionNode))
    fields = documents.Cutter(SCHEMA, fragments).root_fields(node)
    return Operation("Draft", "query", documents.document(node, fields), fields, object, idempotent=True)


def asked(document: str, variables: dict[str, Any] | None = None) -> Any:
    """What a server answers, and every field that it resolved with the arguments that reached it."""
    reached: list[tuple[Any, dict[str, Any]]] = []

    def resolve(_: Any, info: graphql.GraphQLResolveInfo, **arguments: Any) -> Any:
        reached.append((info.path.as_list(), arguments))
        if graphql.is_leaf_type(graphql.get_named_type(info.return_type)):
            return 1
        thing = {"__typename": "Node" if len(reached) % 2 else "Other"}
        return [thing] if isinstance(info.return_type, graphql.GraphQLList) else thing

    result = graphql.graphql_sync(
        SCHEMA,
        document,
        variable_values={name: plain_value(each) for name, each in (variables or {}).items()},
        field_resolver=resolve,
        type_resolver=lambda found, *_: found["__typename"],
    )
    assert not result.errors, document
    return result.data, reached


def plain_value(each: Any) -> Any:
    """A value as it goes into JSON."""
    if isinstance(each, dict):
        return {name: plain_value(inner) for name, inner in each.items()}
    if isinstance(each, list):
        return [plain_value(inner) for inner in each]
    return each.value if isinstance(each, enum.Enum) else each


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(drafts())
def test_the_cut_operation_asks_the_same(draft: tuple[str, dict[str, Any]]) -> None:
    """With literals and with variables, a server resolves the same fields with the same arguments."""
    text, variables = draft
    operation = cut(text)
    expected = asked(text, variables)
    assert asked(operation.document, variables) == expected
    assert asked(arguments.document(operation, arguments.values(variables))) == expected


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(drafts())
def test_nothing_names_a_type_without_need(draft: tuple[str, dict[str, Any]]) -> None:
    """No fragment is left that its field's own type makes needless, and literals need no variables."""
    text, variables = draft
    document = arguments.document(cut(text), arguments.values(variables))
    parsed = graphql.parse(document)
    assert len(parsed.definitions) == 1
    assert not parsed.definitions[0].variable_definitions
    graphql.visit(parsed, Needless())


class Needless(graphql.Visitor):
    """Finds what names a type where no type narrows another."""

    def enter_fragment_spread(self, node: graphql.FragmentSpreadNode, *_: Any) -> None:
        raise AssertionError(node)

    def enter_inline_fragment(self, node: graphql.InlineFragmentNode, *place: Any) -> None:
        ancestors = [each for each in place[-1] if isinstance(each, graphql.FieldNode)]
        assert ancestors[-1].name.value == "any"


@pytest.mark.parametrize(
    ("text", "variables", "literal"),
    [
        ("query Draft($x: Int) { b(x: $x) }", {}, "query Draft{b}"),
        ("query Draft($x: Int) { b(x: $x) }", {"x": None}, "query Draft{b(x:null)}"),
        ("query Draft($x: Int = 3) { b(x: $x) }", {}, "query Draft{b(x:3)}"),
        (
            "query Draft($x: Int, $s: String) { a(x: $x, s: $s) { id } }",
            {"s": '"'},
            'query Draft{a( s:"\\""){id}}',
        ),
        (
            "query Draft($x: Int) { a(o: {x: $x, n: {x: $x}}, l: [1, $x]) { id } }",
            {},
            "query Draft{a(o:{ n:{}} l:[1 null]){id}}",
        ),
        (
            'query Draft { z: a(s: """\n  $x {\n""", e: RED) { ...N ... on Node { id n { id } } } }'
            " fragment N on Node { id n { id } }",
            {},
            'query Draft{z:a(s:"$x {" e:RED){id n{id}}}',
        ),
        (
            "query Draft { any { __typename ... on Node { ...N } ... on Other { id } } } fragment N on Node { id }",
            {},
            "query Draft{any{__typename ... on Node{id} ... on Other{id}}}",
        ),
        (
            "query Draft { ...Q ... on Query { any { __typename } } } fragment Q on Query { b any { __typename } }",
            {},
            "query Draft{b any{__typename}}",
        ),
    ],
)
def test_the_text_is_as_short_as_it_can_be(text: str, variables: dict[str, object], literal: str) -> None:
    """What is not given leaves neither key nor parentheses behind, and what says nothing is left out."""
    rendered = arguments.document(cut(text), arguments.values(variables))
    assert _normal(rendered) == _normal(literal)
    assert "()" not in rendered


def _normal(text: str) -> str:
    return text.replace("... {", "...{").replace("( ", "(").replace("{ ", "{").replace("[ ", "[")


def test_client_directives_stay_here() -> None:
    """A directive that steers the generator is not sent; others keep their places."""
    node = graphql.parse("mutation Draft($x: Int! = 1) @idempotent { do(x: $x) @skip(if: false) }").definitions[0]
    assert isinstance(node, graphql.OperationDefinitionNode)
    fields = documents.Cutter(SCHEMA, {}).root_fields(node)
    assert documents.document(node, fields) == "mutation Draft($x:Int!=1){do(x:$x) @skip(if:false)}"
    assert fields == (
        RootField(
            key="do",
            name="do",
            arguments=(Group((Slot("x", "x:", "1"),)),),
            selection=(" @skip", Group(("if:false",))),
            nullable=True,
        ),
    )
