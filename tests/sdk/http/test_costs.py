"""What a request costs, as counts: look-ups of the event loop, cancel scopes, system calls."""

import sys
from collections import Counter

import pytest

from tensorone import TensorOne
from tensorone.emulator import Emulator

RUNNING = "riixlu8oclhp"
COUNTED = {
    "get_async_backend": "look-ups",
    "CancelScope.__enter__": "scopes",
    "_SelectorSocketTransport.write": "writes",
}


async def counted(call) -> Counter[str]:
    """How often a call makes this thread enter the functions that are counted."""
    found: Counter[str] = Counter()

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_qualname in COUNTED:
            found[COUNTED[frame.f_code.co_qualname]] += 1

    sys.setprofile(note)
    try:
        await call()
    finally:
        sys.setprofile(None)
    return found


@pytest.mark.parametrize(
    ("given", "most"),
    [
        ("aiohttp", {"look-ups": 2, "scopes": 0, "writes": 1}),
        ("httpx", {"look-ups": 4, "scopes": 5, "writes": 1}),
    ],
)
async def test_a_read_takes_few_steps(emulator: Emulator, given, most):
    """The clock is looked at when it starts and ends; headers and body leave together; aiohttp has its own timer."""
    async with TensorOne(emulator.api_key, url=emulator.url, http=given) as client:
        await client.clusters.get(RUNNING)
        found = await counted(lambda: client.clusters.get(RUNNING))
    assert {what: found[what] for what in most if found[what] > most[what]} == {}
    assert found["writes"] == 1


async def test_headers_of_a_mutation_leave_before_its_body(emulator: Emulator):
    """What is noted when the body is taken is then still true when a connection turns out to be dead."""
    async with TensorOne(emulator.api_key, url=emulator.url, http="httpx") as client:
        await client.clusters.stop(RUNNING)
        found = await counted(lambda: client.clusters.stop(RUNNING))
    assert found["writes"] == 2


def test_a_loop_is_looked_up_once(emulator: Emulator, run):
    """Later calls compare the running loop with the one that was found."""

    async def main() -> None:
        async with TensorOne(emulator.api_key, url=emulator.url) as client:

            async def check() -> None:
                client._lifetime.require_open()

            assert await counted(check) == {}

    run(main)
