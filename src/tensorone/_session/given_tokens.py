"""Tokens that callers gave: one call at a time, and nothing rented before what others sent has had time to appear."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import anyio

from tensorone import _checks
from tensorone._errors import InvalidArgument

if TYPE_CHECKING:
    from datetime import datetime

    from .session import Session


class GivenTokens:
    """The tokens that the calls of one client were given.

    Two calls that look for a token at the same time both find nothing, and both rent. In one client the second waits
    for the first; what another process sent is known to the caller alone.
    """

    def __init__(self) -> None:
        self._turns: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    def turn(self, token: str) -> anyio.Lock:
        """What a call holds while it looks for a token and rents with it."""
        return self._turns.setdefault(token, anyio.Lock())


def unsettled(session: Session, token: str, sent_at: float | None) -> float:
    """Seconds for which a cluster of an earlier call with a token may still appear; 0 where none is expected.

    Args:
        session: The client's; what it rented itself may be missing from a listing that lags.
        token: The token.
        sent_at: When another process last sent it, seconds since 1970; None for never. What is in the future is now,
            by a clock that goes ahead of this one.
    """
    mine, other = session.rentals.since(token), None if sent_at is None else max(session.now() - sent_at, 0.0)
    ago = min((each for each in (mine, other) if each is not None), default=session.settle_time)
    return max(session.settle_time - ago, 0.0)


def sent_at(moment: datetime | None, client_token: str | None) -> float | None:
    """When a token was last sent by somebody else, in seconds since 1970.

    Raises:
        InvalidArgument: It is no moment, or there is no token that it could be about.
    """
    if moment is None:
        return None
    if client_token is None:
        raise InvalidArgument("token_sent_at", "needs client_token=: without one the token is new, and nobody sent it")
    return _checks.moment("token_sent_at", moment)
