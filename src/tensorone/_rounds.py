"""Looks at the listing for many at once: whoever waits first looks for all, and wakes those who have seen enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import anyio

from . import _listing
from ._errors import TensorOneError

if TYPE_CHECKING:
    from ._generated import Cluster
    from ._listing import Snapshot
    from ._shared import Shared


class Seat(Protocol):
    """Someone who waits; asked after every look, and answers whether that was enough."""

    def saw(self, snapshot: Snapshot) -> bool:
        """The look brought this."""
        ...

    def failed(self, error: TensorOneError) -> bool:
        """The look failed."""
        ...


class _Place:
    """A seat that is taken."""

    __slots__ = ("event", "over", "seat")

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.over = False
        self.event = anyio.Event()  # told that it is over, or that it is to lead


class Rounds:
    """One look per interval for all who wait at that interval, without a task of its own.

    The first one leads: it sleeps, looks, and asks all the others. So a waiter that goes on waiting costs a
    question per look, and no timer and no wake-up. When the leader has seen enough or is cancelled, the next one leads.
    """

    def __init__(self, listing: Shared[dict[str, Cluster]], every: float) -> None:
        self._listing = listing
        self._every = every
        self._places: dict[_Place, None] = {}
        self._led = False
        self._stride = 1
        self._failures = 0

    async def attend(self, seat: Seat) -> None:
        """Returns after the look that was enough for the seat; looks come from the next interval on."""
        place = _Place(seat)
        self._places[place] = None
        try:
            while not place.over:
                if self._led:
                    await place.event.wait()
                    place.event = anyio.Event()
                else:
                    await self._lead(place)
        finally:
            del self._places[place]
            if not self._led and self._places:
                next(iter(self._places)).event.set()

    async def _lead(self, place: _Place) -> None:
        self._led = True
        try:
            while not place.over:
                await self._look()
        finally:
            self._led = False

    async def _look(self) -> None:
        moment = _listing.next_tick(anyio.current_time(), self._every, stride=self._stride)
        await _listing.until(moment)
        begun = anyio.current_time()
        try:
            snapshot = await self._listing.since(moment)
        except TensorOneError as error:
            self._failures += 1
            enough = [place for place in self._places if place.seat.failed(error)]
        else:
            self._failures = 0
            enough = [place for place in self._places if place.seat.saw(snapshot)]
        self._stride = _listing.stride(anyio.current_time() - begun, self._every, failures=self._failures)
        for place in enough:
            place.over = True
            place.event.set()
