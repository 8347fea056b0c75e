"""The log of requests, without the key."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Request:
    """One request; its repr shows neither body nor headers, which may contain secrets.

    Attributes:
        root_fields: Root fields of the operation, by their names in the schema, in order; empty for a bad request.
        operation_name: Name of that operation.
        body: The whole body.
        headers: Headers by lower-case name, without `authorization` and `cookie`.
        at: Seconds since the world began.
    """

    root_fields: tuple[str, ...]
    operation_name: str | None
    body: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    at: float


class Journal:
    """The latest 20,000 requests, and how often each root field was requested in total."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.entries: deque[Request] = deque(maxlen=KEPT)

    def add(self, request: Request) -> None:
        """Keeps one request."""
        self.counts.update(request.root_fields)
        self.entries.append(request)
