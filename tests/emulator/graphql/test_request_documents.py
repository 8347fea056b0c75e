"""Documents are parsed and validated once, in a bounded memory."""

from __future__ import annotations

from graphql import build_schema

from tensorone.emulator import Limits
from tensorone.emulator._graphql.documents import KEPT, Documents


def test_many_shapes_of_documents_do_not_pile_up() -> None:
    """More different documents than are remembered are all accepted, and the memory stays bounded."""
    documents = Documents(build_schema("type Query { a: Int }"), Limits(), introspection=False)
    for number in range(KEPT + 10):
        text = f"query Q{number} {{ a }}"
        assert documents.check(text).definitions
        assert documents.choose(text, None).name == f"Q{number}"
        assert len(documents._valid) <= KEPT
    assert documents.parse.cache_info().currsize == KEPT


def test_a_document_is_parsed_once() -> None:
    """An equal text gives the same document, and other strings need no other validation."""
    documents = Documents(build_schema("type Query { a(b: String): Int }"), Limits(), introspection=False)
    assert documents.check('{ a(b: "1") }') is documents.check('{ a(b: "1") }')
    documents.check('{ a(b: "2") }')
    assert len(documents._valid) == 1
