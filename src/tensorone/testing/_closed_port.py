"""A port that nobody listens on, for the variables that name the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def only_emulated(at_the_end: Callable[[Callable[[], None]], object]) -> str:
    """Points the variables of the service to a closed port, until the end; returns its address.

    Args:
        at_the_end: Registers what to call when the session ends.
    """
    import socket

    # Bound and never listening: connections are refused, and nobody else gets the port.
    holder = socket.socket()
    at_the_end(holder.close)
    holder.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{holder.getsockname()[1]}/tensorone_only_emulated"
    patch = pytest.MonkeyPatch()
    at_the_end(patch.undo)
    patch.setenv("TENSORONE_API_KEY", "tensorone_only_emulated")
    patch.setenv("TENSORONE_API_URL", url)
    return url
