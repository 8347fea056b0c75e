"""The activities: the calls of `client.fleet`, by the one worker that acts for the account. The client is its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from temporalio import activity
from temporalio.worker import Worker

from tensorone.fleet import End  # noqa: TC001 - Temporal reads the signatures

from ._lookout import Lookout
from ._names import acting_queue
from ._values import Looked, LookTask, Outcome, RoundTask  # noqa: TC001 - likewise

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from temporalio.client import Client

    from tensorone import TensorOne

T = TypeVar("T")

HEARTBEAT = timedelta(seconds=5)  # without a sign of life, a worker counts as dead
BEAT = 1.0  # seconds between two signs of life of who acts
SELDOM = 2.0  # the same of its looks and rounds, of which there are many; most end before the first


class Activities:
    """What a worker does for fleets, with the client that it was given.

    Args:
        client: The worker's client.
        temporal: Where its tasks come from.
        limits: How many tasks it takes while it acts; see `temporalio.worker.Worker`.
    """

    def __init__(self, client: TensorOne, temporal: Client, limits: dict[str, Any]) -> None:
        self._client = client
        self._temporal = temporal
        self._limits = limits
        self._lookout = Lookout(client)

    @activity.defn(name="tensorone-act")
    async def act(self) -> None:
        """Takes the account's looks, rounds and ends until the worker ends, or another one acts."""
        await _beating(self._act(acting_queue(activity.info().task_queue)), every=BEAT)

    async def _act(self, queue: str) -> None:
        self._lookout = lookout = Lookout(self._client)
        does: list[Callable[..., Any]] = [self.look, self.round, self.end]
        async with Worker(self._temporal, task_queue=queue, activities=does, **self._limits):
            try:
                await activity.wait_for_worker_shutdown()
            finally:
                lookout.leave()

    @activity.defn(name="tensorone-look")
    async def look(self, task: LookTask) -> Looked:
        """One look, when it is time."""
        shard = activity.info().workflow_id
        return await _beating(self._lookout.look(task, str(shard)), every=SELDOM)

    @activity.defn(name="tensorone-round")
    async def round(self, task: RoundTask) -> Outcome:
        """One round. Temporal hands a round with an intent of its own to one worker at most: by that it may send."""
        intent = replace(task.intent, by=self._client.fleet.by) if task.new else task.intent
        taken = self._client.fleet.round(task.order, look=task.look, own_bids=task.own_bids, intent=intent)
        return await _beating(taken, every=SELDOM)

    @activity.defn(name="tensorone-end")
    async def end(self, action: End) -> None:
        """Ends a cluster."""
        await _beating(self._client.fleet.end(action.cluster_id, how=action.how), every=SELDOM)


async def _beating(work: Awaitable[T], *, every: float) -> T:
    """What it comes to, with signs of life in between; a worker that gives none is replaced."""
    found: list[T] = []
    failed: list[Exception] = []
    beats = anyio.CancelScope()
    async with anyio.create_task_group() as group:
        group.start_soon(_beat, beats, every)
        try:
            found.append(await work)
        except Exception as error:  # noqa: BLE001 - raised below, out of the group and as it is
            failed.append(error)
        beats.cancel()
    if failed:
        raise failed[0]
    return found[0]


async def _beat(scope: anyio.CancelScope, every: float) -> None:
    with scope:
        while True:
            await anyio.sleep(every)
            activity.heartbeat()
