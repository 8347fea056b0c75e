"""Polls of the account's listing for many waiters at once: the first waiter polls for all of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import anyio

from tensorone._concurrency.single_flight import SingleFlight
from tensorone._errors import TensorOneError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tensorone._concurrency.single_flight import Fetched
    from tensorone._generated import Cluster

    Snapshot = Fetched[dict[str, Cluster]]
    """The account's clusters by id, and when they were asked for."""


SHARE = 5  # polls may take one fifth of the time

MOST_DOUBLINGS = 3  # of the interval, while polls fail


class Subscriber(Protocol):
    """A waiter; called after every poll, and returns True to end its wait."""

    def on_snapshot(self, snapshot: Snapshot) -> bool:
        """The poll returned this."""
        ...

    def on_failure(self, error: TensorOneError) -> bool:
        """The poll failed."""
        ...


class _Subscription:
    """A subscriber that waits."""

    __slots__ = ("event", "over", "subscriber")

    def __init__(self, subscriber: Subscriber) -> None:
        self.subscriber = subscriber
        self.over = False
        self.event = anyio.Event()  # set when its wait is over, or when it must lead


class Poller:
    """One poll per interval for all who wait at that interval, without a task of its own.

    The first subscriber leads: it sleeps, polls and calls all the others. A waiter costs one predicate call per poll,
    no timer and no wake-up. When the leader's wait ends or is cancelled, the next subscriber leads.
    """

    def __init__(self, listing: SingleFlight[dict[str, Cluster]], every: float) -> None:
        self._listing = listing
        self._every = every
        self._subscriptions: dict[_Subscription, None] = {}
        self._led = False
        self._stride = 1
        self._failures = 0

    async def wait(self, subscriber: Subscriber) -> None:
        """Returns after the poll that ended the subscriber's wait; the first poll is that of the next interval."""
        subscription = _Subscription(subscriber)
        self._subscriptions[subscription] = None
        try:
            while not subscription.over:
                if self._led:
                    await subscription.event.wait()
                    subscription.event = anyio.Event()
                else:
                    await self._lead(subscription)
        finally:
            del self._subscriptions[subscription]
            if not self._led and self._subscriptions:
                next(iter(self._subscriptions)).event.set()

    async def _lead(self, subscription: _Subscription) -> None:
        self._led = True
        try:
            while not subscription.over:
                await self._poll()
        finally:
            self._led = False

    async def _poll(self) -> None:
        moment = next_tick(anyio.current_time(), self._every, stride=self._stride)
        await until(moment)
        begun = anyio.current_time()
        try:
            snapshot = await self._listing.since(moment)
        except TensorOneError as error:
            self._failures += 1
            ended = [subscription for subscription in self._subscriptions if subscription.subscriber.on_failure(error)]
        else:
            self._failures = 0
            ended = [
                subscription for subscription in self._subscriptions if subscription.subscriber.on_snapshot(snapshot)
            ]
        self._stride = stride(anyio.current_time() - begun, self._every, failures=self._failures)
        for subscription in ended:
            subscription.over = True
            subscription.event.set()


def listing(fetch: Callable[[], Awaitable[list[Cluster]]]) -> SingleFlight[dict[str, Cluster]]:
    """Shared listings."""

    async def by_id() -> dict[str, Cluster]:
        return {cluster.id: cluster for cluster in await fetch()}

    return SingleFlight(by_id)


def next_tick(now: float, every: float, *, stride: int = 1) -> float:
    """The next moment on a grid that all with the same interval share, so that they poll at the same time."""
    return (now // every + stride) * every


def stride(took: float, every: float, *, failures: int) -> int:
    """After how many intervals to poll again: more than one after a slow poll or consecutive failures. Pure.

    Args:
        took: Seconds that the latest poll took; polls take at most a fifth of the time.
        every: Seconds of one interval.
        failures: Consecutive failed polls, each after its own retries; after a single one, the next is on time.
    """
    if failures:
        return 1 << min(failures - 1, MOST_DOUBLINGS)
    return max(1, math.ceil(SHARE * took / every))


def last_tick(now: float, every: float) -> float:
    """The latest moment of that grid; a listing since then is as new as anyone's."""
    return now // every * every


async def until(moment: float) -> None:
    """Sleeps until a moment of anyio's clock."""
    await anyio.sleep(max(0.0, moment - anyio.current_time()))
