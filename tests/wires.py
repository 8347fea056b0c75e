"""A server on a real socket that sends given answers, byte for byte."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.tls import TLSListener
from graphql import ObjectTypeDefinitionNode, parse, print_ast

CERTIFICATE = Path(__file__).with_name("localhost.pem")  # self-signed, with its key; trusted by nobody else

Behaviour = bytes | Callable[[SocketStream], Awaitable[None]]


@dataclass
class Request:
    """One request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> str:
        """The GraphQL document."""
        return json.loads(self.body)["query"]


@dataclass
class Scripted:
    """The server: its address, its answers in turn (the last one repeated), and the requests it received."""

    answers: list[Behaviour]
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    async def handle(self, stream: SocketStream) -> None:
        """Serves one connection."""
        self.connections += 1
        async with stream:
            try:
                while True:
                    self.requests.append(await _receive(stream))
                    answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                    if isinstance(answer, bytes):
                        await stream.send(answer)
                    else:
                        await answer(stream)
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                return


async def _receive(stream: SocketStream) -> Request:
    data = b""
    while b"\r\n\r\n" not in data:
        data += await stream.receive()
    head, _, body = data.partition(b"\r\n\r\n")
    line, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (entry.partition(":") for entry in rest)}
    while len(body) < int(headers.get("content-length", 0)):
        body += await stream.receive()
    return Request(line, headers, body)


@asynccontextmanager
async def scripted(*answers: Behaviour, tls: bool = False) -> AsyncIterator[Scripted]:
    """Serves until the block ends, with one behaviour per request, the last one for all that follow."""
    server = Scripted(list(answers))
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)
    if tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATE)
        listener = TLSListener(listener, context, standard_compatible=False)
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/graphql"
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, server.handle)
        yield server
        group.cancel_scope.cancel()


def http(status: int = 200, body: bytes | str = b"", *, reason: str = "Whatever", **headers: str) -> bytes:
    """A complete HTTP response; underscores in header names become dashes."""
    content = body.encode() if isinstance(body, str) else body
    fields = {"content-type": "application/json", "content-length": str(len(content))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} {reason}\r\n{head}\r\n".encode() + content


def graphql(data: object = None, *errors: object, status: int = 200, **headers: str) -> bytes:
    """A complete GraphQL response."""
    body: dict[str, object] = {"data": data}
    if errors:
        body["errors"] = list(errors)
    return http(status, json.dumps(body), **headers)


def refusal(message: str, code: str = "RUNPOD", **more: object) -> dict[str, object]:
    """One entry of `errors` as the sibling service writes it."""
    return {"message": message, "path": ["field"], "extensions": {"code": code, **more}}


def schema_without(*coordinates: str) -> str:
    """The schema that the emulator serves without some fields, for a server that has moved."""
    document = parse(resources.files("tensorone_graphql").joinpath("schema.graphql").read_text())
    missing = {tuple(each.split(".")) for each in coordinates}
    for node in document.definitions:
        if isinstance(node, ObjectTypeDefinitionNode):
            node.fields = tuple(each for each in node.fields if (node.name.value, each.name.value) not in missing)
    return print_ast(document)
