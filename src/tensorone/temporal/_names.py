"""The names that workers and programs have to agree on. Pure."""

from __future__ import annotations

import math
import re

from tensorone import InvalidArgument

_NAME = re.compile(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)*")


def checked(field: str, value: object) -> str:
    """A name that can be part of an id."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InvalidArgument(field, f"{value!r} must be of letters, digits and '_', with single '-' in between")
    return value


def checked_rate(field: str, value: object) -> float:
    """A number of requests a second that a queue can be given."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise InvalidArgument(field, f"must be a finite number above 0, not {value!r}")
    return float(value)


def task_queue(account: str) -> str:
    """Where the workers of an account take their tasks from."""
    return f"tensorone-{checked('account', account)}"


def acting_queue(task_queue: str) -> str:
    """Where the one worker that acts for the account takes its tasks from; no account's own queue has a dot."""
    return f"{task_queue}.acting"


def account_id(account: str) -> str:
    """The workflow by which one worker acts for the account."""
    return f"tensorone/{account}"


def workflow_id(account: str, fleet: str, shard: int) -> str:
    """The one writer of a shard."""
    return f"tensorone/{account}/{fleet}/{shard}"
