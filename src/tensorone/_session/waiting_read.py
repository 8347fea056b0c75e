"""Reads that wait, and the request that some of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import anyio

if TYPE_CHECKING:
    from tensorone._graphql import arguments
    from tensorone._graphql.operation import Operation

    from .shared_request import Halves

PENDING: Any = object()


class Read:
    """One call that waits.

    Attributes:
        values: Its variables.
        shared: The request that it takes part in.
        outcome: What came of it: the value of the field, a `FailedAttempt`, or nothing yet.
    """

    __slots__ = ("outcome", "shared", "values")

    def __init__(self, values: dict[str, arguments.Tree]) -> None:
        self.values = values
        self.shared: Shared
        self.outcome: Any = PENDING


class Shared:
    """A request for several reads, as the executor wants an operation; what it is called is known when it leaves.

    Attributes:
        reads: Who waits for it. The first leads: it sends the request.
        asked: Those that it was sent for.
        news: Set when there is something to learn: an outcome, another request, the lead.
    """

    kind: Literal["query"] = "query"
    idempotent = True
    document = ""
    fields = ()
    attempts = 0
    spent = 0.0  # seconds, for these and the waits between them
    sent_at: float | None = None  # the latest of them
    scope: anyio.CancelScope  # that limits its time
    again = False  # it was in the queue before
    halves: Halves | None = None  # what it is a half of

    def __init__(self, operation: Operation[Any]) -> None:
        self.name = operation.name
        self.result = operation.result
        self.reads: dict[Read, None] = {}
        self.asked: list[Read] = []
        self.news = anyio.Event()

    def led_by(self, one: Read) -> bool:
        """Whether that read is to send it."""
        return next(iter(self.reads)) is one

    def wake(self) -> None:
        """Everyone who waits looks at what concerns it."""
        news, self.news = self.news, anyio.Event()
        news.set()
