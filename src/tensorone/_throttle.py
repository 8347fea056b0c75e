"""The queue that every request of one client goes through: first come, first served, at the pace the server bears."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import anyio

from ._pace import Pace

__all__ = ["ThrottleState"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleState:
    """A look at the queue of one client, for those who monitor it.

    Attributes:
        in_flight: Requests under way.
        width: Requests that may be under way at once now; at most the client's `max_connections`.
        waiting_reads: Queries in the queue.
        waiting_mutations: Mutations in the queue.
        requests_per_second: Rate learned from the server's refusals, or None while it refuses nothing.
        paused_for: Seconds until anything may be sent again, after a refusal; else 0.
    """

    in_flight: int
    width: int
    waiting_reads: int
    waiting_mutations: int
    requests_per_second: float | None
    paused_for: float


class Paused(Exception):
    """The server asked everyone to wait for longer than this request can."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class _Waiter:
    """One request in the queue."""

    __slots__ = ("event",)

    def __init__(self) -> None:
        self.event: anyio.Event | None = None


class Throttle:
    """Lets requests start in order, reads and mutations by turns while both wait.

    No task of its own: whoever is at the head of the queue sleeps until the pace permits, and wakes the next
    one when it starts. Joining, leaving and being cancelled each cost the same however many wait.
    """

    def __init__(self, max_width: int) -> None:
        self.pace = Pace(max_width)
        self._in_flight = 0
        self._reads: OrderedDict[_Waiter, None] = OrderedDict()
        self._mutations: OrderedDict[_Waiter, None] = OrderedDict()
        self._mutation_is_next = True

    @property
    def state(self) -> ThrottleState:
        """How things stand now."""
        return ThrottleState(
            in_flight=self._in_flight,
            width=int(self.pace.width),
            waiting_reads=len(self._reads),
            waiting_mutations=len(self._mutations),
            requests_per_second=self.pace.rate if math.isfinite(self.pace.rate) else None,
            paused_for=self._paused_for(),
        )

    async def enter(self, *, mutation: bool, again: bool = False, patience: float = math.inf) -> float:
        """Waits for the turn of one request; answers the time at which it starts.

        Args:
            mutation: Which of the two lines to join.
            again: The request was here before and was refused: it joins at the front.
            patience: Seconds that a pause asked for by the server may last at most.

        Raises:
            Paused: It lasts longer.
        """
        now = anyio.current_time()
        if not self._reads and not self._mutations and self._room() and self.pace.delay(now) <= 0:
            return self._start(now)
        line = self._mutations if mutation else self._reads
        waiter = _Waiter()
        line[waiter] = None
        if again:
            line.move_to_end(waiter, last=False)
        try:
            now = await self._turn(waiter, patience)
        finally:
            del line[waiter]
            self._wake()
        self._mutation_is_next = not mutation
        return self._start(now)

    def leave(self) -> None:
        """A request ended, in whatever way."""
        self._in_flight -= 1
        self._wake()

    async def _turn(self, waiter: _Waiter, patience: float) -> float:
        while True:
            now = anyio.current_time()
            if (pause := self.pace.resume_at - now) > patience:
                raise Paused(pause)
            if self._head() is not waiter or not self._room():
                waiter.event = anyio.Event()
                await waiter.event.wait()
            elif (delay := self.pace.delay(now)) > 0:
                waiter.event = anyio.Event()
                with anyio.move_on_after(delay):
                    await waiter.event.wait()
            else:
                return now

    def _paused_for(self) -> float:
        # Never paused: then there need not even be a clock, which only an event loop has.
        if math.isinf(self.pace.resume_at):
            return 0.0
        return max(0.0, self.pace.resume_at - anyio.current_time())

    def _start(self, now: float) -> float:
        self._in_flight += 1
        self.pace.start(now)
        return now

    def _room(self) -> bool:
        return self._in_flight < int(self.pace.width)

    def _head(self) -> _Waiter | None:
        first, second = (self._mutations, self._reads) if self._mutation_is_next else (self._reads, self._mutations)
        return next(iter(first or second), None)

    def _wake(self) -> None:
        # Whoever would find no room is left asleep, unless there is a pause to learn of: that saves half of the cost.
        if self._room() or math.isfinite(self.pace.resume_at):
            head = self._head()
            if head is not None and head.event is not None:
                head.event.set()
