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
from ._lost_rounds import outcome_of, trouble_of
from ._names import acting_queue
from ._values import Ends, Looked, LookTask, RoundEnd, RoundEnds, RoundTask, RoundTasks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

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
        does: list[Callable[..., Any]] = [self.look, self.rounds, self.ends]
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

    @activity.defn(name="tensorone-rounds")
    async def rounds(self, tasks: RoundTasks) -> RoundEnds:
        """Some rounds side by side. Temporal hands them to one worker at most: by an intent of their own they may send.

        Their results are reported together: to carry one round through Temporal takes as much as the round.
        """
        ends: dict[str, RoundEnd] = {}

        async def take(task: RoundTask) -> None:
            ends[task.order.recover.cluster_id] = await self._round(task)

        await _beating(_side_by_side(take, tasks.rounds), every=SELDOM)
        return RoundEnds(tuple(ends[each.order.recover.cluster_id] for each in tasks.rounds))

    async def _round(self, task: RoundTask) -> RoundEnd:
        """One of them: it raises nothing, or the others' ends would be lost with it."""
        intent = replace(task.intent, by=self._client.fleet.by) if task.new else task.intent
        try:
            outcome = await self._client.fleet.round(task.order, look=task.look, own_bids=task.own_bids, intent=intent)
        except Exception as error:  # noqa: BLE001 - it is reported
            cluster_id = task.order.recover.cluster_id
            return RoundEnd(outcome=outcome_of(error, cluster_id, new=task.new), trouble=trouble_of(error))
        return RoundEnd(outcome=outcome)

    @activity.defn(name="tensorone-ends")
    async def ends(self, given: Ends) -> None:
        """Ends clusters side by side. Where one fails, Temporal repeats all of them: what is gone is ended."""
        failed: list[Exception] = []

        async def end(each: End) -> None:
            try:
                await self._client.fleet.end(each.cluster_id, how=each.how)
            except Exception as error:  # noqa: BLE001 - raised below, when the others have ended
                failed.append(error)

        await _beating(_side_by_side(end, given.actions), every=SELDOM)
        if failed:
            raise failed[0]


async def _side_by_side(work: Callable[[T], Coroutine[Any, Any, None]], given: Iterable[T]) -> None:
    async with anyio.create_task_group() as group:
        for each in given:
            group.start_soon(work, each)


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
