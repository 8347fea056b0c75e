"""What the SDK writes into a cluster's environment, and reads back from listings. Pure."""

from __future__ import annotations

import re
import secrets
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tensorone import _checks
from tensorone._errors import InvalidArgument, OutcomeUnknown
from tensorone._generated import ClusterStatus

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from tensorone._generated import Cluster


CLIENT_TOKEN = "TENSORONE_CLIENT_TOKEN"  # noqa: S105 - the name of a variable, not a secret

EXPIRES_AT = "TENSORONE_EXPIRES_AT"

LABEL = "TENSORONE_RENTED"

RESERVED = frozenset({CLIENT_TOKEN, EXPIRES_AT, LABEL})

_TOKEN = re.compile(r"[A-Za-z0-9._:+-]{1,128}")


def token(given: object) -> str:
    """The token of one rental: the caller's own, or a new random one."""
    if given is None:
        return secrets.token_hex(12)
    text = _checks.text("client_token", given)
    if not _TOKEN.fullmatch(text):
        raise InvalidArgument("client_token", "must be 1 to 128 letters, digits or any of . : _ + -")
    return text


@contextmanager
def given(client_token: object) -> Generator[None]:
    """Marks an unknown outcome in the block whose token the caller gave: the same call again looks for it first."""
    try:
        yield
    except OutcomeUnknown as error:
        error.token_given = client_token is not None
        raise


def value_of(env: Iterable[str] | None, name: str) -> str | None:
    """The value of one variable in an environment as the API lists it, `KEY=value` strings."""
    for entry in env or ():
        key, _, value = entry.partition("=")
        if key == name:
            return value
    return None


def with_token(clusters: Iterable[Cluster], token: str) -> list[Cluster]:
    """The clusters that carry a token and still exist; the one to keep comes first: running ones first, then by id."""
    found = [
        cluster
        for cluster in clusters
        if cluster.desired_status != ClusterStatus.TERMINATED and value_of(cluster.env, CLIENT_TOKEN) == token
    ]
    return sorted(found, key=lambda cluster: (cluster.desired_status != ClusterStatus.RUNNING, cluster.id))


def expiry(env: Sequence[str] | None) -> datetime | None:
    """When a cluster expires; None without a readable date."""
    try:
        moment = datetime.fromisoformat(value_of(env, EXPIRES_AT) or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def tags(token: str, expires_in: float | None) -> dict[str, str]:
    """The variables by which a later process recognises the cluster and knows when it expires."""
    found = {CLIENT_TOKEN: token}
    if expires_in is not None:
        deadline = time.time() + _checks.seconds("expires_in", expires_in)
        try:
            found[EXPIRES_AT] = datetime.fromtimestamp(deadline, UTC).isoformat(timespec="seconds")
        except (ValueError, OverflowError, OSError):
            raise InvalidArgument("expires_in", f"{expires_in:g} s from now is after the year 9999") from None
    return found
