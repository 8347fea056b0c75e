"""The connection a request came on, as far as faults are concerned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from starlette.types import Receive


IN_PROCESS = "this fault happens on a socket; without a server, its exception is all there is of it"


class Wire(Protocol):
    """What can be done to a connection."""

    def close(self) -> None:
        """Closes it after what was written."""

    def reset(self) -> None:
        """Resets it: the other side sees RST."""

    async def refuse(self, seconds: float) -> None:
        """Resets it, and refuses new connections for so many real seconds."""


class NoWire:
    """Stands in where the application is called in the process: raises what the client would have met."""

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
    """Waits until the client is gone, or the connection is closed."""
    while (await receive())["type"] != "http.disconnect":
        pass
