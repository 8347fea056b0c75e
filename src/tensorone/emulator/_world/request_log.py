"""What was asked of the emulator: counted and kept, without the key."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in; neither body nor headers show in its repr, they may hold secrets.

    Attributes:
        root_fields: Names in the schema, in order, of the operation chosen; empty if it could not be read.
        operation_name: Of that operation.
        body: The whole body.
        headers: In lower case, without `authorization`.
        at: Seconds since the world began.
    """

    root_fields: tuple[str, ...]
    operation_name: str | None
    body: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    at: float


class Journal:
    """The latest 20,000 requests, and how often each root field was ever asked for."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.entries: deque[Request] = deque(maxlen=KEPT)

    def add(self, request: Request) -> None:
        """Keeps one request."""
        self.counts.update(request.root_fields)
        self.entries.append(request)
