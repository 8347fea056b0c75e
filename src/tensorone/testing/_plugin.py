"""What pytest loads: the setting, the marks, the fixtures, and what a failed test shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from . import _marks
from ._closed_port import only_emulated

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from tensorone import TensorOne
    from tensorone.emulator import Emulator

ONLY_EMULATED = "tensorone_only_emulated"

SHOWN = 20  # requests of a failed test

_USED = pytest.StashKey["Emulator"]()

_PASSED = pytest.StashKey[bool]()

_CLOSED = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The setting of the project."""
    parser.addini(
        ONLY_EMULATED,
        "point TENSORONE_API_KEY and TENSORONE_API_URL to a closed port, except in tests that use the emulator",
        type="bool",
        default=False,
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Points the variables to a closed port before a conftest.py can make a client."""
    _allow_only_emulated(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marks; points the variables to a closed port if the plugin was loaded by a conftest.py."""
    _allow_only_emulated(config)
    for name, mark in _marks.MARKS.items():
        config.addinivalue_line("markers", f"{name}{mark.help}")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Says that the variables point to a closed port."""
    return f"tensorone: only emulated ({ONLY_EMULATED})" if _CLOSED in config.stash else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuses mistaken marks, and gives the emulator to the tests with a mark."""
    marked = [item for item in items if _marks.has_any(item)]
    mistakes: dict[str, str] = {}
    for item in marked:
        for mistake in _marks.mistakes(item):
            mistakes.setdefault(mistake, item.nodeid)
    # A worker of pytest-xdist cannot end the session: there, each of these tests fails.
    if mistakes and not hasattr(config, "workerinput"):
        raise pytest.UsageError("\n".join(f"{first}: {mistake}" for mistake, first in mistakes.items()))
    for item in marked:
        names: list[str] = getattr(item, "fixturenames", [])  # items of other plugins may have none
        # The first of all, since another fixture may make a client.
        names[:] = ["tensorone_emulator", *(name for name in names if name != "tensorone_emulator")]


@pytest.hookimpl(hookwrapper=True)  # the older kind: pytest may be of any version where the extra is not installed
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any]:
    """Adds the latest requests to the report of a failed test."""
    report: pytest.TestReport = (yield).get_result()
    if (emulator := item.stash.get(_USED, None)) is not None:
        item.stash[_PASSED] = report.passed
        if report.failed:
            lines = emulator.access_log[-SHOWN:] or ("none reached the emulator",)
            report.sections.append(("tensorone requests", "\n".join(lines)))


@pytest.fixture(scope="session")
def tensorone_options() -> Mapping[str, Any]:
    """What every test begins with, as keywords of tensorone.emulator.Emulator: override it in conftest.py.

    rate_limit and leftovers are keywords too, as in the mark `tensorone`.
    Keywords left out are those of the emulator, except boot="at-once" (containers are up at once) and
    first_clusters=False (the account is empty).
    """
    return {}


@pytest.fixture(scope="session")
def tensorone_server(tensorone_options: Mapping[str, Any]) -> Iterator[Emulator]:
    """The tensorone.emulator.Emulator of the session, or of a worker of pytest-xdist, on a free loopback port."""
    from ._world import started

    with started(tensorone_options) as emulator:
        yield emulator


@pytest.fixture
def tensorone_emulator(
    request: pytest.FixtureRequest, tensorone_server: Emulator, tensorone_options: Mapping[str, Any]
) -> Iterator[Emulator]:
    """The emulator for one test: reset, marks applied; TENSORONE_API_KEY and TENSORONE_API_URL point to it.

    So code that makes its own TensorOne() uses it. A test with a mark of tensorone need not ask for it.
    """
    from ._world import begin, leftovers, running

    if mistakes := list(_marks.mistakes(request.node)):
        pytest.fail("\n".join(mistakes), pytrace=False)
    setup = _marks.setup_of(request.node, tensorone_options)
    begin(tensorone_server, setup)
    before = running(tensorone_server)
    request.node.stash[_USED] = tensorone_server
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENSORONE_API_KEY", tensorone_server.api_key)
        patch.setenv("TENSORONE_API_URL", tensorone_server.url)
        yield tensorone_server
    # A test that failed half-way had no chance to end its clusters.
    if setup.leftovers == "fail" and request.node.stash.get(_PASSED, False):
        leftovers(tensorone_server, before)


@pytest.fixture
def tensorone_client(tensorone_emulator: Emulator) -> Iterator[TensorOne]:
    """An open tensorone.TensorOne on the emulator for one test, for asyncio and trio.

    It calls the emulator in the process, without a socket, and waits at most two seconds for the effect of a lost
    answer (settle_time=2).
    """
    from ._client import connected

    with connected(tensorone_emulator) as client:
        yield client


def _allow_only_emulated(config: pytest.Config) -> None:
    if _CLOSED not in config.stash and config.getini(ONLY_EMULATED):
        config.stash[_CLOSED] = only_emulated(config.add_cleanup)
