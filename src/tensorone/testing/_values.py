"""The values of marks: which of them a mark takes, as far as that is known before there is an emulator."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeGuard, cast

if TYPE_CHECKING:
    import pytest


MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Rule:
    """What a keyword takes.

    Attributes:
        fits: Whether it takes a value.
        words: What it takes, for the error.
    """

    fits: Callable[[object], bool]
    words: str


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _money(value: object) -> bool:
    if not isinstance(value, str | Decimal) and not _number(value):
        return False
    try:
        amount = Decimal(value)
    except ArithmeticError:
        return False
    return amount.is_finite() and amount >= 0


def _moves(value: object) -> bool:
    return isinstance(value, list | tuple) and all(hasattr(each, "gpu_type_id") for each in cast("list[object]", value))


def _name(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[_A-Za-z][_0-9A-Za-z]*", value) is not None


def or_none(rule: Rule) -> Rule:
    """The same, and None."""
    return Rule(lambda value: value is None or rule.fits(value), f"{rule.words}, or None")


WHOLE = Rule(_whole, "a whole number")
COUNT = Rule(lambda value: _number(value) and value >= 0, "a finite number from 0")
POSITIVE = Rule(lambda value: _number(value) and value > 0, "a finite number above 0")
FLAG = Rule(lambda value: isinstance(value, bool), "True or False")
TEXT = Rule(lambda value: isinstance(value, str), "a string")
MEMBERS = Rule(lambda value: isinstance(value, Mapping), "a mapping")
HEADER = Rule(lambda value: isinstance(value, str) or (_whole(value) and value >= 0), "whole seconds or an HTTP date")
NAME = Rule(_name, "a root field, such as 'clusterTerminate', or the name of an operation, such as 'TerminateCluster'")

PORT = Rule(lambda value: _whole(value) and 0 <= value <= MAX_PORT, f"a number from 0 to {MAX_PORT}")

RULES: Mapping[str, Mapping[str, Rule]] = {
    "tensorone": {
        "seed": or_none(WHOLE),
        "speed": or_none(COUNT),
        "balance": or_none(Rule(_money, "US dollars from 0")),
        "rate_limit": or_none(POSITIVE),
        "first_clusters": or_none(FLAG),
    },
    "tensorone_fault": {
        "operation": or_none(NAME),
        "times": or_none(WHOLE),
        "after": WHOLE,
        "probability": or_none(COUNT),
        "commit": or_none(FLAG),
        "seconds": or_none(COUNT),
        "status": or_none(WHOLE),
        "retry_after": or_none(HEADER),
        "body": TEXT,
        "code": or_none(TEXT),
        "message": or_none(TEXT),
        "path": or_none(FLAG),
        "extensions": or_none(MEMBERS),
        "entry": or_none(MEMBERS),
    },
    "tensorone_options": {"port": PORT},  # and those of tensorone
    "tensorone_market": {
        "seed": WHOLE,
        "seconds": POSITIVE,
        "moves": Rule(_moves, "a list of tensorone.emulator.MarketMove"),
    },
}


def wrong(mark: pytest.Mark) -> str | None:
    """What is wrong with the values of a mark that has the right keywords."""
    return misfit(RULES[mark.name], mark.kwargs) or _contradiction(mark)


def misfit(rules: Mapping[str, Rule], given: Mapping[str, object]) -> str | None:
    """The first value that does not fit its keyword."""
    for name, value in given.items():
        if name in rules and not rules[name].fits(value):
            return f"takes {name}= as {rules[name].words}, not {value!r}"
    return None


def _contradiction(mark: pytest.Mark) -> str | None:
    """What the emulator says of a fault or a boot; nothing where it is not installed, which the fixtures say."""
    try:
        from tensorone.emulator import Boot, Fault
    except ImportError:
        return None
    try:
        if mark.name == "tensorone_fault":
            Fault(mark.args[0], **mark.kwargs)
        elif isinstance(boot := mark.kwargs.get("boot"), str):
            Boot.parse(boot)
        elif boot is not None and not isinstance(boot, Boot):
            return f"takes boot= as text, such as '20s', or as a tensorone.emulator.Boot, not {boot!r}"
    except ValueError as error:
        return f"has a wrong value: {error}"
    return None
