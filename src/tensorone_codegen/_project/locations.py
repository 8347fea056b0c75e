"""What stands in GraphQL files, and where, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import DocumentNode, GraphQLError, Lexer, TokenKind, parse

from tensorone_codegen._errors import CodegenError

if TYPE_CHECKING:
    from graphql import Node, Source


def parsed(source: Source) -> DocumentNode:
    """A file, read; empty if it holds nothing but comments.

    Raises:
        CodegenError: It is not GraphQL; says where.
    """
    try:
        empty = Lexer(source).advance().kind is TokenKind.EOF
        return DocumentNode(definitions=()) if empty else parse(source)
    except GraphQLError as error:
        raise CodegenError(located(error)) from None


def located(error: GraphQLError) -> str:
    """`file:line: message` of an error of graphql-core."""
    if error.nodes:
        return f"{place(error.nodes[0])}: {error.message}"
    if error.source and error.locations:
        return f"{error.source.name}:{error.locations[0].line}: {error.message}"
    return error.message


def place(node: Node | None) -> str:
    """`file:line` of a node."""
    return f"{node.loc.source.name}:{node.loc.start_token.line}" if node and node.loc else "?"


def comment_above(node: Node) -> list[str]:
    """The comment that stands directly above a node, line by line."""
    lines: list[str] = []
    token = node.loc.start_token if node.loc else None
    while token and token.prev and token.prev.kind is TokenKind.COMMENT and token.prev.line == token.line - 1:
        token = token.prev
        lines.insert(0, (token.value or "").removeprefix(" ").rstrip())
    return lines
