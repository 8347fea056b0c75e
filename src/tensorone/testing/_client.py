"""A client in the process of the emulator, which is opened and closed without an event loop."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from tensorone import TensorOne
    from tensorone.emulator import Emulator

SETTLE_TIME = 2.0  # seconds: nothing is on its way any more when a call in the process has failed


@contextmanager
def connected(emulator: Emulator) -> Generator[TensorOne]:
    """An open client that calls the emulator's application, on the event loop that it is first used on."""
    import httpx

    from tensorone import TensorOne

    transport = httpx.ASGITransport(emulator.app)
    client = TensorOne(emulator.api_key, url=emulator.url, transport=transport, settle_time=SETTLE_TIME).open()
    yield client
    # With a transport that was given to it, a client has no connection to close, and so nothing to wait for.
    with suppress(StopIteration):
        client.aclose().send(None)
