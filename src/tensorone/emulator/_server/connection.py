"""The connection of a request, with what faults can do to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from starlette.types import Receive


IN_PROCESS = "this fault happens on a socket; without a server it raises the exception that a client would see"


class Connection(Protocol):
    """What faults can do to a connection."""

    def close(self) -> None:
        """Closes it once everything written is sent."""

    def reset(self) -> None:
        """Resets it: the peer receives RST."""

    async def refuse(self, seconds: float) -> None:
        """Resets it, and refuses new connections for a number of real seconds."""


class NoConnection:
    """Replaces the connection where the application is called in the process: raises what a client would see."""

    def close(self) -> None:
        """Raises ConnectionResetError."""
        raise ConnectionResetError(IN_PROCESS)

    def reset(self) -> None:
        """Raises ConnectionResetError."""
        raise ConnectionResetError(IN_PROCESS)

    async def refuse(self, seconds: float) -> None:
        """Raises ConnectionRefusedError."""
        raise ConnectionRefusedError(f"{IN_PROCESS} ({seconds} s)")


async def until_disconnected(receive: Receive) -> None:
    """Waits until the client disconnects, or the connection is closed."""
    while (await receive())["type"] != "http.disconnect":
        pass
