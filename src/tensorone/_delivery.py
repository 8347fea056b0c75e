"""Whether a request began to leave, and how long it is followed: what money depends on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import anyio


class Delivery:
    """Whether the body of a request began to leave: before that, the server cannot have acted on it."""

    __slots__ = ("begun",)

    def __init__(self) -> None:
        self.begun = False

    def started(self) -> None:
        """The body begins to leave."""
        self.begun = True

    def settled(self) -> None:
        """What became of the request is known; a further one has not begun."""
        self.begun = False


class DeadlineDelivery(Delivery):
    """A delivery under a deadline: a request that began to leave is followed to its end, and nothing else is.

    The scope's deadline is suspended from the first byte until the request is settled. The executor settles it
    before it sends again what was refused, and a search before its next step.

    Attributes:
        sent: Whether it ever began to leave.
    """

    __slots__ = ("_deadline", "_scope", "sent")

    def __init__(self, scope: anyio.CancelScope) -> None:
        super().__init__()
        self.sent = False
        self._scope = scope
        self._deadline = scope.deadline

    def started(self) -> None:
        """The body begins to leave: the deadline is suspended."""
        super().started()
        self.sent = True
        self._scope.deadline = math.inf

    def settled(self) -> None:
        """What became of it is known: the deadline holds again."""
        super().settled()
        self._scope.deadline = self._deadline
