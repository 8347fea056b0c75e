"""What the SDK sends on first contact: only what the published requests attest."""

import json
from collections import Counter

import pytest
from graphql import DocumentNode, Visitor, parse, visit
from published_requests import CALLS, PUBLISHED
from wires import graphql, scripted

from tensorone import TensorOneError


class Vocabulary(Visitor):
    """Every name that a server could refuse, by its kind."""

    def __init__(self, *documents: DocumentNode) -> None:
        super().__init__()
        self.names: Counter[tuple[str, str]] = Counter()
        for document in documents:
            visit(document, self)

    def enter_field(self, node, *_):
        self.names["field", node.name.value] += 1
        for argument in node.arguments:
            self.names["argument", f"{node.name.value}({argument.name.value})"] += 1

    def enter_object_field(self, node, *_):
        self.names["key", node.name.value] += 1

    def enter_enum_value(self, node, *_):
        self.names["enum value", node.value] += 1

    def enter_named_type(self, node, *_):
        self.names["type", node.name.value] += 1

    def enter_directive(self, node, *_):
        self.names["directive", node.name.value] += 1

    def enter_fragment_spread(self, node, *_):
        self.names["fragment", node.name.value] += 1

    def enter_variable(self, node, *_):
        self.names["variable", node.name.value] += 1


ATTESTED = set(Vocabulary(*map(parse, PUBLISHED.values())).names)


async def sent(open_client, call) -> DocumentNode:
    """The document that a call sends."""
    async with scripted(graphql(None)) as server, open_client(server.url) as client:
        with pytest.raises(TensorOneError):
            await call(client)
    assert json.loads(server.requests[0].body).keys() == {"query"}
    return parse(server.requests[0].query)


@pytest.mark.parametrize("name", CALLS)
async def test_nothing_is_sent_that_is_not_attested(open_client, name):
    """No type name, field, argument or input key goes beyond those of the nine published requests."""
    vocabulary = Vocabulary(await sent(open_client, CALLS[name]))
    unattested = {what: count for what, count in vocabulary.names.items() if what not in ATTESTED}
    assert unattested == {}


@pytest.mark.parametrize("name", CALLS)
async def test_the_published_selection_is_sent(open_client, name):
    """The request has everything that the published request of the same name has."""
    vocabulary = Vocabulary(await sent(open_client, CALLS[name]))
    assert Vocabulary(parse(PUBLISHED[name])).names.keys() <= vocabulary.names.keys()


def test_the_count_would_notice():
    """A fragment, a type name, a variable and an unknown field are each counted."""
    document = "query Q($a: T!) { cluster(input: {zone: $a}) { ...F uptime } } fragment F on C { id }"
    found = Vocabulary(parse(document)).names.keys() - ATTESTED
    assert {("fragment", "F"), ("type", "T"), ("key", "zone"), ("field", "uptime"), ("variable", "a")} <= found
