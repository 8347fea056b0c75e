"""Fixtures: an emulator per test, clients on it, both event loops, and a clock that jumps."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import hypothesis
import pytest
import trio.testing

from tensorone import RetryPolicy, TensorOne
from tensorone.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

KEY = "tpo_test_0123456789abcdef0123456789abcdef0123"

# Tests talk to loopback alone, also with clients that send everything to a proxy of the environment.
for _name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[_name]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background by a shell: the programs that tests start would not hear of Ctrl-C either.
    signal.signal(signal.SIGINT, signal.default_int_handler)


# A busy machine is slow, and no finding.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two a core: much of what the tests do is to wait for answers, deadlines and other processes."""
    return 2 * (os.cpu_count() or 1)


# Variants of these tests that `make test` runs, by what their ids hold; the others are slow, for `make cov` and CI.
SAMPLED = {
    "test_a_cancelled_rental_is_returned_or_terminated": "deploy",
    "test_a_fan_out_that_is_interrupted_loses_nothing": "15-asyncio",
    "test_a_lease_is_ended": "^15-",
    "test_a_rental_that_was_limited_is_sent_again": "THROTTLED",
    "test_a_repeat_finds_what_is_committed_late": "deploy",
    "test_a_resume_whose_answer_is_lost_is_settled_by_the_clusters_state": "clusterBidResume",
    "test_a_round_that_ends_at_any_request_and_is_repeated_rents_one": "killed-0",
    "test_a_session_is_as_it_is_shown": "README",
    "test_an_account_is_looked_at_once_in_an_interval": "3",
    "test_completion_is_written_and_its_line_shown": "bash",
    "test_control_c_terminates_what_was_rented": "trio",
    "test_it_is_not_imported_where_it_is_off": "SDK_DISABLED",
    "test_it_leaves_at_once_with_a_word": "15|asyncio",
    "test_no_command_shows_or_writes_a_secret": "json",
    "test_nothing_leaks": "own transport",
    "test_what_a_page_shows_works": r"^(?!docs/(index|tutorial|howto/(clean-up|fastapi|own-operations|spot-fleet)).md)",
    "test_what_stays_unknown_is_said_so_with_the_token": "httpx",
    "test_what_was_rented_shows_no_values": "aiohttp",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what would run twice: on trio a client sends over httpx's transport, whatever is installed."""
    for each in items:
        stays = SAMPLED.get(getattr(each, "originalname", ""))
        if stays is not None and not re.search(stays, each.callspec.id):
            each.add_marker(pytest.mark.slow)
    twice = [each for each in items if _parameters(each) >= {("over", "aiohttp"), ("run", "trio")}]
    twice += [each for each in items if _parameters(each) >= {("over", "aiohttp"), ("backend", "trio")}]
    config.hook.pytest_deselected(items=twice)
    items[:] = [each for each in items if each not in set(twice)]


def _parameters(item: pytest.Item) -> set[tuple[str, str]]:
    given = item.callspec.params if hasattr(item, "callspec") else {}
    return {(name, value) for name, value in given.items() if isinstance(value, str)}


@pytest.fixture(autouse=True)
def over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sends requests over httpx's own transport; tests that must hold for both override this."""
    monkeypatch.setenv("TENSORONE_HTTP", "httpx")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator on a free port, with the published clusters, whose containers are up at once."""
    with Emulator(api_key=KEY, boot="at-once") as running:
        yield running


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[TensorOne]:
    """A client on that emulator; this works as a fixture, since a client owns no task."""
    async with TensorOne(emulator.api_key, url=emulator.url, settle_time=2) as opened:
        yield opened


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Runs a coroutine function on either event loop."""

    def runner(main: Callable[..., Awaitable[Any]], *args: object) -> Any:
        return anyio.run(main, *args, backend=request.param)

    return runner


@pytest.fixture
def run_virtually() -> Callable[..., Any]:
    """Runs a coroutine function on a clock that jumps to the next deadline whenever all tasks wait."""

    def runner(main: Callable[..., Awaitable[Any]], *args: object) -> Any:
        clock = trio.testing.MockClock(autojump_threshold=0)
        return anyio.run(main, *args, backend="trio", backend_options={"clock": clock})

    return runner


@pytest.fixture
def open_client() -> Callable[..., TensorOne]:
    """Makes a client for a URL, with short waits."""

    def make(url: str, **settings: Any) -> TensorOne:
        defaults = {"settle_time": 0.0, "retry": RetryPolicy(attempts=1), "timeout": 5.0}
        return TensorOne(KEY, url=url, **(defaults | settings))

    return make


@pytest.fixture
def on(run_virtually: Callable[..., Any]) -> Callable[..., None]:
    """Runs a test against an emulator in this process, on the same jumping clock, with fixed prices at first."""

    def runner(
        main: Callable[[TensorOne, Emulator], Awaitable[object]], schema: str | None = None, **settings: Any
    ) -> None:
        async def with_both() -> None:
            emulator = Emulator(clock=anyio.current_time, first_clusters=False, schema=schema)
            emulator.world.set_minimum_bid("NVIDIA A40", "0.2")
            emulator.world.set_minimum_bid("NVIDIA L40S", "0.3")
            transport = httpx.ASGITransport(emulator.app)
            given = {"transport": transport, "retry": RetryPolicy(attempts=1)} | settings
            async with TensorOne(emulator.api_key, url="http://localhost/graphql", **given) as client:
                await main(client, emulator)

        run_virtually(with_both)

    return runner
