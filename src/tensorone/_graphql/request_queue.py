"""The queue that every request of one client goes through: first come, first served, at the rate the server bears."""

from __future__ import annotations

import math
from collections import OrderedDict
from contextlib import nullcontext

import anyio

from tensorone._concurrency.loop_tools import LoopTools, loop_tools
from tensorone._data.dataclass import dataclass

from .rate_limiter import RateLimiter

__all__ = ["ThrottleState"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleState:
    """The state of one client's queue at a moment, for monitoring.

    Attributes:
        in_flight: Requests under way.
        width: Requests that may be under way at once now; at most the client's `max_connections`.
        waiting_reads: Queries in the queue.
        waiting_mutations: Mutations in the queue.
        requests_per_second: Rate learned from the server's refusals, at most the client's `requests_per_second`; None
            while there is no limit.
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
    """One request in the queue.

    Attributes:
        mutation: Which line it stands in.
        event: Set when it was let in, or is first and must wait for a pause to end.
        started: When it was let in.
    """

    __slots__ = ("event", "mutation", "started")

    def __init__(self, event: anyio.Event, *, mutation: bool) -> None:
        self.mutation = mutation
        self.event = event
        self.started: float | None = None


class RequestQueue:
    """Lets requests start in order, reads and mutations by turns while both wait.

    No task of its own: a request that ends lets in those that may start now, and whoever is at the head of the queue
    sleeps until the rate limiter permits. Joining, leaving and being cancelled each cost the same however many wait.
    """

    def __init__(self, max_width: int, *, requests_per_second: float = math.inf) -> None:
        self.limiter = RateLimiter(max_width, requests_per_second=requests_per_second)
        self._tools: LoopTools | None = None
        self._in_flight = 0
        self._reads: OrderedDict[_Waiter, None] = OrderedDict()
        self._mutations: OrderedDict[_Waiter, None] = OrderedDict()
        self._mutation_is_next = True

    @property
    def state(self) -> ThrottleState:
        """How things stand now."""
        return ThrottleState(
            in_flight=self._in_flight,
            width=int(self.limiter.width),
            waiting_reads=len(self._reads),
            waiting_mutations=len(self._mutations),
            requests_per_second=self.limiter.rate if math.isfinite(self.limiter.rate) else None,
            paused_for=self._paused_for(),
        )

    @property
    def full(self) -> bool:
        """Whether a request that comes now has to wait for others."""
        return bool(self._reads or self._mutations) or not self._room()

    async def enter(self, *, mutation: bool, again: bool = False, patience: float = math.inf) -> float:
        """Waits for the turn of one request; answers the time at which it starts.

        Args:
            mutation: Which of the two lines to join.
            again: The request was here before and was refused: it joins at the front.
            patience: Seconds that a pause asked for by the server may last at most.

        Raises:
            Paused: It lasts longer.
        """
        if self._tools is None:
            self._tools = loop_tools()
        now = self._tools.clock()
        if not self._reads and not self._mutations and self._room() and self.limiter.delay(now) <= 0:
            return self._start(now)
        waiter = _Waiter(self._tools.event(), mutation=mutation)
        line = self._line(waiter)
        line[waiter] = None
        if again:
            line.move_to_end(waiter, last=False)
        try:
            while waiter.started is None:
                await self._turn(waiter, patience, self._tools)
        except BaseException:
            self._withdraw(waiter)
            raise
        return waiter.started

    def now(self) -> float:
        """The time, by the clock of the queue."""
        return self._tools.clock() if self._tools is not None else anyio.current_time()

    def leave(self, now: float | None = None) -> None:
        """A request ended, in whatever way; at the time `now`, if the caller has just looked at the clock."""
        self._in_flight -= 1
        self._admit(self.now() if now is None else now)

    async def _turn(self, waiter: _Waiter, patience: float, tools: LoopTools) -> None:
        """Waits until something concerns this request."""
        now = tools.clock()
        if (pause := self.limiter.resume_at - now) > patience:
            raise Paused(pause)
        delay = self.limiter.delay(now) if self._head() is waiter and self._room() else math.inf
        if delay <= 0:
            self._admit(now)
            return
        with nullcontext() if math.isinf(delay) else anyio.move_on_after(delay):
            await waiter.event.wait()
        if waiter.started is None:
            waiter.event = tools.event()

    def _admit(self, now: float) -> None:
        """Lets in all that may start now; several at once, so that they share a round of the event loop."""
        while (head := self._head()) is not None and self._room() and self.limiter.delay(now) <= 0:
            del self._line(head)[head]
            self._mutation_is_next = not head.mutation
            head.started = self._start(now)
            head.event.set()
        # Whoever would find no room is left asleep, unless there is a pause to learn of.
        if head is not None and (self._room() or math.isfinite(self.limiter.resume_at)):
            head.event.set()

    def _withdraw(self, waiter: _Waiter) -> None:
        """A request leaves that was not sent: its turn goes to another."""
        if waiter.started is not None:
            self.leave()
        else:
            del self._line(waiter)[waiter]
            self._admit(self.now())

    def _line(self, waiter: _Waiter) -> OrderedDict[_Waiter, None]:
        return self._mutations if waiter.mutation else self._reads

    def _paused_for(self) -> float:
        # Never paused: then there need not even be a clock, which only an event loop has.
        if math.isinf(self.limiter.resume_at):
            return 0.0
        return max(0.0, self.limiter.resume_at - anyio.current_time())

    def _start(self, now: float) -> float:
        self._in_flight += 1
        self.limiter.start(now)
        return now

    def _room(self) -> bool:
        return self._in_flight < int(self.limiter.width)

    def _head(self) -> _Waiter | None:
        first, second = (self._mutations, self._reads) if self._mutation_is_next else (self._reads, self._mutations)
        return next(iter(first or second), None)
