"""The emulator of a session, and how one test begins and ends on it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from . import _values
from ._marks import DEFAULTS, OPERATIONS, wrong_leftovers

if TYPE_CHECKING:
    from collections.abc import Generator

    from tensorone.emulator import Emulator, World

    from ._marks import Setup

OF_THE_TEST = ("rate_limit", "leftovers")  # options that are no keywords of an emulator

MARKET = 6 * 3600.0  # seconds of a market drawn from a seed


@contextmanager
def started(options: Mapping[str, Any]) -> Generator[Emulator]:
    """A running emulator with the options of the session."""
    with _failing("the fixtures of tensorone need an extra: pip install 'tensorone[testing]'", ImportError):
        from tensorone.emulator import Emulator
    if not isinstance(options, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - a user's fixture
        _fail(f"tensorone_options must return a dict of keywords, not {type(options).__name__}")
    known = [*inspect.signature(Emulator).parameters, *OF_THE_TEST]
    if unknown := [name for name in options if name not in known]:
        _fail(f"tensorone_options has no {', '.join(unknown)}; it has {', '.join(known)}")
    rules = {**_values.RULES["tensorone"], **_values.RULES["tensorone_options"]}
    if wrong := wrong_leftovers(options.get("leftovers")) or _values.misfit(rules, options):
        _fail(f"tensorone_options {wrong}")
    given = {**DEFAULTS} | {name: value for name, value in options.items() if name not in OF_THE_TEST}
    with _failing("tensorone_options has a wrong value", TypeError, ValueError):
        emulator = Emulator(**given)
    with emulator:
        yield emulator


def begin(emulator: Emulator, setup: Setup) -> None:
    """Resets the emulator and applies the marks of a test."""
    from tensorone.emulator import Fault

    with _failing("@pytest.mark.tensorone has a wrong value", TypeError, ValueError):
        emulator.reset(**setup.reset)
        emulator.rate_limit(setup.rate_limit)
    with _failing("@pytest.mark.tensorone_market has a wrong value", AttributeError, TypeError, ValueError):
        for market in setup.markets:
            _play(emulator.world, **market)
    for _, settings in setup.faults:
        _known(settings.get("operation"), emulator)
    with _failing("@pytest.mark.tensorone_fault has a wrong value", TypeError, ValueError):
        emulator.faults.add(*(Fault(kind, **settings) for kind, settings in setup.faults))


def _known(operation: str | None, emulator: Emulator) -> None:
    """Fails a test whose fault would never happen."""
    if operation is not None and operation not in {*emulator.root_fields, *OPERATIONS}:
        words = f"@pytest.mark.tensorone_fault has a wrong value: operation={operation!r} is unknown"
        fields, operations = ", ".join(sorted(emulator.root_fields)), ", ".join(OPERATIONS)
        _fail(
            f"{words}; root fields: {fields}; operations of the SDK: {operations}; an operation of your own is matched"
            " by its root field"
        )


def running(emulator: Emulator) -> frozenset[str]:
    """The ids of the clusters that run."""
    return frozenset(each.id for each in emulator.world.clusters.values() if each.running)


def leftovers(emulator: Emulator, before: frozenset[str]) -> None:
    """Fails if a cluster runs that did not run before."""
    world = emulator.world
    with world.moment():
        found = [each for each in world.clusters.values() if each.running and each.id not in before]
    if found:
        lines = [
            f"  {each.id}: {each.gpu_count} x {each.order.gpu_type_id}, ${sum(world.rates(each).values()):.2f} an hour"
            for each in found
        ]
        _fail("\n".join(['clusters still run at the end of the test (leftovers="fail"):', *lines]))


def _play(world: World, *, seed: int = 0, moves: Any = None, seconds: float = MARKET) -> None:
    from tensorone.emulator import random_market

    openings = {model.id: world.minimum_bid(model.id) for model in world.gpu_models}
    world.play(random_market(seed, openings, seconds=seconds) if moves is None else moves)


@contextmanager
def _failing(message: str, *expected: type[Exception]) -> Generator[None]:
    """Fails the test, in place of an error whose traceback would lead into this plugin."""
    try:
        yield
    except expected as error:
        raise pytest.fail.Exception(f"{message}: {error}", pytrace=False) from None


def _fail(message: str) -> NoReturn:
    pytest.fail(message, pytrace=False)
