"""Whether a request began to leave, and how long it is followed: what money hangs on."""

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


class Followed(Delivery):
    """A delivery under a deadline: a request that began to leave is followed to its end, and nothing else is.

    The scope's deadline rests from the first byte on, until `begun` is set back: the executor does so before it
    sends again what was refused, and whoever searches on before the next step.

    Attributes:
        sent: Whether it ever began to leave.
    """

    __slots__ = ("_deadline", "_left", "_scope", "sent")

    def __init__(self, scope: anyio.CancelScope) -> None:
        self.sent = False
        self._scope = scope
        self._deadline = scope.deadline
        super().__init__()

    @property
    def begun(self) -> bool:
        """Whether the body of the request began to leave."""
        return self._left

    @begun.setter
    def begun(self, value: bool) -> None:
        self._left = value
        self.sent = self.sent or value
        self._scope.deadline = math.inf if value else self._deadline
