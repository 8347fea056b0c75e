"""The running event loop's clock and events, found once: anyio looks the backend up at every use."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import anyio
from anyio.lowlevel import current_token

if TYPE_CHECKING:
    from collections.abc import Callable


class LoopTools(NamedTuple):
    """What belongs to one event loop.

    Attributes:
        clock: Seconds, as `anyio.current_time` counts them.
        event: Makes an event.
    """

    clock: Callable[[], float]
    event: Callable[[], anyio.Event]


def loop_tools() -> LoopTools:
    """Those of the loop that runs now."""
    token = current_token()
    # asyncio's loop has its clock itself; trio's is a function of the module.
    return LoopTools(getattr(token.native_token, "time", anyio.current_time), token.backend_class.create_event)


def loop_runs() -> bool:
    """Whether an event loop runs in this thread."""
    try:
        current_token()
    except RuntimeError:  # anyio's own error is one
        return False
    return True
