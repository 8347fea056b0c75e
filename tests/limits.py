"""Servers that limit requests, and clients that find the limit out, by a clock of their own: no socket, no wait."""

from __future__ import annotations

import copy
import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

Way = tuple[float, float]  # seconds there and back; seconds of work, one request after the other

LOOPBACK = (0.0005, 0.001)
NEAR = (0.005, 0.0003)
FAR = (0.03, 0.0003)

Header = Callable[[float], float | None]

HEADERS: dict[str, Header] = {"none": lambda _wait: None, "float": float, "int": math.ceil}


class Server(Protocol):
    """Accepts a request that arrives, or says how long to wait."""

    def wait(self, now: float) -> float:
        """Seconds until the next one would be accepted, 0 if this one is."""
        ...


class Limiter(Protocol):
    """What a client asks before it sends, and tells what came back."""

    width: float

    def delay(self, now: float) -> float:
        """Seconds until the next request may start."""
        ...

    def start(self, now: float) -> None:
        """A request starts."""

    def accepted(self, now: float, *, name: str, took: float) -> None:
        """It was answered."""

    def refused(self, now: float, *, started: float, retry_after: float | None) -> None:
        """It was refused."""


class Bucket:
    """Refuses when its tokens are used up; R new ones a second, up to the burst."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst, self.tokens, self.at = rate, burst, burst, 0.0

    def wait(self, now: float) -> float:
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1 - 1e-9:
            return (1 - self.tokens) / self.rate
        self.tokens -= 1
        return 0.0


class Window:
    """Refuses the request after the limit in any so many seconds, or, if fixed, in any such window of the clock."""

    def __init__(self, rate: float, *, fixed: bool, seconds: float = 1.0) -> None:
        self.most, self.fixed, self.seconds, self.starts = rate * seconds, fixed, seconds, deque[float]()

    def wait(self, now: float) -> float:
        start = math.floor(now / self.seconds) * self.seconds if self.fixed else now
        gone = start if self.fixed else now - self.seconds + 1e-12
        while self.starts and self.starts[0] < gone:
            self.starts.popleft()
        if len(self.starts) < self.most:
            self.starts.append(start)
            return 0.0
        return self.starts[0] + self.seconds - now


class Unlimited:
    """Refuses nothing."""

    def wait(self, _now: float) -> float:
        return 0.0


class Oracle:
    """Knows the limit from the first refusal on, keeps to the pause that the server asks for, and loses nothing else.

    Until then it is the client that it is compared with. One that has to find the limit out is refused more often:
    told to be, it spends at once what a pause saved, is refused, and knows the limit from the last of these refusals.
    """

    def __init__(self, pupil: Limiter, server: Server, way: Way, *, refusals: int = 1) -> None:
        self.pupil, self.server, self.there, self.refusals = pupil, server, way[0] / 2 + way[1], refusals
        self.known: Server | None = None
        self.refused_at = self.free_at = -math.inf

    @property
    def width(self) -> float:
        return self.pupil.width if self.known is None else 64.0

    def delay(self, now: float) -> float:
        if self.refused_at < 0:
            return self.pupil.delay(now)
        if self.known is not None and now >= self.free_at:
            self.free_at = now + copy.deepcopy(self.known).wait(now + self.there)
        return max(self.free_at - now, 0.0)

    def start(self, now: float) -> None:
        if self.known is not None:
            self.known.wait(now + self.there)
        elif self.refused_at < 0:
            self.pupil.start(now)

    def accepted(self, now: float, *, name: str, took: float) -> None:
        if self.refused_at < 0:
            self.pupil.accepted(now, name=name, took=took)

    def refused(self, now: float, *, started: float, retry_after: float | None) -> None:
        self.refusals -= started >= self.refused_at
        if self.refusals <= 0:
            self.known = copy.deepcopy(self.server)
        self.refused_at = now
        self.free_at = max(self.free_at, now + (retry_after or 0.0))


@dataclass
class Played:
    """What became of the calls: seconds in all, requests refused and sent."""

    seconds: float
    refused: int
    sent: int

    @property
    def share(self) -> float:
        """The share of requests that were refused."""
        return self.refused / self.sent


@dataclass
class _Work:
    """Calls that wait to be made; one client's own, or shared."""

    waiting: int


@dataclass
class _Client:
    limiter: Limiter
    work: _Work
    under_way: int = 0
    wake: float = math.inf

    def ready(self) -> bool:
        return self.work.waiting > 0 and self.under_way < int(self.limiter.width)


class _World:
    """The clients, one server that answers one request after the other, and what happens next."""

    def __init__(self, clients: list[_Client], server: Server, header: Header, way: Way, now: float) -> None:
        self.clients, self.server, self.header, self.way = clients, server, header, way
        self.now = self.busy = now
        self.refused = 0
        self.events: list[tuple[float, int, str, _Client, float, float]] = []
        self.number = itertools.count()

    def run(self) -> None:
        for client in self.clients:
            self.go(client)
        while any(client.work.waiting or client.under_way for client in self.clients):
            self.now, _, kind, client, started, wait = heapq.heappop(self.events)
            if kind == "arrives":
                self.push(self.now + self.way[0] / 2, "answered", client, started, self.server.wait(self.now))
                continue
            if kind == "answered":
                self.answer(client, started, wait)
            for each in self.clients:
                if each.work is client.work:
                    self.go(each)

    def push(self, at: float, kind: str, client: _Client, started: float = 0.0, wait: float = 0.0) -> None:
        heapq.heappush(self.events, (at, next(self.number), kind, client, started, wait))

    def go(self, client: _Client) -> None:
        while client.ready():
            if (delay := client.limiter.delay(self.now)) > 1e-9:
                if not self.now < client.wake <= self.now + delay:
                    client.wake = self.now + delay
                    self.push(client.wake, "wake", client)
                return
            client.limiter.start(self.now)
            self.busy = max(self.busy, self.now + self.way[0] / 2) + self.way[1]
            self.push(self.busy, "arrives", client, self.now)
            client.work.waiting, client.under_way = client.work.waiting - 1, client.under_way + 1

    def answer(self, client: _Client, started: float, wait: float) -> None:
        client.under_way -= 1
        if wait:
            self.refused, client.work.waiting = self.refused + 1, client.work.waiting + 1
            client.limiter.refused(self.now, started=started, retry_after=self.header(wait))
        else:
            client.limiter.accepted(self.now, name="ListClusters", took=self.now - started)


def play(
    limiters: Iterable[Limiter],
    server: Server,
    *,
    header: str = "none",
    way: Way = LOOPBACK,
    calls: int = 300,
    shared: bool = False,
    now: float = 0.3,
) -> Played:
    """The clients make all the calls, refused ones again until they succeed: an equal share each, or who can."""
    limiters, pool = list(limiters), _Work(calls)
    clients = [_Client(limiter, pool if shared else _Work(calls // len(limiters))) for limiter in limiters]
    total = calls if shared else calls // len(limiters) * len(limiters)
    world = _World(clients, server, HEADERS[header], way, now)
    world.run()
    return Played(world.now - now, world.refused, total + world.refused)
