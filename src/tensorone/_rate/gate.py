"""What may take the place of the rate that a client learns: for many processes that share one account's limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

__all__ = ["Gate"]


class Gate(Protocol):
    """Decides when the requests of a client may start, in place of the rate that the client learns by itself.

    For processes that share the limit of one account, and something that all of them can ask, such as Redis. A gate
    serves any number of calls at once, on the event loop of its client. The client keeps `max_connections` and the
    order of its own requests: only what is at the head of its queue comes to the gate.
    """

    def turn(self, *, mutation: bool, patience: float) -> AbstractAsyncContextManager[object]:
        """Waits in entering until one request may start; the block ends when that request has.

        The time of a call and its attempts do not count the wait. A mutation has certainly not been sent when
        entering fails or is cancelled. What leaving raises is logged once and changes nothing: the answer is there,
        and may be a cluster that was rented.

        Args:
            mutation: It is a mutation, otherwise a query.
            patience: Seconds that a pause which the server asked for may last at most, for this request.

        Raises:
            TimeoutError: In entering: such a pause lasts longer. The call raises `RateLimited`.
        """
        ...

    def refused(self, retry_after: float | None) -> None:
        """The server refused a request because of its limit. Called within the block; it must not wait.

        The client repeats the request as soon as its next turn comes, if it may be repeated, so the gate holds back
        all turns for the time that the server named.

        Args:
            retry_after: Seconds that the server asked everyone to wait, or None if it named no time.
        """

    def accepted(self, took: float) -> None:
        """The server answered a request with anything else. Called within the block; it must not wait.

        Args:
            took: Seconds from the turn to the answer.
        """
