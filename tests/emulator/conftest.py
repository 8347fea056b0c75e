"""A world whose clock is stopped, an emulator with such a world, and a way to send it requests."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from emulator.worlds import A6000, new_world, small_host

from tensorone.emulator import Emulator, World

Ask = Callable[..., httpx.Response]
Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture(scope="module", autouse=True)
def no_proxy() -> Iterator[None]:
    """Requests reach the emulator directly, even if the environment names a proxy."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            patch.delenv(name)
        yield


@pytest.fixture
def world() -> World:
    """An empty world whose time passes by `advance` alone."""
    return new_world()


@pytest.fixture
def tiny() -> World:
    """The same with one machine of two A6000, whose minimum bid is fixed at 0.18."""
    world = new_world(small_host())
    world.set_minimum_bid(A6000, "0.18")
    return world


@pytest.fixture(scope="module")
def served() -> Iterator[Emulator]:
    """One emulator for a whole file."""
    with Emulator(speed=0, boot="at-once") as emulator:
        yield emulator


@pytest.fixture
def emulator(served: Emulator) -> Emulator:
    """An emulator in its initial state, whose time passes by `advance` alone; containers are up at once."""
    served.reset()
    return served


@pytest.fixture(scope="module")
def ask(served: Emulator) -> Iterator[Ask]:
    """Sends a document over HTTP; the key is the emulator's unless `key` says otherwise, None for none."""
    with httpx.Client(timeout=30) as client:

        def send(document: str, *, key: str | None = served.api_key, **rest: Any) -> httpx.Response:
            params = {} if key is None else {"api_key": key}
            return client.post(served.url, params=params, json={"query": document, **rest})

        yield send


@pytest.fixture
def eventually() -> Eventually:
    """Waits until a condition holds that another thread brings about."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, "it never happened"
            time.sleep(0)  # lets the other thread run

    return wait
